"""The styles that draw heads one by one into axes: a new one is a file beside this and a line here."""

from collections.abc import Callable

from attnviz.render.options import PlotOptions
from attnviz.render.picture.arcs import Arcs
from attnviz.render.picture.figure_page import Box
from attnviz.render.picture.lines import Lines
from attnviz.render.picture.small_multiples import Drawing, SmallMultiples
from attnviz.render.picture.text import RunningText
from attnviz.render.picture.text_style import TextStyle
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene

STYLES: dict[str, Callable[[Scene, Scale, TextStyle, PlotOptions, Box], Drawing]] = {
    "lines": Lines,
    "arcs": Arcs,
    "text": RunningText,
}


def tiles(scene: Scene, options: PlotOptions, scale: Scale, text_style: TextStyle, room: Box) -> SmallMultiples:
    """The heads of `scene` in the style of `look`. Raises SelectionError where it cannot show them."""

    def make(room: Box) -> Drawing:
        return STYLES[options.style](scene, scale, text_style, options, room)

    return SmallMultiples(scene, make, text_style, room, options.colorbar)

"""The styles that draw heads one by one into axes: a new one is a file beside this and a line here."""

from collections.abc import Callable

from attnviz.render.look import Look
from attnviz.render.picture.arcs import Arcs
from attnviz.render.picture.lines import Lines
from attnviz.render.picture.pen import Pen
from attnviz.render.picture.sheet import Box
from attnviz.render.picture.text import RunningText
from attnviz.render.picture.tiles import Drawing, Tiles
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene

STYLES: dict[str, Callable[[Scene, Scale, Pen, Look, Box], Drawing]] = {
    "lines": Lines,
    "arcs": Arcs,
    "text": RunningText,
}


def tiles(scene: Scene, look: Look, scale: Scale, pen: Pen, room: Box) -> Tiles:
    """The heads of `scene` in the style of `look`. Raises SelectionError where it cannot show them."""

    def make(room: Box) -> Drawing:
        return STYLES[look.style](scene, scale, pen, look, room)

    return Tiles(scene, make, pen, room, look.colorbar)

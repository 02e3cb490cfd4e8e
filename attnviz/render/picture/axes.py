"""`attnviz.plot`: heads in matplotlib axes of one's own, beside one's own panels and under one's own style sheet."""

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb

from attnviz.attention import Trace
from attnviz.errors import LookError
from attnviz.head_names import Names
from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.look import Look
from attnviz.render.picture.cells import Cells
from attnviz.render.picture.grid import arranged
from attnviz.render.picture.heatmap import HeatmapPanel
from attnviz.render.picture.lettering import Lettering
from attnviz.render.picture.mosaic import resized
from attnviz.render.picture.pen import Pen, from_corner, size
from attnviz.render.picture.styles import STYLES, tiles
from attnviz.render.plan import plot_scene
from attnviz.render.scale import THEMES, Scale, scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.ticks import segments
from attnviz.selection import Selection

TILE = 256
"""A head in a grid of them has no more cells across or down; a cell then is the largest weight of several."""


def plot(
    trace: Trace,
    kind: str | None = None,
    layer: Names | None = None,
    head: Names | None = None,
    style: str = "heatmap",
    ax: Axes | None = None,
    **look: Any,
) -> Axes:
    """Draw heads of `trace` into `ax`, or into the axes of a new figure of pyplot's, and return the axes.

    Which heads are drawn is as in `attnviz plot`: with neither `layer` nor `head` one is chosen. `look` takes that
    command's options: `query`, `cmap`, `vmax`, `log`, `annotate`, `title`, `theme`, and for a new figure `size` and
    `dpi`. Without a theme, fonts, sizes and the colours of text are matplotlib's settings; none of them is changed.

    Raises LookError for an option that cannot be, SelectionError for heads that there are not.
    """
    if ax is not None and not look.keys().isdisjoint(("size", "dpi")):
        raise LookError("the figure of these axes has a size and dpi already", "Set them there, or leave out ax.")
    if unknown := look.keys() - Look.__dataclass_fields__.keys():
        raise LookError(f"plot has no option {sorted(unknown)[0]}", f"Options: {', '.join(Look.__dataclass_fields__)}.")
    wanted = Look(style, **look)
    selection = Selection.of(layer, head, kind)
    scene, _ = plot_scene(selection.narrow(trace), selection, wanted)
    axes = _new(wanted) if ax is None else ax
    pen, scale = _means(axes, scene, wanted)
    if wanted.theme is not None:
        axes.set_facecolor(pen.paper)
    above = _draw(axes, scene, wanted, pen, scale)
    drawn, *taken = scene.caption.split("\n")
    told = "\n".join((drawn.removesuffix(f" · {visible(trace.model)}"), *taken))
    title = told if wanted.title is None else scene.title
    axes.set_title(pen.lettering.shown(title), pad=rcParams["axes.titlepad"] + above * 72, **pen.labels)
    return axes


def _new(look: Look) -> Axes:
    """Axes in a new figure of pyplot's, which shows itself in a notebook, and elsewhere by pyplot.show()."""
    from matplotlib import pyplot

    width, height = look.inches
    usual = rcParams["figure.figsize"]
    inches = width or usual[0], height or usual[1] * (width or usual[0]) / usual[0]
    paper = {} if look.theme is None else {"facecolor": THEMES[look.theme].paper}
    axes: Axes = pyplot.figure(figsize=inches, dpi=look.dpi, layout="constrained", **paper).add_subplot()
    return axes


def _means(axes: Axes, scene: Scene, look: Look) -> tuple[Pen, Scale]:
    """What is drawn with: by the theme, or by matplotlib's settings and the colour of the axes."""
    lettering = Lettering([scene.title, scene.caption, *scene.rows, *scene.columns, "…→·"])
    paper = axes.get_facecolor()
    dark = ink(np.round(np.array(to_rgb(paper)) * 255)) == "#ffffff"
    themed = look if look.theme else replace(look, theme="dark" if dark else "light")
    scale = scale_of(themed, [scene.top], float(scene.matrices.max(initial=0.0)))
    pen = Pen.themed(lettering, scale.theme) if look.theme else Pen.of_settings(lettering, paper)
    return pen, scale.washed if look.style == "text" else scale


def _draw(axes: Axes, scene: Scene, look: Look, pen: Pen, scale: Scale) -> float:
    """Draw into `axes`; gives the room, in inches, that labels take above them."""
    if look.style == "heatmap":
        drawn = _grid(axes, scene, pen, scale) if len(scene.heads) > 1 else _heatmap(axes, scene, look, pen, scale)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        ends = {(False, False): "neither", (True, False): "max", (False, True): "min", (True, True): "both"}
        bar = axes.figure.colorbar(drawn, ax=axes, extend=ends[scale.above, scale.log])
        bar.set_label(scale.meaning, **pen.labels)
        if pen.themes:
            bar.ax.tick_params(colors=pen.muted)
        bar.outline.set_visible(False)
        return pen.line if len(scene.heads) > 1 else 0.0
    wide, high = size(axes)
    if len(scene.heads) == 1:
        drawing = STYLES[look.style](scene, scale, pen, look, (wide, high))
        drawing.draw(axes, 0)
        corner = from_corner(axes, down=drawing.box[1]) if drawing.hangs else from_corner(axes, True)
        drawing.key(wide).draw(axes, corner)
        return drawing.margins.above
    axes.set_axis_off()
    tiles(scene, look, scale, pen, (wide, high)).draw_at(
        lambda x, y, w, h: axes.inset_axes((x / wide, 1 - (y + h) / high, w / wide, h / high))
    )
    return 0.0


def _heatmap(axes: Axes, scene: Scene, look: Look, pen: Pen, scale: Scale) -> ScalarMappable:
    drawn = HeatmapPanel(scene, scale, pen, look, size(axes)).draw_into(axes)
    axes.set_xlabel(TO, **pen.labels)
    axes.set_ylabel(FROM, **pen.labels)
    axes.xaxis.set_label_position("top")
    return drawn


def _grid(axes: Axes, scene: Scene, pen: Pen, scale: Scale) -> ScalarMappable:
    """Every head as a tile, named by ticks or one by one."""
    places, rows, columns = arranged(scene)
    n, m = (-(-cells // -(-cells // TILE)) for cells in scene.reachable.shape)
    gap_y, gap_x = max(n // 10, 1) if rows else max(n // 4, 1), max(m // 10, 1)
    down, across = 1 + max(row for row, _ in places), 1 + max(column for _, column in places)
    blank = ~resized(scene.reachable, n, m)
    tiles = [
        Cells(axes, np.ma.array(resized(weights, n, m), mask=blank), scale, column * (m + gap_x), row * (n + gap_y))
        for (row, column), weights in zip(places, scene.matrices, strict=True)
    ]
    axes.set(xlim=(-0.5, across * (m + gap_x) - gap_x - 0.5), ylim=(down * (n + gap_y) - gap_y - 0.5, -0.5))
    cuts = [(0, at * n / len(scene.rows) - 0.5) for at in segments(scene.attention.queries, scene.attention.rows)]
    cuts += [(1, at * m / len(scene.columns) - 0.5) for at in segments(scene.attention.keys, scene.attention.columns)]
    for row, column in places:
        y, x = row * (n + gap_y), column * (m + gap_x)
        for axis, at in cuts:
            ends = (x - 0.5, x + m - 0.5), (y + at, y + at)
            pen.border(axes, 2.4, *(ends if axis == 0 else ((x + at, x + at), (y - 0.5, y + n - 0.5))))
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_yticks([at * (n + gap_y) + n / 2 - 0.5 for at in range(len(rows))], rows, **pen.ticks)
    axes.set_xticks([at * (m + gap_x) + m / 2 - 0.5 for at in range(len(columns))], columns, **pen.ticks)
    for (row, column), name in zip(places, () if rows else scene.names, strict=False):
        pen.text(axes, column * (m + gap_x) - 0.5, row * (n + gap_y) - 0.7, name, va="bottom")
    return tiles[0]

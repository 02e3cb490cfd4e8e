"""`attnviz.plot`: heads in the caller's matplotlib axes, beside other panels and under the caller's style sheet."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb, to_rgba

from attnviz.analysis import choose_head
from attnviz.analysis.methods import METHODS, RAW, apply_method, last_layer, method_named
from attnviz.arguments import require_type
from attnviz.attention import Attention, Trace
from attnviz.errors import PlotOptionError
from attnviz.head_names import Names
from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.options import PlotOptions
from attnviz.render.picture.axes_slot import Slot
from attnviz.render.picture.caption import caption, foot
from attnviz.render.picture.given_trace import trace_of_given
from attnviz.render.picture.grid_axes import AxesGrid
from attnviz.render.picture.grid_labels import SMALLEST_TEXT
from attnviz.render.picture.heatmap import HeatmapPanel
from attnviz.render.picture.heatmap_axes import draw_into
from attnviz.render.picture.page import line_height
from attnviz.render.picture.small_multiples import SmallMultiples, styled_drawing
from attnviz.render.picture.text_style import TextStyle, axes_size, from_corner
from attnviz.render.picture.titled_panel import TITLE_LINES
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.plan import chooses_head, plot_scene, title_of
from attnviz.render.scale import THEMES, Scale, scale_of
from attnviz.render.scene import FROM, TO, Scene
from attnviz.selection import Selection


def plot(
    given: Any,
    tokens: Sequence[str] | None = None,
    *,
    keys: Sequence[str] | None = None,
    kind: str | None = None,
    layers: Names | None = None,
    heads: Names | None = None,
    style: str = "heatmap",
    ax: Any = None,
    query: str | None = None,
    cmap: Any = None,
    vmax: float | None = None,
    log: bool = False,
    annotate: bool | None = None,
    title: str | None = None,
    size: str | float | tuple[float, float] | None = None,
    dpi: int | None = None,
    theme: str | None = None,
    font_size: float | None = None,
    transparent: bool = False,
    colorbar: bool = True,
    sink: str = "show",
    special: str = "show",
    mean: bool = False,
    max: bool = False,
    method: str = RAW,
) -> Any:
    """Draw heads of a trace into `ax`, or into the axes of a new pyplot figure, and return the axes.

    `given` is a `Trace`, an `Attention`, the name of a file that holds a trace, or your own weights with the names of
    their `tokens`, and with `keys` if the keys have other names; `Trace.of` says which weights are accepted. A list of
    traces, attentions or names of files is drawn as a row of panels with one scale; then `ax` is a list of axes, and so
    is the result.

    The heads are chosen as in `attnviz plot`: without `layers` and `heads`, a rule chooses one. `method` is one of
    those of `attnviz plot --method`: `norm` needs a trace with `value_norms`, and `rollout` and `flow` draw all
    heads of all layers as one. The other keywords are those of `PlotOptions`; `size`, `dpi` and `transparent` are for
    a new figure. Without a theme, fonts, sizes and the colours of text are matplotlib's settings, which are not
    changed; `font_size` scales these sizes.

    Raises InputError for what is neither a trace nor weights with their tokens, FileError for a file without a trace,
    PlotOptionError for an option that cannot be drawn, and SelectionError for heads or value norms that the trace does
    not have, and for an unknown method.
    """
    method_named(method)
    options = PlotOptions(
        style,
        query,
        cmap,
        vmax,
        log,
        annotate,
        title,
        size,
        dpi,
        theme,
        font_size,
        transparent,
        colorbar,
        sink,
        special,
        mean,
        max,
    )
    if is_row := isinstance(given, list | tuple) and len(given) > 0 and all(map(_is_panel, given)):
        ax = None if ax is None else _same_number(ax, given)
    else:
        require_type("ax", ax, Axes, PlotOptionError, "ax: the Axes of one panel, such as pyplot.gca().")
    if ax is not None and (of_figure := sorted(options.given.keys() & {"size", "dpi", "transparent"})):
        raise PlotOptionError(f"the figure of these axes has its own {of_figure[0]}", "Set it there, or leave out ax.")
    if is_row:
        traces = [trace_of_given(one, None, tokens, keys)[0] for one in given]
        return _plot_row(traces, Selection.of(layers, heads, kind), options, ax, method)
    trace, kind = trace_of_given(given, kind, tokens, keys)
    return _plot_one(trace, Selection.of(layers, heads, kind), options, ax, method)


def _plot_row(
    traces: Sequence[Trace], selection: Selection, options: PlotOptions, ax: Sequence[Axes] | None, method: str
) -> list[Axes]:
    """Draw each of `traces` into its own axes, side by side, all with the scale of the largest weight."""
    scenes = [_scene(trace, selection, options, method) for trace in traces]
    axes = _new_axes(options, len(traces)) if ax is None else ax
    vmax = options.vmax or max(scene.top for scene in scenes)
    for trace, scene, one in zip(traces, scenes, axes, strict=True):
        title = f"{title_of(trace)}\n{scene.attention.name} · {' '.join(scene.names)}"
        _plot_one(trace, selection, replace(options, vmax=vmax, title=title, size=None, dpi=None), one, method)
    if options.title and ax is None:
        figure: Any = axes[0].figure
        figure.suptitle(visible(options.title))
    return list(axes)


def _scene(trace: Trace, selection: Selection, options: PlotOptions, method: str) -> Scene:
    """What to draw: heads, chosen by their weights whatever the method, or what a method made of all of them."""
    if METHODS[method].combines:
        layer = last_layer(method, selection.layers, selection.heads or selection.layer_heads)
        whole = Selection(kinds=selection.kinds).apply(trace)
        return plot_scene(apply_method(method, whole, layer), selection, options)[0]
    selected = selection.apply(trace)
    choice = choose_head(selected) if chooses_head(selection, options) else None
    return plot_scene(apply_method(method, selected), selection, options, choice)[0]


def _plot_one(trace: Trace, selection: Selection, options: PlotOptions, ax: Axes | None, method: str) -> Axes:
    """Draw heads of one trace into `ax`, or into the axes of a new figure."""
    scene = _scene(trace, selection, options, method)
    axes = _new_axes(options)[0] if ax is None else ax
    text_style, scale = _text_style_and_scale(axes, scene, options)
    if options.theme is not None or options.transparent:
        axes.set_facecolor("none" if options.transparent else text_style.background)
    points = text_style.large if ax else text_style.body
    texts = _title_lines(scene, options, trace.model, is_new=ax is None)
    lines = [part for text in texts for part in text_style.typesetting.wrapped(text, points, axes_size(axes)[0] + 0.4)]
    above = _draw(axes, scene, options, text_style, scale, len(lines) * line_height(points) if texts != [""] else 0.0)
    pad = rcParams["axes.titlepad"] + above * 72
    axes.set_title("\n".join(lines), pad=pad, **{**text_style.labels, "fontsize": points})
    if ax is None and scene.title:
        page: Any = axes.figure
        whole = text_style.typesetting.title(scene.title, text_style.large, page.get_figwidth() - 0.4, TITLE_LINES)
        axes.figure.suptitle("\n".join(whole), **{**text_style.labels, "fontsize": text_style.large})
    return axes


def _title_lines(scene: Scene, options: PlotOptions, model: str, is_new: bool) -> list[str]:
    """The lines above the axes: the caption, and in a new figure the notes too; or the title that the user gave.

    In the caller's axes the caption does not name the model.
    """
    if options.title is not None and not is_new:
        return scene.title.split("\n")
    first, *rest = (foot if is_new else caption)(scene, options).split("\n")
    return [first if is_new else first.removesuffix(f" · {visible(model)}"), *rest]


def _is_panel(given: Any) -> bool:
    """Whether an element of a list is drawn as a panel; other lists are weights."""
    return isinstance(given, Trace | Attention | os.PathLike | str)


def _same_number(ax: Any, given: Sequence[Any]) -> list[Axes]:
    """The axes of a row, one for each panel. Raises PlotOptionError for another number, and for what are no axes."""
    axes = list(np.ravel(np.array(ax, object)))
    if len(axes) != len(given) or not all(isinstance(one, Axes) for one in axes):
        hint = f"ax: {len(given)} Axes, such as pyplot.subplots(1, {len(given)})[1]."
        raise PlotOptionError(f"ax are not the axes of {len(given)} panels", hint)
    return axes


def _new_axes(options: PlotOptions, count: int = 1) -> list[Axes]:
    """Axes side by side in a new pyplot figure, which a notebook shows by itself, and pyplot.show() elsewhere."""
    from matplotlib import pyplot

    width, height = options.inches
    usual = rcParams["figure.figsize"]
    across = width or usual[0] * count
    inches = across, height or usual[1] * across / usual[0] / count
    paper = {} if options.theme is None else {"facecolor": THEMES[options.theme].background}
    paper = {"facecolor": "none"} if options.transparent else paper
    figure = pyplot.figure(figsize=inches, dpi=options.dpi, layout="constrained", **paper)
    return [figure.add_subplot(1, count, index + 1) for index in range(count)]


def _text_style_and_scale(axes: Axes, scene: Scene, options: PlotOptions) -> tuple[TextStyle, Scale]:
    """The text style and the scale: of the theme, or of matplotlib's settings and the background of the axes."""
    typesetting = Typesetting(
        [scene.title, scene.caption, *scene.notes, *scene.rows, *scene.columns, "…→·"], options.font_size
    )
    behind = (to_rgba(part.get_facecolor()) for part in (axes, axes.figure))
    paper = next((colour for colour in behind if colour[3]), "white")  # for transparent axes, that of their figure
    dark = ink(np.round(np.array(to_rgb(paper)) * 255)) == "#ffffff"
    themed = options if options.theme else replace(options, theme="dark" if dark else "light")
    scale = scale_of(themed, [scene.top], scene.largest, signed=scene.signed, quantity=scene.quantity)
    text_style = (
        TextStyle.themed(typesetting, scale.theme)
        if options.theme
        else TextStyle.of_settings(typesetting, paper, options.font_size)
    )
    return text_style, scale.for_backgrounds if options.drawn_as.shades_background else scale


def _draw(
    axes: Axes, scene: Scene, options: PlotOptions, text_style: TextStyle, scale: Scale, title_height: float
) -> float:
    """Draw into `axes`, below a title of `title_height` inches; returns the height of the labels above the axes."""
    if options.drawn_as.is_matrix and len(scene.heads) > 1:
        _bar(axes, AxesGrid(axes, scene, text_style, scale).draw(), options, text_style, scale)
        return text_style.line
    if options.drawn_as.is_matrix:
        _heatmap(axes, scene, options, text_style, scale, title_height)
        return 0.0
    width, height = axes_size(axes)
    if len(scene.heads) == 1:
        return _draw_one(axes, scene, options, text_style, scale, title_height)
    axes.set_axis_off()
    make = partial(styled_drawing, scene, scale, text_style, options)
    SmallMultiples(scene, make, text_style, (width, height), options.colorbar).draw_at(
        lambda x, y, w, h: axes.inset_axes((x / width, 1 - (y + h) / height, w / width, h / height))
    )
    return 0.0


def _draw_one(
    axes: Axes, scene: Scene, options: PlotOptions, text_style: TextStyle, scale: Scale, title_height: float
) -> float:
    """Draw one head in another style, with its legend; returns the height of the labels above the axes, in inches."""
    slot, (width, height) = Slot(axes, None, text_style, title_height), axes_size(axes)
    for _ in range(2):  # with smaller labels if they do not fit the height
        drawing = styled_drawing(scene, scale, text_style, options, (width, height))
        around, legend = drawing.margins, drawing.legend(width).height if options.colorbar else 0.0
        width, height = slot.inside(around.left, around.above, around.right, legend)
        drawing = styled_drawing(scene, scale, text_style, options, (width + around.across, height + around.down))
        if slot.is_fixed or drawing.keeps_size or drawing.box[1] <= height + 0.01:
            break
        text_style = text_style.sized(max(text_style.body * height / drawing.box[1], SMALLEST_TEXT))
    slot.fill(None)
    drawing.draw(axes, 0)
    corner = from_corner(axes, down=drawing.box[1]) if drawing.keeps_size else from_corner(axes, True)
    if options.colorbar:
        drawing.legend(width).draw(axes, corner)
    return around.above


def _heatmap(
    axes: Axes, scene: Scene, options: PlotOptions, text_style: TextStyle, scale: Scale, title_height: float
) -> None:
    """Draw one head, with the names of the axes and a colour bar."""
    slot = Slot(axes, scale if options.colorbar else None, text_style, title_height)
    inches = axes_size(axes)
    for _ in range(2):  # the labels depend on the size of the cells
        panel = HeatmapPanel(scene, scale, text_style, options, inches)
        inches = slot.inside(panel.left, panel.label_height)
    drawn = draw_into(axes, HeatmapPanel(scene, scale, text_style, options, inches))
    axes.set_xlabel(TO, **text_style.labels)
    axes.set_ylabel(FROM, **text_style.labels)
    axes.xaxis.set_label_position("top")
    slot.fill(_bar(axes, drawn, options, text_style, scale))


def _bar(axes: Axes, drawn: ScalarMappable, options: PlotOptions, text_style: TextStyle, scale: Scale) -> Axes | None:
    """Draw a colour bar beside `axes` and remove their frame and grid; returns the axes of the bar."""
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if not options.colorbar:
        return None
    ends = {(False, False): "neither", (True, False): "max", (False, True): "min", (True, True): "both"}
    bar = axes.figure.colorbar(drawn, ax=axes, extend=ends[scale.above, scale.log])
    bar.set_label(scale.meaning, **text_style.labels)
    bar.ax.tick_params(labelsize=text_style.body)
    if text_style.themes:
        bar.ax.tick_params(colors=text_style.muted)
    bar.outline.set(visible=True, edgecolor=scale.theme.hairline)
    beside: Axes = bar.ax
    return beside

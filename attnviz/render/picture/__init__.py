"""Scenes as a picture for papers and slides: PNG, SVG and PDF, by matplotlib, without pyplot and its state."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from attnviz.attention import Trace, format_ranges
from attnviz.attention.shown_target import shown_target
from attnviz.errors import PlotOptionError
from attnviz.labels import visible
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.picture.caption import caption, foot, notes
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.grid import Edges, GridPanel
from attnviz.render.picture.grid_plan import GridPlan, plans
from attnviz.render.picture.heatmap import HeatmapPanel
from attnviz.render.picture.outlines import outline
from attnviz.render.picture.page import DPI, Box, Page, Panel, line_height
from attnviz.render.picture.palette_page import PalettePage
from attnviz.render.picture.row import NARROWEST, rows
from attnviz.render.picture.text_style import TextStyle
from attnviz.render.picture.titled_panel import TitledPanel
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.scale import Scale, scale_of
from attnviz.render.scene import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AnyPage = TypeVar("AnyPage", bound=Page)
Fitting = TypeVar("Fitting", GridPanel, HeatmapPanel)

LARGEST = 65_000
"""The largest width or height of a picture, in pixels."""
EDGE, BETWEEN = 0.25, 0.35
"""The space around the picture and between scenes, in inches, unless half a line of text is more."""
LEAST = 0.6
"""The smallest width and height of the cells of a scene, in inches."""


def picture(
    trace: Trace,
    scenes: Sequence[Scene],
    suffix: str = ".png",
    options: PlotOptions = DEFAULT,
    other: Trace | None = None,
) -> bytes:
    """`scenes` of `trace`, and of the `other`, drawn with `options`, as the bytes of a `.png`, `.svg` or `.pdf` file.

    A scene of one head is a heatmap, a scene of several is a grid of heads. Heatmaps stand side by side where they fit,
    everything else one below the other. All weights share one colour scale; differences have their own. The same trace,
    scenes and options give the same bytes. The file's metadata says what it shows. Raises PlotOptionError where the
    size is too small or too large, and SelectionError where the style cannot show these heads.
    """
    metadata = _metadata(trace, scenes, options, other)
    if suffix == ".png" and options.drawn_as.is_matrix:  # a figure would take most of the time
        return _page(scenes, PalettePage, options).png({name.capitalize(): text for name, text in metadata.items()})
    with settings():
        return figure_bytes(figure(scenes, options), suffix, metadata)


def figure(scenes: Sequence[Scene], options: PlotOptions = DEFAULT) -> "Figure":
    """`scenes`, one below the other, as a matplotlib figure."""
    return _page(scenes, FigurePage, options).figure


def _page(scenes: Sequence[Scene], kind: type[AnyPage], options: PlotOptions) -> AnyPage:
    """A page of that class with `scenes` on it."""
    typesetting = typesetting_of(scenes, options)
    scales = _scales(scenes, options)
    planned = _grid_plans(scenes, options, typesetting)
    dpi = options.dpi or max([DPI, *(plan.dots for plan in planned.values())])
    if options.inches[1] is not None and len(scenes) > 1:
        raise PlotOptionError(
            f"the height of a picture of {len(scenes)} parts cannot be set",
            "Give only the width: --size 8",
        )
    page_scale = scales[scenes[0].quantity]
    if options.drawn_as.is_matrix and len(scenes) > 1 and not planned:
        return stack_panels(
            _side_by_side(scenes, options, scales, typesetting), kind, options, typesetting, page_scale, dpi
        )

    def titled_panels(edges: Edges) -> list[TitledPanel]:
        return [
            _titled_panel(scene, options, scales[scene.quantity], dpi, typesetting, planned.get(scene), edges)
            for scene in scenes
        ]

    panels = titled_panels((0.0, 0.0))
    if len(planned) > 1:  # the tiles, and the colour bars, of all grids are aligned
        edges = [panel.inner.edges for panel in panels if isinstance(panel.inner, GridPanel)]
        panels = titled_panels((max(left for left, _ in edges), max(bar for _, bar in edges)))
    return stack_panels(panels, kind, options, typesetting, page_scale, dpi)


def _scales(scenes: Sequence[Scene], options: PlotOptions) -> dict[str, Scale]:
    """The colour scale of all weights, and that of all differences, by their quantity.

    A difference always has the theme's own colours: in another colour map 0 may have any colour.
    """
    scales = {}
    for name in dict.fromkeys(scene.quantity for scene in scenes):
        some = [scene for scene in scenes if scene.quantity == name]
        own = replace(options, cmap=None) if some[0].difference else options
        tops, largest = [scene.top for scene in some], max(scene.largest for scene in some)
        scale = scale_of(own, tops, largest, signed=any(scene.signed for scene in some), quantity=name)
        scales[name] = scale.for_backgrounds if options.drawn_as.shades_background else scale
    return scales


def _side_by_side(
    scenes: Sequence[Scene], options: PlotOptions, scales: Mapping[str, Scale], typesetting: Typesetting
) -> list[TitledPanel]:
    """Heatmaps in rows, below the title of the first, and above the notes of the last."""
    titles = [scene.title.partition("\n") for scene in scenes]
    width = options.inches[0] and options.inches[0] - 2 * _edge(typesetting)

    def titled(index: int, available: float | None) -> TitledPanel:
        scene, (_, _, title) = scenes[index], titles[index]
        inner = _panel(scene, options, scales[scene.quantity], typesetting, (available, None))
        own = available or max(inner.width, NARROWEST * typesetting.zoom)
        return TitledPanel(inner, f"\n{title}" if title else "", caption(scene, options), typesetting, own)

    found = rows(titled, len(scenes), width, all_in_one=any(scene.difference for scene in scenes))
    if not all(panel.has_room for row in found for panel in row.panels):
        raise PlotOptionError(
            f"{len(scenes)} heatmaps have no room beside their labels",
            "Make the picture larger with --size, or show fewer tokens with --rows and --columns.",
        )
    tops = [titles[0][0], *[""] * (len(found) - 1)]
    feet = [*[""] * (len(found) - 1), notes(scenes[-1])]
    return [TitledPanel(row, top, foot, typesetting, width) for row, top, foot in zip(found, tops, feet, strict=True)]


def stack_panels(
    panels: Sequence[TitledPanel],
    kind: type[AnyPage],
    options: PlotOptions,
    typesetting: Typesetting,
    scale: Scale,
    dpi: int,
) -> AnyPage:
    """A page of that class with `panels` on it, one below the other. Raises PlotOptionError where it is too large."""
    edge = _edge(typesetting)
    between = BETWEEN - EDGE + edge
    width = max(panel.width for panel in panels) + 2 * edge
    height = sum(panel.height for panel in panels) + between * (len(panels) - 1) + 2 * edge
    width, height = options.inches[0] or width, options.inches[1] or height
    if max(width, height) * dpi > LARGEST:
        raise PlotOptionError(
            f"{width:.3g} × {height:.3g} inches at {dpi} dpi are too many pixels", "Choose a lower --dpi."
        )
    page = kind(width, height, dpi, typesetting, scale, transparent=options.transparent)
    y = edge
    for panel in panels:
        panel.draw(page, edge, y)
        y += panel.height + between
    return page


def _edge(typesetting: Typesetting) -> float:
    """The space around the picture: half of the lowest number beside a colour bar reaches into it."""
    return max(EDGE, line_height(typesetting.small) / 2)


def _grid_plans(scenes: Sequence[Scene], options: PlotOptions, typesetting: Typesetting) -> dict[Scene, GridPlan]:
    """The plans of those scenes that are grids."""
    grids = [scene for scene in scenes if options.drawn_as.is_matrix and len(scene.heads) > 1]
    return dict(zip(grids, plans(grids, options, typesetting), strict=True)) if grids else {}


def _titled_panel(
    scene: Scene,
    options: PlotOptions,
    scale: Scale,
    dpi: int,
    typesetting: Typesetting,
    plan: GridPlan | None,
    edges: Edges,
) -> TitledPanel:
    """`scene` with its title and caption, in the size of `options`."""

    def panel(available: Box) -> Panel:
        if plan is None:
            return _panel(scene, options, scale, typesetting, available)
        return _fit_panel(lambda area: GridPanel(scene, scale, dpi, typesetting, plan, area, edges), available)

    texts = scene.title, foot(scene, options)
    around = 2 * _edge(typesetting)
    width, height = (side and side - around for side in options.inches)
    titled = TitledPanel(panel((width, None)), *texts, typesetting, width)
    if height is not None:
        available = width, max(height - (titled.height - titled.inner.height), 0.1)
        titled = TitledPanel(panel(available), *texts, typesetting, width)
    for given, needed, side in ((width, titled.inner.width, "wide"), (height, titled.height, "high")):
        if given is not None and needed > given + 0.01:
            least = f"At least {needed + around:.2f} inches {side}."
            raise PlotOptionError(f"a size of {given + around:g} inches leaves no room beside the labels", least)
    return titled


def _panel(scene: Scene, options: PlotOptions, scale: Scale, typesetting: Typesetting, available: Box) -> Panel:
    """`scene` in the style of `options`, as large as `available` where that is given."""
    text_style = TextStyle.themed(typesetting, scale.theme)
    if options.drawn_as.is_matrix:
        return _fit_panel(lambda area: HeatmapPanel(scene, scale, text_style, options, area), available)
    from attnviz.render.picture.small_multiples import SmallMultiples, styled_drawing

    make = partial(styled_drawing, scene, scale, text_style, options)
    return SmallMultiples(scene, make, text_style, available, options.colorbar)


def _fit_panel(make: Callable[[Box], Fitting], available: Box) -> Fitting:
    """A panel of that width and height, found by iteration: labels depend on the size of the cells, and vice versa."""
    panel, fits = make((None, None)), []
    for _ in range(6 if available != (None, None) else 0):
        size, area = (panel.width, panel.height), panel.area
        across, down = (g and max(g - s + a, LEAST) for g, s, a in zip(available, size, area, strict=True))
        panel = make((across, down))
        if all(g is None or s <= g + 0.01 for g, s in zip(available, (panel.width, panel.height), strict=True)):
            fits.append(panel)
    # This may not converge: slanted labels take room, upright ones then leave enough room to slant them again.
    return max(fits, key=lambda one: one.area[0] * one.area[1], default=panel)


def typesetting_of(scenes: Sequence[Scene], options: PlotOptions = DEFAULT) -> Typesetting:
    """The fonts that a picture of `scenes` needs, in the sizes of `options`."""
    return Typesetting(_texts(scenes), options.font_size)


def _texts(scenes: Sequence[Scene]) -> Iterator[str]:
    for scene in scenes:
        yield from (scene.title, scene.caption, *scene.notes, *scene.rows, *scene.columns, "…→↓·×")
        if scene.attention.is_pooled:  # grids also name single tokens of pooled cells
            yield from (visible(token.text) for token in (*scene.attention.queries, *scene.attention.keys))


def _metadata(
    trace: Trace, scenes: Sequence[Scene], options: PlotOptions, other: Trace | None = None
) -> dict[str, str]:
    """The file's metadata: enough to make the picture again."""
    shown = "; ".join(f"{scene.attention.name} {' '.join(scene.names)}" for scene in scenes)
    facts: dict[str, object] = {
        "model": trace.model,
        "revision": trace.revision,
        "text": trace.text,
        "target": shown_target(trace),
    }
    if other is not None:
        facts |= {"compared model": other.model, "compared text": other.text, "compared target": shown_target(other)}
    facts |= {"heads": shown, **_kept_cells(trace, scenes), "style": options.style, **options.given, **trace.provenance}
    lines = [f"{name}: {visible(str(value))}" for name, value in facts.items() if value is not None]
    return {
        "title": visible(f"Attention of {trace.model} on {trace.text}"),
        "description": "\n".join(lines),
        "software": f"attnviz {_version()}",
    }


@cache
def _version() -> str:
    from importlib.metadata import version

    return version("attnviz")


def _kept_cells(trace: Trace, scenes: Sequence[Scene]) -> dict[str, str]:
    """Which tokens have rows and columns, where not all of them do."""
    kept_of: dict[str, list[str]] = {"rows": [], "columns": []}
    for a in (trace[scene.attention.kind] for scene in scenes):
        for side, cells, tokens in (("rows", a.rows, a.queries), ("columns", a.columns, a.keys)):
            kept = tuple(token for cell in cells for token in range(*cell))
            if len(kept) < len(tokens):
                kept_of[side].append(f"{format_ranges(kept)} of {a.name}")
    return {side: "; ".join(parts) for side, parts in kept_of.items() if parts}


def figure_bytes(figure: "Figure", suffix: str, metadata: dict[str, str]) -> bytes:
    """The figure as a file with that ending; without dates, so that the same picture gives the same bytes."""
    buffer = io.BytesIO()
    title, description, software = metadata["title"], metadata["description"], metadata["software"]
    if suffix != ".png":
        outline(figure)
    if suffix == ".png":
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        about = {"Title": title, "Description": description, "Software": software}
        FigureCanvasAgg(figure).print_png(buffer, metadata=about)
    elif suffix == ".svg":
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        svg = {"Title": title, "Description": description, "Creator": software, "Date": None}
        FigureCanvasSVG(figure).print_svg(buffer, metadata=svg)
    else:
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        pdf = {"Title": title, "Subject": description, "Creator": software, "CreationDate": None}
        FigureCanvasPdf(figure).print_pdf(buffer, metadata=pdf)
    return buffer.getvalue()

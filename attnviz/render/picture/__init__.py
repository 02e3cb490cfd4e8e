"""Scenes as a picture for papers and slides: PNG, SVG and PDF, by matplotlib, without pyplot and its state."""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attnviz.attention import Trace, format_ranges
from attnviz.errors import PlotOptionError
from attnviz.labels import visible
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.picture.caption import foot
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.grid import Edges, GridPanel
from attnviz.render.picture.grid_plan import GridPlan, plans
from attnviz.render.picture.outlines import outline
from attnviz.render.picture.page import DPI, Box, Page, Panel, line_height
from attnviz.render.picture.palette_page import PalettePage
from attnviz.render.picture.titled_panel import TitledPanel
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.scale import Scale, scale_of
from attnviz.render.scene import Scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from attnviz.render.picture.heatmap import HeatmapPanel

AnyPage = TypeVar("AnyPage", bound=Page)
Fitting = TypeVar("Fitting", GridPanel, "HeatmapPanel")

LARGEST = 65_000
"""No picture has more pixels across or down."""
EDGE, BETWEEN = 0.25, 0.35
"""White around the picture and between scenes, in inches, unless half a line of text is more."""
LEAST = 0.6
"""The cells of a scene have at least so many inches, across and down."""


def picture(trace: Trace, scenes: Sequence[Scene], suffix: str = ".png", options: PlotOptions = DEFAULT) -> bytes:
    """`scenes` of `trace`, one below the other, as the bytes of a `.png`, `.svg` or `.pdf` that looks like `options`.

    A scene of one head is a heatmap, one of several a grid of heads; all share one scale of colours. The same trace,
    scenes and options give the same bytes, and the file's metadata says what it shows. Raises PlotOptionError where it
    cannot be drawn so small or so large, and SelectionError where the style cannot show these heads.
    """
    about = _described(trace, scenes, options)
    if suffix == ".png" and options.drawn_as.is_matrix and all(len(scene.heads) > 1 for scene in scenes):
        # A figure would take most of the time.
        return _drawn(scenes, PalettePage, options).png({name.capitalize(): said for name, said in about.items()})
    with settings():
        return figure_bytes(figure(scenes, options), suffix, about)


def figure(scenes: Sequence[Scene], options: PlotOptions = DEFAULT) -> "Figure":
    """`scenes`, one below the other, as a matplotlib figure."""
    return _drawn(scenes, FigurePage, options).figure


def _drawn(scenes: Sequence[Scene], kind: type[AnyPage], options: PlotOptions) -> AnyPage:
    """A page of that kind with `scenes` on it, one below the other."""
    typesetting = typesetting_of(scenes, options)
    largest = max(scene.largest for scene in scenes)
    signed = any(scene.signed for scene in scenes)
    scale = scale_of(options, [scene.top for scene in scenes], largest, signed=signed)
    scale = scale.for_backgrounds if options.drawn_as.shades_background else scale
    planned = _planned(scenes, options, typesetting)
    dpi = options.dpi or max([DPI, *(plan.dots for plan in planned.values())])
    if options.inches[1] is not None and len(scenes) > 1:
        raise PlotOptionError(
            f"the height of {len(scenes)} kinds of attention, one below the other, cannot be set",
            "Give only the width: --size 8",
        )

    def headed(edges: Edges) -> list[TitledPanel]:
        return [_headed(scene, options, scale, dpi, typesetting, planned.get(scene), edges) for scene in scenes]

    panels = headed((0.0, 0.0))
    if len(planned) > 1:  # tiles and colour bars stand below one another
        own = [panel.inner.edges for panel in panels if isinstance(panel.inner, GridPanel)]
        panels = headed((max(left for left, _ in own), max(bar for _, bar in own)))
    return stack_panels(panels, kind, options, typesetting, scale, dpi)


def stack_panels(
    panels: Sequence[TitledPanel],
    kind: type[AnyPage],
    options: PlotOptions,
    typesetting: Typesetting,
    scale: Scale,
    dpi: int,
) -> AnyPage:
    """A page of that kind with `panels` on it, one below the other. Raises PlotOptionError where it is too large."""
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
    """The white around the picture: the lowest number beside a colour bar stands half below it."""
    return max(EDGE, line_height(typesetting.small) / 2)


def _planned(scenes: Sequence[Scene], options: PlotOptions, typesetting: Typesetting) -> dict[Scene, GridPlan]:
    """How the scenes that are grids are laid out."""
    grids = [scene for scene in scenes if options.drawn_as.is_matrix and len(scene.heads) > 1]
    return dict(zip(grids, plans(grids, options, typesetting), strict=True)) if grids else {}


def _headed(
    scene: Scene,
    options: PlotOptions,
    scale: Scale,
    dpi: int,
    typesetting: Typesetting,
    plan: GridPlan | None,
    edges: Edges,
) -> TitledPanel:
    """`scene` with its title and caption, of the size that was asked for."""

    def panel(available: Box) -> Panel:
        if plan is None:
            return _panel(scene, options, scale, typesetting, available)
        return _fitted(lambda area: GridPanel(scene, scale, dpi, typesetting, plan, area, edges), available)

    texts = scene.title, foot(scene, options)
    around = 2 * _edge(typesetting)
    width, height = (side and side - around for side in options.inches)
    headed = TitledPanel(panel((width, None)), *texts, typesetting, width)
    if height is not None:
        available = width, max(height - (headed.height - headed.inner.height), 0.1)
        headed = TitledPanel(panel(available), *texts, typesetting, width)
    for given, needed, side in ((width, headed.inner.width, "wide"), (height, headed.height, "high")):
        if given is not None and needed > given + 0.01:
            least = f"At least {needed + around:.2f} inches {side}."
            raise PlotOptionError(f"a size of {given + around:g} inches leaves no room beside the labels", least)
    return headed


def _panel(scene: Scene, options: PlotOptions, scale: Scale, typesetting: Typesetting, available: Box) -> Panel:
    """`scene` in its style, as large as `available` where that is given."""
    from attnviz.render.picture.heatmap import HeatmapPanel
    from attnviz.render.picture.small_multiples import SmallMultiples, styled_drawing
    from attnviz.render.picture.text_style import TextStyle

    text_style = TextStyle.themed(typesetting, scale.theme)
    if options.drawn_as.is_matrix:
        return _fitted(lambda area: HeatmapPanel(scene, scale, text_style, options, area), available)
    make = partial(styled_drawing, scene, scale, text_style, options)
    return SmallMultiples(scene, make, text_style, available, options.colorbar)


def _fitted(make: Callable[[Box], Fitting], available: Box) -> Fitting:
    """A panel of that width and height: what is not labels gets what labels leave, which depend on it in turn."""
    panel, fits = make((None, None)), []
    for _ in range(6 if available != (None, None) else 0):
        has, area = (panel.width, panel.height), panel.area
        across, down = (g and max(g - h + a, LEAST) for g, h, a in zip(available, has, area, strict=True))
        panel = make((across, down))
        if all(g is None or h <= g + 0.01 for g, h in zip(available, (panel.width, panel.height), strict=True)):
            fits.append(panel)
    # Labels that lean where there is room for it, and are upright where that leaves none, never come to rest.
    return max(fits, key=lambda one: one.area[0] * one.area[1], default=panel)


def typesetting_of(scenes: Sequence[Scene], options: PlotOptions = DEFAULT) -> Typesetting:
    """The fonts that a picture of `scenes` needs, in the sizes of `options`."""
    return Typesetting(_texts(scenes), options.font_size)


def _texts(scenes: Sequence[Scene]) -> Iterator[str]:
    for scene in scenes:
        yield from (scene.title, scene.caption, *scene.notes, *scene.rows, *scene.columns, "…→↓·×")
        if scene.attention.is_pooled:  # grids name some tokens that no row or column is
            yield from (visible(token.text) for token in (*scene.attention.queries, *scene.attention.keys))


def _described(trace: Trace, scenes: Sequence[Scene], options: PlotOptions) -> dict[str, str]:
    """What the file's metadata says: enough to make the picture again."""
    from importlib.metadata import version

    shown = "; ".join(f"{scene.attention.name} {' '.join(scene.names)}" for scene in scenes)
    facts: dict[str, object] = {
        "model": trace.model,
        "revision": trace.revision,
        "text": trace.text,
        "target": trace.target,
    }
    facts |= {"heads": shown, **_parts(trace, scenes), "style": options.style, **options.given, **trace.provenance}
    lines = [f"{name}: {visible(str(value))}" for name, value in facts.items() if value is not None]
    return {
        "title": visible(f"Attention of {trace.model} on {trace.text}"),
        "description": "\n".join(lines),
        "software": f"attnviz {version('attnviz')}",
    }


def _parts(trace: Trace, scenes: Sequence[Scene]) -> dict[str, str]:
    """Which tokens have rows and columns, where not all of them do."""
    said: dict[str, list[str]] = {"rows": [], "columns": []}
    for a in (trace[scene.attention.kind] for scene in scenes):
        for side, cells, tokens in (("rows", a.rows, a.queries), ("columns", a.columns, a.keys)):
            kept = tuple(token for cell in cells for token in range(*cell))
            if len(kept) < len(tokens):
                said[side].append(f"{format_ranges(kept)} of {a.name}")
    return {side: "; ".join(parts) for side, parts in said.items() if parts}


def figure_bytes(figure: "Figure", suffix: str, said: dict[str, str]) -> bytes:
    """The figure drawn once. No dates, so that a picture made again is the same file."""
    buffer = io.BytesIO()
    title, description, software = said["title"], said["description"], said["software"]
    if suffix != ".png":
        outline(figure)
    if suffix == ".png":
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        metadata = {"Title": title, "Description": description, "Software": software}
        FigureCanvasAgg(figure).print_png(buffer, metadata=metadata)
    elif suffix == ".svg":
        from matplotlib.backends.backend_svg import FigureCanvasSVG

        about = {"Title": title, "Description": description, "Creator": software, "Date": None}
        FigureCanvasSVG(figure).print_svg(buffer, metadata=about)
    else:
        from matplotlib.backends.backend_pdf import FigureCanvasPdf

        about = {"Title": title, "Subject": description, "Creator": software, "CreationDate": None}
        FigureCanvasPdf(figure).print_pdf(buffer, metadata=about)
    return buffer.getvalue()

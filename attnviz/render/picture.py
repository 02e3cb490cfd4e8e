"""Scenes as a picture for papers and slides: PNG, SVG and PDF, by matplotlib, without pyplot and its state."""

import io
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from matplotlib.figure import Figure

from attnviz.attention import Trace
from attnviz.labels import visible
from attnviz.render.lettering import Lettering
from attnviz.render.picture_grid import GridPanel
from attnviz.render.picture_heatmap import HeatmapPanel
from attnviz.render.scene import Scene
from attnviz.render.sheet import Headed, Sheet, settings

DPI = 150
EDGE, BETWEEN = 0.25, 0.35
"""White around the picture and between scenes, in inches."""


def picture(trace: Trace, scenes: Sequence[Scene], suffix: str = ".png") -> bytes:
    """`scenes` of `trace`, one below the other, as the bytes of a `.png`, `.svg` or `.pdf`.

    A scene of one head is a heatmap, one of several a grid of heads; all share one scale of colours. The same trace
    and scenes give the same bytes, and the file's metadata says what it shows.
    """
    with settings():
        return _saved(figure(scenes), suffix, _described(trace, scenes))


def figure(scenes: Sequence[Scene]) -> Figure:
    """`scenes`, one below the other, as a matplotlib figure."""
    lettering = Lettering(_texts(scenes))
    top = max(scene.top for scene in scenes)
    panels = [Headed(_panel(scene, top, lettering), scene, lettering) for scene in scenes]
    width = max(panel.width for panel in panels) + 2 * EDGE
    height = sum(panel.height for panel in panels) + BETWEEN * (len(panels) - 1) + 2 * EDGE
    sheet = Sheet(width, height, DPI, lettering)
    y = EDGE
    for panel in panels:
        panel.draw(sheet, EDGE, y)
        y += panel.height + BETWEEN
    return sheet.figure


def _panel(scene: Scene, top: float, lettering: Lettering) -> HeatmapPanel | GridPanel:
    if len(scene.heads) == 1:
        return HeatmapPanel(scene, top, lettering)
    return GridPanel(scene, top, DPI, lettering)


def _texts(scenes: Sequence[Scene]) -> Iterator[str]:
    for scene in scenes:
        yield from (scene.title, scene.caption, *scene.rows, *scene.columns, "…→↓·")


def _described(trace: Trace, scenes: Sequence[Scene]) -> dict[str, str]:
    """What the file's metadata says: enough to make the picture again."""
    shown = "; ".join(f"{scene.attention.name} {' '.join(scene.names)}" for scene in scenes)
    facts = {"model": trace.model, "revision": trace.revision, "text": trace.text, "target": trace.target}
    lines = [f"{name}: {value}" for name, value in facts.items() if value is not None] + [f"heads: {shown}"]
    return {
        "title": visible(f"Attention of {trace.model} on {trace.text}"),
        "description": visible("; ".join(lines)),
        "software": f"attnviz {version('attnviz')}",
    }


def _saved(figure: Figure, suffix: str, said: dict[str, str]) -> bytes:
    """The figure drawn once. No dates, so that a picture made again is the same file."""
    buffer = io.BytesIO()
    title, description, software = said["title"], said["description"], said["software"]
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

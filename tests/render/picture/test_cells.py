"""Cells as a reader sees them: the pixels of files, decoded to weights, for every shape; never a mean of two cells."""

import base64
import io
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from handmade_traces import attention, tokens
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from attnviz.attention import Attention, Trace
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure, picture
from attnviz.render.picture.axes import plot
from attnviz.render.picture.cells import Cells
from attnviz.render.scale import Scale, scale_of
from attnviz.render.scene import Scene, scene

SHAPES = (
    *((1, 1), (1, 2), (2, 1), (3, 3), (4, 4), (1, 40), (40, 1), (7, 13), (12, 12), (30, 30), (31, 89), (97, 89)),
    *((200, 200), (211, 197), (20, 512), (512, 20), (512, 512), (20, 1461), (1461, 20), (20, 3000), (3000, 1)),
)
"""Rows and columns: squares, tall, wide, of prime numbers."""
NOTHING, LINE = -1, -2
"""What stands for a cell that may not be looked at, and for a thin line between cells, among indices of colours."""


def matrix(n: int, m: int, causal: bool = False) -> np.ndarray:
    """Weights `[n, m]` of a softmax over few keys, so that neighbours differ; NaN where a query may not look."""
    weights = np.random.default_rng(n * 10_000 + m).dirichlet(np.full(m, 0.05 + 1 / m), n).astype(np.float32)
    return np.where(np.tri(n, m, m - n, dtype=bool), weights, np.nan) if causal else weights


def trace_of(weights: np.ndarray) -> Trace:
    n, m = weights.shape
    queries, keys = (tokens([f"t{i}" for i in range(size)]) for size in (n, m))
    one = Attention("cross", "decoder", queries, keys, {0: weights[None]}, {0: (0,)})
    return Trace("by hand", "many words", (one,))


def decoded(image: np.ndarray, scale: Scale) -> np.ndarray:
    """The index in the colour map of each pixel of `image`, RGB `[row, column, 3]`; fails for any other colour."""
    lines = (
        tuple(int(theme[at : at + 2], 16) for at in (1, 3, 5)) for theme in (scale.theme.blank, scale.theme.hairline)
    )
    known = dict(zip(lines, (NOTHING, LINE), strict=True))
    known |= {tuple(colour): at for at, colour in enumerate(scale.colours.tolist())}
    assert len(known) >= 220  # a grey map has fewer greys than steps
    colours, inverse = np.unique(image[..., :3].reshape(-1, 3), axis=0, return_inverse=True)
    return np.array([known[tuple(colour)] for colour in colours.tolist()])[inverse].reshape(image.shape[:2])


def covered(cells: int, pixels: int) -> list[range]:
    """The cells that each pixel shows: the one that it lies in; of smaller cells those that begin with the pixel."""
    if cells <= pixels:
        return [range(p * cells // pixels, p * cells // pixels + 1) for p in range(pixels)]
    return [range(p * cells // pixels, (p + 1) * cells // pixels) for p in range(pixels)]


def expected(weights: np.ndarray, high: int, wide: int, scale: Scale) -> np.ndarray:
    """The indices of colours that so many pixels of `weights` should have, the largest of what each covers."""
    filled = np.where(np.isnan(weights), -1.0, weights)
    rows = np.stack([filled[part.start : part.stop].max(0) for part in covered(len(weights), high)])
    both = np.stack([rows[:, part.start : part.stop].max(1) for part in covered(weights.shape[1], wide)], 1)
    return np.where(both < 0, NOTHING, scale.indices(np.maximum(both, 0)).astype(int))


def agree(found: np.ndarray, weights: np.ndarray, scale: Scale) -> None:
    """Every pixel shows the largest weight that it covers, but for thin lines on the borders of large cells."""
    wanted, lines = expected(weights, *found.shape, scale), found == LINE
    steps = 1 if np.ptp(scale.colours, axis=1).any() else 2  # matplotlib rounds down, and the scale to the nearest
    assert (np.abs(found - wanted)[~lines] <= steps).all()
    assert ((found == NOTHING) == (wanted == NOTHING))[~lines].all()
    near = [_near_borders(n, pixels) for n, pixels in zip(weights.shape, found.shape, strict=True)]
    assert not (lines & ~(near[0][:, None] | near[1])).any()
    assert lines.mean() < 0.3


def _near_borders(cells: int, pixels: int) -> np.ndarray:
    """Which pixels are next to where two large cells meet."""
    ends = np.arange(1, cells) * pixels / cells if cells * 8 < pixels else np.array([-9.0])
    return np.abs(np.arange(pixels)[:, None] + 0.5 - ends).min(1, initial=9.0) < 3


def bare(page: Figure, *place: float) -> Axes:
    """Axes without frame and ticks, which would be drawn over the cells."""
    axes = page.add_axes(place)
    axes.set_axis_off()
    return axes


def shown(figure: Figure, cells: Cells) -> np.ndarray:
    """The pixels of `cells` on the page of `figure`, RGB `[row, column, 3]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    page, box = np.asarray(canvas.buffer_rgba()), cells.get_window_extent()
    (left, right), (bottom, top) = ((round(low), round(high)) for low, high in zip(box.min, box.max, strict=True))
    return page[len(page) - top : len(page) - bottom, left:right, :3]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_pixels_of_a_png_are_the_weights(shape: tuple[int, int]) -> None:
    weights = matrix(*shape, causal=True)
    page = Figure(figsize=(5.03, 4.01), dpi=100)
    axes = bare(page, 0.1017, 0.0771, 0.8123, 0.8341)
    scale = scale_of(PlotOptions(), [1.0])
    cells = Cells(axes, np.ma.masked_invalid(weights), scale)
    axes.set(xlim=(-0.5, shape[1] - 0.5), ylim=(shape[0] - 0.5, -0.5))
    agree(decoded(shown(page, cells), scale), weights, scale)


@pytest.mark.parametrize(
    ("shape", "theme"), [*((shape, "light") for shape in SHAPES), ((12, 12), "dark"), ((211, 197), "print")], ids=str
)
def test_the_pixels_of_a_picture_are_the_weights(shape: tuple[int, int], theme: str) -> None:
    weights, options = matrix(*shape), PlotOptions(theme=theme, annotate=False)
    page = figure([scene(trace_of(weights), "cross", ((0, 0),))], options)
    [cells] = page.axes[0].images
    scale = scale_of(options, [float(cells.norm.vmax)])
    found = decoded(shown(page, cells), scale)
    agree(found, weights, scale)
    for pixels, count in zip(found.shape, shape, strict=True):
        assert pixels % count == 0 or pixels < count  # every cell is as large


@pytest.mark.parametrize("dpi", [50, 99, 300])
@pytest.mark.parametrize("shape", [(4, 4), (211, 197), (20, 1461)], ids=str)
def test_in_axes_of_ones_own_at_every_resolution(shape: tuple[int, int], dpi: int) -> None:
    """The resolution is that of the file, which is known only when it is written."""
    weights = matrix(*shape)
    page = Figure(figsize=(9, 3.7))
    left, right = page.subplots(1, 2)
    left.plot([0, 1])
    plot(trace_of(weights), ax=right, annotate=False).tick_params(length=0)  # marks may touch the outermost pixels
    [cells] = right.images
    scale = scale_of(PlotOptions(), [float(cells.norm.vmax)])
    file = io.BytesIO()
    page.savefig(file, dpi=dpi)
    page.set_dpi(dpi)
    box = cells.get_window_extent()
    (x0, x1), (y0, y1) = ((round(low), round(high)) for low, high in zip(box.min, box.max, strict=True))
    image = np.asarray(Image.open(file).convert("RGB"))
    agree(decoded(image[len(image) - y1 : len(image) - y0, x0:x1], scale), weights, scale)


def test_a_causal_edge_is_a_clean_staircase() -> None:
    weights = matrix(37, 37, causal=True)
    page = Figure(figsize=(4, 4), dpi=101)
    axes, scale = bare(page, 0.1, 0.1, 0.8, 0.8), scale_of(PlotOptions(), [1.0])
    cells = Cells(axes, np.ma.masked_invalid(weights), scale)
    axes.set(xlim=(-0.5, 36.5), ylim=(36.5, -0.5))
    blank = decoded(shown(page, cells), scale) == NOTHING
    steps = (~blank).sum(1)
    owner = np.arange(len(steps)) * 37 // len(steps)
    assert len(np.unique(steps)) == 37
    np.testing.assert_array_equal(steps, [int(np.ceil((row + 1) * blank.shape[1] / 37)) for row in owner])


@pytest.mark.parametrize("inverted", ["x", "y", "xy"])
def test_axes_may_run_the_other_way(inverted: str) -> None:
    weights = matrix(5, 8)
    page = Figure(figsize=(4, 4))
    axes, scale = bare(page, 0.1, 0.1, 0.8, 0.8), scale_of(PlotOptions(), [1.0])
    cells = Cells(axes, weights, scale)
    axes.set(xlim=(-0.5, 7.5), ylim=(4.5, -0.5))
    for axis in inverted:
        getattr(axes, f"invert_{axis}axis")()
    flipped = weights[:: -1 if "y" in inverted else 1, :: -1 if "x" in inverted else 1]
    found = decoded(shown(page, cells), scale)
    high, wide = (size // count for size, count in zip(found.shape, (5, 8), strict=True))
    middles = found[high // 2 :: high][:5, wide // 2 :: wide][:, :8]
    assert np.abs(middles - scale.indices(flipped)).max() <= 1


def test_a_zoomed_view_takes_no_more_memory_than_its_pixels() -> None:
    page = Figure(figsize=(4, 4))
    axes, scale = bare(page, 0, 0, 1, 1), scale_of(PlotOptions(), [1.0])
    weights = matrix(300, 300)
    Cells(axes, weights, scale)
    axes.set(xlim=(100.2, 100.3), ylim=(50.3, 50.2))  # within one cell: as a whole it would be 4 million pixels wide
    canvas = FigureCanvasAgg(page)
    canvas.draw()
    found = decoded(np.asarray(canvas.buffer_rgba()), scale)
    assert np.abs(found - int(scale.indices(weights[50, 100]))).max() <= 1


def image_in_svg(data: bytes) -> np.ndarray:
    """The one image embedded in an SVG, RGB."""
    [coded] = re.findall(rb"data:image/png;base64,([^\"]+)\"", data)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(coded))).convert("RGB"))[::-1]  # turned by its transform


def image_in_pdf(data: bytes) -> np.ndarray:
    """The first image in a PDF whose streams are not compressed, RGB."""
    found = re.search(rb"<<([^<>]*?/Subtype /Image[^<>]*?)>>\s*stream\r?\n", data, re.DOTALL)
    assert found
    high, wide = (int(re.search(rb"/%s (\d+)" % name, found[1])[1]) for name in (b"Height", b"Width"))
    return np.frombuffer(data[found.end() :][: high * wide * 3], np.uint8).reshape(high, wide, 3)


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
@pytest.mark.parametrize("shape", [(97, 89), (200, 200), (20, 1461), (1461, 20), (20, 3000)], ids=str)
def test_images_in_svg_and_pdf_are_the_weights(shape: tuple[int, int], suffix: str) -> None:
    weights = matrix(*shape, causal=True)
    page = Figure(figsize=(5, 4))
    axes, scale = bare(page, 0.1, 0.1, 0.8, 0.8), scale_of(PlotOptions(), [1.0])
    Cells(axes, np.ma.masked_invalid(weights), scale)
    axes.set(xlim=(-0.5, shape[1] - 0.5), ylim=(shape[0] - 0.5, -0.5))
    file = io.BytesIO()
    with matplotlib.rc_context({"pdf.compression": 0}):
        page.savefig(file, format=suffix, dpi=150)
    image = (image_in_svg if suffix == "svg" else image_in_pdf)(file.getvalue())
    agree(decoded(image, scale), weights, scale)
    for pixels, count, inches in zip(image.shape, shape, (3.2, 4.0), strict=False):
        assert pixels % count == 0 or pixels == round(inches * 150) < count


def test_few_cells_in_svg_are_shapes() -> None:
    weights = np.array([[0.2, 0.8, 0.0], [0.5, 0.25, 0.25]], np.float32)
    trace = trace_of(weights)
    page = picture(trace, [scene(trace, "cross", ((0, 0),))], ".svg", PlotOptions(annotate=False, vmax=1.0))
    scale = scale_of(PlotOptions(), [1.0])
    fills = re.findall(r"fill: (#[0-9a-f]{6})", page.decode())
    wanted = ["#{:02x}{:02x}{:02x}".format(*scale.colours[at]) for at in scale.indices(weights[::-1]).ravel()]
    near = [fill for fill in fills if fill in {*wanted}]
    assert len(near) >= 5
    ElementTree.fromstring(page)


def test_a_weight_of_zero_differs_from_a_cell_that_may_not_be_looked_at() -> None:
    from attnviz.render.colours import oklab

    for theme in ("light", "dark", "print"):
        scale = scale_of(PlotOptions(theme=theme), [1.0])
        blank = np.array([int(scale.theme.blank[at : at + 2], 16) for at in (1, 3, 5)])
        apart = np.linalg.norm(oklab(scale.colours) - oklab(blank), axis=1)
        assert apart.min() > 0.02, theme
        assert apart[0] > 0.04, theme


def test_the_legend_says_why_cells_show_no_weight() -> None:
    one = Scene(attention([[[1.0, 0.0], [0.5, 0.5]]], kind="masked-self"), ((0, 0),))
    words = {text.get_text() for text in figure([one]).texts}
    assert "may not look there" in words
    assert not {text.get_text() for text in figure([scene(trace_of(matrix(2, 2)), "cross", ((0, 0),))]).texts} & {
        "may not look there"
    }

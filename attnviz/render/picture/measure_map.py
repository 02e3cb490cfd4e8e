"""A measure of every head as a map in a picture: layers down, heads across, the number in each cell."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from attnviz.analysis.head_table import HeadRow, head_rows
from attnviz.analysis.methods import RAW, method_of
from attnviz.attention import Trace
from attnviz.errors import PlotOptionError
from attnviz.kinds import KIND_NAMES, Kind
from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.picture import EDGE, figure_bytes, stack_panels
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.page import DPI, bar_height, bar_width, line_height
from attnviz.render.picture.titled_panel import TitledPanel
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.plan import title_of
from attnviz.render.scale import Scale, scale_of
from attnviz.render.scene import top_of
from attnviz.render.ticks import round_step
from attnviz.render.weight_format import format_weight

_HEAD_OPTIONS = {"style", "query", "sink", "special", "vmax", "log", "mean", "max"}
"""Options that change how heads are drawn, but not a measure of them."""
CELL = 0.4, 0.26
"""Width and height of a cell, in inches, with numbers of the usual size."""
LEAST = 0.02
"""The least width of a cell, in inches."""
LARGEST = 9.0
"""The largest width and height of a map, in inches: more heads or layers have smaller cells, without numbers."""


class MeasureMap:
    """A measure of one kind of attention: `values` `[layer, head]`, nan where there is no head or it does not apply.

    All maps of a picture have one scale, so that one of them has the bar of colours; the others leave its place empty.
    """

    def __init__(
        self,
        rows: Sequence[HeadRow],
        measure: str,
        scale: Scale,
        typesetting: Typesetting,
        available: float | None = None,
        *,
        has_bar: bool = True,
    ) -> None:
        self.scale, self.typesetting = scale, typesetting
        self.layers, self.heads = sorted({row.layer for row in rows}), sorted({row.head for row in rows})
        self.values = np.full((len(self.layers), len(self.heads)), np.nan)
        for row in rows:
            self.values[self.layers.index(row.layer), self.heads.index(row.head)] = row.values[measure]
        counts = self.values.shape[::-1]
        width, height = (min(side * typesetting.zoom, LARGEST / n) for side, n in zip(CELL, counts, strict=True))
        self.left = max(typesetting.width(f"L{layer}", typesetting.small) for layer in self.layers) + 0.08
        if available is not None:
            width = (available - self.left - 0.2 - bar_width(scale, typesetting)) / counts[0]
        if width < LEAST:
            raise PlotOptionError("so narrow a picture has no room for the heads", "Make it larger with --size.")
        needed = typesetting.width("−.00", typesetting.small)
        self.has_numbers = width > needed and height > line_height(typesetting.small) * 0.9
        self.area = width * counts[0], height * counts[1]
        self.above = line_height(typesetting.small) + 0.02
        self.bar = bar_height(scale, typesetting, self.area[1]) if has_bar else 0.0
        self.width = self.left + self.area[0] + 0.2 + bar_width(scale, typesetting)
        self.height = self.above + max(self.bar, self.area[1])

    def draw(self, page: FigurePage, x: float, y: float) -> None:
        """Draw onto `page`."""
        from attnviz.render.picture.cells import Cells

        x, y = x + self.left, y + self.above
        axes = page.axes(x, y, *self.area)
        Cells(axes, np.ma.masked_invalid(self.values), self.scale)
        axes.set_xlim(-0.5, len(self.heads) - 0.5)
        axes.set_ylim(len(self.layers) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        self._label(page, x, y)
        if self.has_numbers:
            self._write(page, x, y)
        if self.bar:
            page.colour_bar(x + self.area[0] + 0.2, y, self.bar, self.scale)

    def _label(self, page: FigurePage, x: float, y: float) -> None:
        """Name layers left of the cells and heads above them, as many as fit."""
        small, (width, height) = self.typesetting.small, self._cell
        widest = max(self.typesetting.width(f"H{head}", small) for head in self.heads) + 0.06
        every = round_step(line_height(small) / height), round_step(widest / width)
        for index, layer in list(enumerate(self.layers))[:: every[0]]:
            style = {"ha": "right", "va": "center_baseline", "color": page.theme.muted}
            page.text(x - 0.06, y + (index + 0.5) * height, f"L{layer}", small, **style)
        for index, head in list(enumerate(self.heads))[:: every[1]]:
            style = {"ha": "center", "va": "bottom", "color": page.theme.muted}
            page.text(x + (index + 0.5) * width, y - 0.04, f"H{head}", small, **style)

    def _write(self, page: FigurePage, x: float, y: float) -> None:
        """Write each number into its cell."""
        (width, height), known = self._cell, self.values[~np.isnan(self.values)]
        is_whole = bool((known == known.round()).all()) and np.abs(known).max(initial=0) > 1
        for (row, column), value in np.ndenumerate(self.values):
            if np.isnan(value):
                continue
            colour = ink(self.scale.colours[self.scale.indices(np.array(value))])
            place = x + (column + 0.5) * width, y + (row + 0.5) * height
            page.text(
                *place,
                _format_value(value, is_whole),
                self.typesetting.small,
                ha="center",
                va="center_baseline",
                color=colour,
            )

    @property
    def _cell(self) -> tuple[float, float]:
        return self.area[0] / len(self.heads), self.area[1] / len(self.layers)


def _format_value(value: float, is_whole: bool) -> str:
    """A value in a few characters: a share like a weight, a larger number with one digit after the point."""
    if abs(value) <= 1 and not is_whole:
        return format_weight(value)
    return f"{value:.{0 if is_whole else 1}f}".replace("-", "−")


def measure_map(trace: Trace, measure: str, suffix: str = ".png", options: PlotOptions = DEFAULT) -> bytes:
    """A map of `measure` for each kind of attention of `trace`, as `head_map` draws it."""
    maps = {kind: head_rows(trace, kind) for kind in trace.kinds}
    about = f"{measure} of each head · {trace.model}"
    if (method := method_of(trace)).name != RAW:
        about += f" · {method.description}"
    return head_map(maps, measure, visible(title_of(trace)), about, trace.text, suffix, options)


def head_map(
    every: Mapping[Kind, Sequence[HeadRow]],
    measure: str,
    title: str,
    about: str,
    described: str,
    suffix: str = ".png",
    options: PlotOptions = DEFAULT,
) -> bytes:
    """A map of `measure` for the heads of each kind of attention, as the bytes of a `.png`, `.svg` or `.pdf`.

    `title` stands above the maps and `about` below them; `described` is what the file says of itself. All have one
    scale of colours. A kind that the measure does not apply to has no map, and is named below; it has to apply to one:
    see `require_applies`. Raises PlotOptionError where it cannot be drawn so small or so large, and for options that
    would change nothing.
    """
    for name in sorted(options.given.keys() & _HEAD_OPTIONS):
        raise PlotOptionError(f"--{name} would change nothing in a map of {measure}", "Leave it out.")
    maps = {kind: rows for kind, rows in every.items() if not all(np.isnan(row.values[measure]) for row in rows)}
    title = title if options.title is None else options.title
    scale = _scale(maps, measure, options)
    first, *_, last = *maps, *maps
    headings = {kind: f"{title if kind == first else ''}\n{KIND_NAMES[kind]}" for kind in maps}
    below = about
    if missing := [KIND_NAMES[kind] for kind in every.keys() - maps.keys()]:
        below += f" · does not apply to {' and '.join(sorted(missing))}"
    typesetting = Typesetting([*headings.values(), below], options.font_size)
    with settings():
        width = None if options.inches[0] is None else options.inches[0] - 2 * EDGE
        panels = []
        for kind, rows in maps.items():
            drawn = MeasureMap(rows, measure, scale, typesetting, width, has_bar=kind == first)
            panels.append(TitledPanel(drawn, headings[kind], below if kind == last else "", typesetting, width))
        page = stack_panels(panels, FigurePage, options, typesetting, scale, options.dpi or DPI)
        metadata = {"title": about, "description": visible(described), "software": f"attnviz {version('attnviz')}"}
        return figure_bytes(page.figure, suffix, metadata)


def _scale(maps: Mapping[Kind, Sequence[HeadRow]], measure: str, options: PlotOptions) -> Scale:
    """The scale of all maps, from 0 to the largest value; or on both sides of 0 if some values are negative."""
    values = np.array([row.values[measure] for rows in maps.values() for row in rows], float)
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    signed = bool(np.nanmin(values, initial=0.0) < 0)
    return scale_of(options, [top_of(largest, np.inf)], largest, signed=signed, quantity=measure)

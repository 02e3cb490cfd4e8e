"""One step of attention in a picture, stage by stage: vectors as strips of colours, scores as rows of numbers."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version

import numpy as np

from attnviz.labels import visible
from attnviz.render.explanation import Explanation, Stage, Strip, written
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.picture import figure_bytes, stack_panels
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.mosaic import slots
from attnviz.render.picture.page import DPI, line_height
from attnviz.render.picture.titled_panel import TitledPanel
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.scale import scale_of

WIDTH = 6.6
"""The width of the text and the strips, in inches, with letters of the usual size."""
STRIP, BETWEEN = 0.15, 0.03
"""The height of a strip, and of the gap below it, in inches."""
PARAGRAPH = 0.16
"""The gap below a stage."""
SLIDE = 15.0
"""The size of letters, in points, where one stage fills the picture."""


class StagePanel:
    """A stage with its number: its title and equation, its sentence, its strips and its rows of numbers."""

    def __init__(
        self, number: int, stage: Stage, typesetting: Typesetting, options: PlotOptions, *, whole: bool
    ) -> None:
        self.number, self.stage, self.columns, self.typesetting = number, stage, stage.columns, typesetting
        self.width = WIDTH * typesetting.zoom
        self.sentence = typesetting.wrapped(stage.sentence, typesetting.body, self.width - self.indent)
        self.strips = stage.strips if whole or not stage.rows else ()
        top = max((float(np.abs(strip.vector).max(initial=0)) for strip in self.strips), default=1.0) or 1.0
        self.scale = scale_of(options, [top], top, signed=True, quantity="")
        labels = [strip.label for strip in self.strips] + [row.label for row in stage.rows]
        self.label = max((typesetting.width(label, typesetting.small) for label in labels), default=0.0)
        self.label = min(self.label, self.width / 3)
        text = (1 + len(self.sentence)) * self.line + 0.04
        self.height = text + self._height_of_strips + self._height_of_rows + PARAGRAPH

    @property
    def indent(self) -> float:
        """How far everything below the title is to the right of its number."""
        return 0.24 * self.typesetting.zoom

    @property
    def line(self) -> float:
        """The height of a line of text."""
        return line_height(self.typesetting.body)

    @property
    def _pitch(self) -> float:
        return (STRIP + BETWEEN) * self.typesetting.zoom

    @property
    def _height_of_strips(self) -> float:
        if not self.strips:
            return 0.0
        return len(self.strips) * self._pitch + self._height_of_marks + line_height(self.typesetting.small) + 0.06

    @property
    def _height_of_marks(self) -> float:
        return line_height(self.typesetting.small) * 0.8 if self.strips[0].marked else 0.0

    @property
    def _blocks(self) -> list[range]:
        """The places in `columns.keys` of the keys that share a line of numbers."""
        column = self._column
        count = max(int((self.width - self._left) / column), 1)
        every = range(len(self.columns.keys))
        return [every[start : start + count] for start in range(0, len(every), count)]

    @property
    def _column(self) -> float:
        small = self.typesetting.small
        widest = max(self.typesetting.width(label, small) for label in self.columns.labels)
        return max(self.typesetting.width("−00.00", small), min(widest, 1.1 * self.typesetting.zoom)) + 0.14

    @property
    def _left(self) -> float:
        return self.indent + self.label + 0.1

    @property
    def _height_of_rows(self) -> float:
        if not self.stage.rows:
            return 0.0
        lines = len(self._blocks) * (1 + len(self.stage.rows)) + bool(self.columns.rest)
        return lines * line_height(self.typesetting.small) + 0.04

    def draw(self, page: FigurePage, x: float, y: float) -> None:
        """Draw onto `page`."""
        body, small, muted = self.typesetting.body, self.typesetting.small, page.theme.muted
        page.text(x, y, str(self.number), body, color=muted)
        page.text(x + self.indent, y, self.stage.title, body)
        equation = f"{self.stage.equation}   {self.stage.shapes}"
        page.text(x + self.width, y, self.typesetting.shown(equation), small, ha="right", color=muted)
        y = page.lines(x + self.indent, y + self.line, self.sentence, body, color=muted) + 0.04
        if self.strips:
            y = self._draw_strips(page, x, y)
        if self.stage.rows:
            self._draw_rows(page, x, y)

    def _draw_strips(self, page: FigurePage, x: float, y: float) -> float:
        small, zoom = self.typesetting.small, self.typesetting.zoom
        for strip in self.strips:
            self._draw_label(page, x, y + STRIP * zoom / 2, strip.label)
            page.framed(x + self._left, y, self._image(page, strip), self.scale)
            y += self._pitch
        if marked := self.strips[0].marked:
            self._mark(page, x, y, marked)
            y += self._height_of_marks
        (_, low), *_, (_, high) = self.scale.ticks()
        bar = slots(np.repeat(np.linspace(0, 255, round(0.8 * zoom * page.dpi)).round().astype(np.uint8)[None], 8, 0))
        width = self.typesetting.width(low, small)
        y += 0.02
        page.text(x + self._left, y, low, small, color=page.theme.muted)
        page.framed(x + self._left + width + 0.05, y + line_height(small) / 2 - 4 / page.dpi, bar, self.scale)
        end = x + self._left + width + 0.1 + 0.8 * zoom
        page.text(end, y, high, small, color=page.theme.muted)
        return y + line_height(small) + 0.04

    def _mark(self, page: FigurePage, x: float, y: float, marked: Sequence[int]) -> None:
        """A small mark with its number below each marked dimension."""
        available, length = self.width - self._left, len(self.strips[0].vector)
        for dimension in marked:
            place = x + self._left + (dimension + 0.5) / length * available
            style = {"ha": "center", "color": page.theme.muted}
            page.text(place, y - 0.03, f"▴{dimension}", self.typesetting.small, **style)

    def _image(self, page: FigurePage, strip: Strip) -> np.ndarray:
        """Each number as a bar of the strip, of the same width but for a pixel."""
        pixels = round((self.width - self._left) * page.dpi)
        which = np.arange(pixels) * len(strip.vector) // pixels
        line = slots(self.scale.indices(strip.vector))[which]
        return np.repeat(line[None], round(STRIP * self.typesetting.zoom * page.dpi), 0)

    def _draw_rows(self, page: FigurePage, x: float, y: float) -> None:
        small, column = self.typesetting.small, self._column
        for block in self._blocks:
            for place, key in enumerate(block):
                label = self.typesetting.short(self.columns.labels[key], small, column - 0.08)
                page.text(x + self._left + (place + 1) * column, y, label, small, ha="right", color=page.theme.muted)
            y += line_height(small)
            for row in self.stage.rows:
                label = self.typesetting.short(row.label, small, self.label + 0.02)
                page.text(x + self.indent + self.label, y, label, small, ha="right", color=page.theme.muted)
                for place, key in enumerate(block):
                    number = written(float(row.numbers[self.columns.keys[key]]), row.are_weights)
                    page.text(x + self._left + (place + 1) * column, y, number, small, ha="right")
                y += line_height(small)
        if self.columns.rest:
            page.text(x + self._left, y, self.columns.rest, small, color=page.theme.muted)

    def _draw_label(self, page: FigurePage, x: float, middle: float, label: str) -> None:
        small = self.typesetting.small
        shown = self.typesetting.short(label, small, self.label + 0.02)
        style = {"ha": "right", "va": "center_baseline", "color": page.theme.muted}
        page.text(x + self.indent + self.label, middle, shown, small, **style)


def explanation_picture(
    explanation: Explanation, suffix: str = ".png", only: int | None = None, options: PlotOptions = DEFAULT
) -> bytes:
    """The stages, or the one of number `only` in letters for a slide, as the bytes of a `.png`, `.svg` or `.pdf`."""
    stages = [(n, stage) for n, stage in enumerate(explanation.stages, 1) if only in (None, n)]
    typesetting = Typesetting(_texts(explanation, stages), options.font_size or (SLIDE if only else None))
    foot = "\n".join([explanation.caption, *explanation.notes])
    with settings():
        each = [StagePanel(n, stage, typesetting, options, whole=only is not None) for n, stage in stages]
        inner = StackedStages(each)
        panel = TitledPanel(inner, explanation.title, foot, typesetting, inner.width)
        page = stack_panels([panel], FigurePage, options, typesetting, each[0].scale, options.dpi or DPI)
        software = f"attnviz {version('attnviz')}"
        metadata = {"title": visible(explanation.title), "description": visible(foot), "software": software}
        return figure_bytes(page.figure, suffix, metadata)


class StackedStages:
    """Stages below one another."""

    def __init__(self, stages: Sequence[StagePanel]) -> None:
        self.stages = stages
        self.width = max(stage.width for stage in stages)
        self.height = sum(stage.height for stage in stages) - PARAGRAPH

    def draw(self, page: FigurePage, x: float, y: float) -> None:
        """Draw onto `page`."""
        for stage in self.stages:
            stage.draw(page, x, y)
            y += stage.height


def _texts(explanation: Explanation, stages: Sequence[tuple[int, Stage]]) -> Iterator[str]:
    """All that is written."""
    yield from (explanation.title, explanation.caption, *explanation.notes, "▴−∞")
    for _, stage in stages:
        yield from (stage.title, stage.sentence, stage.equation, stage.shapes, stage.columns.rest)
        yield from (strip.label for strip in stage.strips)
        yield from (row.label for row in stage.rows)
        yield from stage.columns.labels

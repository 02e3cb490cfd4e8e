"""Heads as text in the terminal: each key in its place in the text, shaded by the weight that one query gives it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from attnviz.render.links import FAINT, require_tokens
from attnviz.render.options import PlotOptions
from attnviz.render.query import query_label, query_rows, query_weights
from attnviz.render.scale import scale_of
from attnviz.render.scene import FROM, Scene
from attnviz.render.terminal.cells import DIM, Line, fit, ltr
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import SceneDrawing
from attnviz.render.text_layout import flow, follows_without_space

WIDEST = 100
"""The longest line of text, in columns."""


@dataclass(frozen=True)
class RunningText(SceneDrawing):
    """The heads of `scene` as a rich renderable.

    The query is underlined among its keys, and keys that it may not look at are dim. Weights are written below the
    tokens if `options.annotate` is true, or without colours. With a theme, colours begin with its background. Raises
    SelectionError where cells are not single tokens.
    """

    scene: Scene
    options: PlotOptions

    def __post_init__(self) -> None:
        require_tokens(self.scene, "text")

    def body(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn between its title and its caption."""
        scene, rows = self.scene, query_rows(self.scene)
        scale = scale_of(self.options, [scene.top], scene.largest, "dark", quantity=scene.quantity)
        brush = Brush.on(console, scale.for_backgrounds if self.options.theme else scale)
        yield Text(ltr(f"{FROM}: {query_label(scene, rows)}"), style="dim")
        for index, name in enumerate(scene.names):
            if len(scene.names) > 1:
                yield Text(name, style="dim")
            for line in self._lines(brush, index, rows, min(console_options.max_width, WIDEST)):
                yield from line
                yield Segment.line()
            yield Segment.line()
        yield from brush.legend("", console_options.max_width)

    def _lines(self, brush: Brush, index: int, rows: tuple[int, ...], width: int) -> Iterator[Line]:
        """The lines of head `index`: tokens, and below each line the weights, if they are written."""
        a = self.scene.attention
        numbered = not brush.depth if self.options.annotate is None else self.options.annotate
        weights, reachable = query_weights(self.scene, index, rows)
        written = reachable & numbered
        texts = [brush.number(weight) if shown else "" for weight, shown in zip(weights, written, strict=True)]
        least = 3 if numbered else 1
        widths = [
            min(max(cell_len(label), len(text), least), width)
            for label, text in zip(self.scene.columns, texts, strict=True)
        ]
        places = flow(widths, follows_without_space([a.keys[start] for start, _ in a.columns]), width, 1)
        query_cells = [a.rows[row] for row in rows] if a.kind != "cross" else []
        for y in range(places[-1][0] + 1):
            tokens: Line = []
            numbers: Line = []
            used = 0
            for i in [i for i, (line, _) in enumerate(places) if line == y]:
                gap = Segment(" " * (round(places[i][1]) - used))
                used = round(places[i][1]) + widths[i]
                style = self._style(brush, weights[i], reachable[i])
                if a.columns[i] in query_cells:
                    style += Style(underline=True)
                tokens += [gap, Segment(fit(self.scene.columns[i], widths[i]), style)]
                numbers += [gap, Segment(fit(texts[i], widths[i]), DIM)]
            yield tokens
            if numbered:
                yield numbers

    def _style(self, brush: Brush, weight: np.float32, reachable: np.bool_) -> Style:
        if not reachable:
            return DIM
        is_faint = brush.scale.fractions(np.asarray(weight)) < FAINT
        return Style() if is_faint else brush.style(int(brush.scale.indices(np.asarray(weight))))

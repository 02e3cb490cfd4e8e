"""A prompt in the terminal: each segment as running text, its tokens shaded by how much the answer looked at them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from attnviz.analysis.answer_sources import AnswerSources
from attnviz.attention import Token
from attnviz.labels import visible
from attnviz.render.links import FAINT
from attnviz.render.source_excerpts import Excerpt, excerpts
from attnviz.render.terminal.cells import DIM, Line, fit
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.source_context import MARKED
from attnviz.render.text_layout import flow, follows_without_space, line_ends
from attnviz.render.weight_format import format_share

WIDEST, MOST_LINES, CELLS = 100, 16, 6
"""The longest line in terminal cells; about the number of lines of a long prompt; about the width of a token."""
MARGIN = 6


@dataclass(frozen=True)
class SourceText:
    """The prompt of `found`, with its `tokens` in `text`, for a console of `width` columns."""

    found: AnswerSources
    tokens: Sequence[Token]
    text: str
    width: int

    @cached_property
    def shown(self) -> list[Excerpt]:
        """The part of each segment that is shown."""
        return excerpts(self.found, MOST_LINES * min(self.width, WIDEST) // CELLS)

    def lines(self, brush: Brush) -> Iterator[Line]:
        """The lines of all segments, each beside its share. The scale of `brush` is that of the shares of tokens."""
        largest = max((one.share.share for one in self.shown), default=0.0) or 1.0
        for excerpt in self.shown:
            shade = brush.style(round(excerpt.share.share / largest * 255))
            margin = [Segment(fit(format_share(excerpt.share.share), MARGIN - 2, "right"), shade), Segment("  ")]
            for line in self._of(excerpt, brush, min(self.width, WIDEST) - MARGIN):
                yield [*margin, *line]
                margin = [Segment(" " * MARGIN)]

    def _of(self, excerpt: Excerpt, brush: Brush, width: int) -> Iterator[Line]:
        """The tokens of a segment, in lines of `width` cells."""
        best = {source.key for source in self.found.sources}
        tokens = [self.tokens[key] for key in excerpt.keys]
        labels = [visible(token.text) for token in tokens]
        if not brush.depth:
            labels = [f"[{each}]" if key in best else each for key, each in zip(excerpt.keys, labels, strict=True)]
        widths = [min(cell_len(label), width) for label in labels]
        ends = line_ends(tokens, self.text)
        places = flow(widths, follows_without_space(tokens), width - 2, 1, [0, *(min(end, 1) for end in ends[1:])])
        for number in range(places[-1][0] + 1):
            line: Line = [Segment("… ", DIM)] if number == 0 and excerpt.before else []
            used = 0
            for index in (index for index, (row, _) in enumerate(places) if row == number):
                gap, used = " " * (round(places[index][1]) - used), round(places[index][1]) + widths[index]
                style = self._style(brush, excerpt.keys[index], excerpt.keys[index] in best)
                line += [Segment(gap), Segment(fit(labels[index], widths[index]), style)]
            yield [*line, Segment(" …", DIM)] if number == places[-1][0] and excerpt.after else line

    def _style(self, brush: Brush, key: int, is_best: bool) -> Style:
        share = np.asarray(self.found.tokens[key].share)
        shade = brush.style(int(brush.scale.indices(share))) if brush.scale.fractions(share) >= FAINT else Style()
        return shade + Style.parse(MARKED) if is_best else shade

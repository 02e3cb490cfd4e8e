"""What an answer looked at, in a picture: the prompt as running text, shaded by share, with a bar for each segment."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import isnan
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from attnviz.analysis.answer_sources import AnswerSources
from attnviz.analysis.methods import METHODS, RAW
from attnviz.analysis.segment_share import SegmentShare
from attnviz.analysis.source_segments import OTHER, SO_FAR
from attnviz.attention import Token, Trace
from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.links import FAINT
from attnviz.render.options import PlotOptions
from attnviz.render.picture import figure_bytes, stack_panels
from attnviz.render.picture.figure_page import FigurePage, settings
from attnviz.render.picture.page import DPI
from attnviz.render.picture.text import ColourLegend
from attnviz.render.picture.text_style import TextStyle, from_corner
from attnviz.render.picture.titled_panel import TitledPanel
from attnviz.render.picture.token_lines import TokenLines, draw_box
from attnviz.render.picture.typesetting import Typesetting
from attnviz.render.scale import Scale, scale_of
from attnviz.render.source_caption import caption_of, heading_of, title_of_sources
from attnviz.render.source_excerpts import excerpts, left_out
from attnviz.render.weight_format import format_share

MOST = 1500
"""About how many tokens of a longer prompt are drawn: those with the largest shares."""
TEXT, LEAST, GAP, BAR = 6.5, 3.0, 0.3, 1.3
"""The largest and the smallest width of the text, of the gap beside it, and of the longest bar, in inches."""
SMALLER = 300, 0.85
"""More tokens than this are written smaller, by this factor."""
BETWEEN = 0.12
"""The gap between segments, in inches."""


@dataclass(frozen=True)
class Block:
    """A segment: its tokens in lines, if any are shown, with their shares; and its bar, if it has one."""

    lines: TokenLines | None
    shares: Sequence[float]
    share: SegmentShare | None
    height: float
    name: str = ""


class SourcePanel:
    """The sources in `found`, of a prompt with `keys` in `text` and of the tokens `written` after it."""

    def __init__(
        self,
        found: AnswerSources,
        keys: Sequence[Token],
        text: str,
        written: Sequence[Token],
        scale: Scale,
        style: TextStyle,
    ) -> None:
        self.found, self.scale, self.style = found, scale, style
        self.excerpts = excerpts(found, MOST)
        shown = sum(len(one.keys) for one in self.excerpts)
        self.body = style.sized(style.body * (SMALLER[1] if shown > SMALLER[0] else 1.0))
        self.longest = max([max(one.share, one.uniform) for one in found.shares], default=0.0) or 1.0
        self.blocks = [*self._of_prompt(keys, text), *self._of_answer(written)]
        used = max((block.lines.width for block in self.blocks if block.lines is not None), default=0.0)
        self.left = min(max(used, LEAST), TEXT) + GAP
        self.legend = ColourLegend(scale, style, TEXT)
        self.width = self.left + BAR + style.width("100%") + 0.1
        self.height = sum(block.height + BETWEEN for block in self.blocks) + self.legend.height

    def draw(self, page: FigurePage, x: float, y: float) -> None:
        """Draw onto `page`."""
        axes = page.axes(x, y, self.width, self.height)
        axes.set_axis_off()
        corner, down = from_corner(axes), 0.0
        for block in self.blocks:
            if block.name:
                self._write(axes, corner, 0, -down - self.style.line, block.name)
            if block.lines is not None:
                self._draw_tokens(axes, corner, block, down + (self.style.line if block.name else 0.0))
            if block.share is not None:
                self._draw_bar(axes, corner, block.share, down)
            down += block.height + BETWEEN
        self.legend.draw(axes, from_corner(axes, down=down))

    def _of_prompt(self, keys: Sequence[Token], text: str) -> Iterator[Block]:
        for one in self.excerpts:
            tokens = [keys[key] for key in one.keys]
            labels = [visible(token.text) for token in tokens]
            labels[0] = "… " * bool(one.before) + labels[0]
            labels[-1] += " …" * bool(one.after)
            lines = TokenLines(tokens, labels, self.body, TEXT, text)
            yield self._block(lines, [self.found.tokens[key].share for key in one.keys], one.share)

    def _of_answer(self, written: Sequence[Token]) -> Iterator[Block]:
        """The answer under its name, and the bars of tokens outside the segments of the prompt."""
        lines = TokenLines(written, [visible(token.text) for token in written], self.body, TEXT)
        others = [one for one in self.found.shares if one.name in (SO_FAR, OTHER)]
        so_far = next((one for one in others if one.name == SO_FAR), None)
        yield self._block(lines, self._shares_of_answer(), so_far, "the answer")
        yield from (self._block(None, (), one) for one in others if one is not so_far)

    def _shares_of_answer(self) -> list[float]:
        """The shares of the answer's own tokens, which later rows of a decoder read."""
        tokens = self.found.tokens
        read = [query + 1 for query in self.found.queries]
        return [tokens[key].share if self.found.kind == "masked-self" and key < len(tokens) else 0.0 for key in read]

    def _block(
        self, lines: TokenLines | None, shares: Sequence[float], share: SegmentShare | None, name: str = ""
    ) -> Block:
        own = 0.0 if lines is None else lines.count * self._step(lines) + (self.style.line if name else 0.0)
        return Block(lines, shares, share, max(own, 0.0 if share is None else 3 * self.style.line), name)

    @staticmethod
    def _step(lines: TokenLines) -> float:
        return lines.token_height + 0.05

    def _draw_tokens(self, axes: Axes, corner: Transform, block: Block, down: float) -> None:
        lines = block.lines
        assert lines is not None
        for (line, x), width, label, share in zip(lines.places, lines.widths, lines.labels, block.shares, strict=True):
            y = -down - line * self._step(lines) - lines.token_height
            colour = self.scale.colours[self.scale.indices(np.array(share))]
            is_shaded = self.scale.fractions(np.array(share)) >= FAINT
            if is_shaded:
                draw_box(axes, x, y, width, lines.token_height, corner, color=colour / 255.0, linewidth=0)
            style: dict[str, Any] = {"ha": "center", "color": ink(colour) if is_shaded else self.body.ink}
            self.body.text(axes, x + width / 2, y + 0.3 * lines.token_height, label, transform=corner, **style)

    def _draw_bar(self, axes: Axes, corner: Transform, one: SegmentShare, down: float) -> None:
        """Draw the name of a segment, its share as a bar with a mark for uniform attention, and both as numbers."""
        left, line, small = self.left, self.style.line, self.style
        self._write(axes, corner, left, -down - line, small.short(visible(one.name), self.width - left))
        y, height = -down - 1.9 * line, 0.75 * line
        length = BAR * one.share / self.longest
        colour = self.scale.colours[170] / 255.0
        draw_box(axes, left, y, length, height, corner, color=colour, linewidth=0)
        mark = left + BAR * one.uniform / self.longest
        draw_box(axes, mark - 0.008, y, 0.016, height, corner, color=small.ink, linewidth=0)
        end = max(left + length, mark + 0.008) + 0.05
        small.text(axes, end, y + 0.15 * line, format_share(one.share), transform=corner)
        ratio = "" if isnan(one.ratio) else f" · {one.ratio:.1f}×"
        self._write(axes, corner, left, y - line, f"uniform {format_share(one.uniform)}{ratio}")

    def _write(self, axes: Axes, corner: Transform, x: float, y: float, text: str) -> None:
        self.style.text(axes, x, y + 0.25 * self.style.line, text, transform=corner, color=self.style.muted)


def source_picture(trace: Trace, found: AnswerSources, suffix: str = ".png") -> bytes:
    """The sources `found` for the answer in `trace`, as the bytes of a `.png`, `.svg` or `.pdf` file."""
    attention = trace[found.kind]
    predicts = attention.predicts or (None,) * len(attention.queries)
    written = [token for query in found.queries if (token := predicts[query])]
    top = max((one.share for one in found.tokens), default=0.0) or 1.0
    options = PlotOptions()
    attended = "attention" if found.method == RAW else METHODS[found.method].title
    scale = scale_of(options, [top], quantity=f"share of the answer's {attended}").for_backgrounds
    heading = "\n".join(part for part in (title_of_sources(trace, found), heading_of(found)) if part)
    notes = [f"note: {visible(note)}" for note in trace.notes]
    tokens = [visible(token.text) for token in (*attention.keys, *written)]
    names = [visible(one.name) for one in found.shares]
    caption = caption_of(found, has_question=False)
    typesetting = Typesetting([heading, caption, *notes, *names, *tokens, "…→×·%"], options.font_size)
    with settings():
        style = TextStyle.themed(typesetting, scale.theme).sized(typesetting.small)
        panel = SourcePanel(found, attention.keys, trace.text, written, scale, style)
        below = f"{trace.model} · {caption}", left_out(found, panel.excerpts), *notes
        all_below = "\n".join(part for part in below if part)
        page = stack_panels(
            [TitledPanel(panel, heading, all_below, typesetting)], FigurePage, options, typesetting, scale, DPI
        )
        metadata = {"title": f"What an answer of {trace.model} looked at", "description": visible(trace.text)}
        return figure_bytes(page.figure, suffix, {**metadata, "software": f"attnviz {version('attnviz')}"})

"""Weights on a console: in true colours, in the few colours of an old terminal, or as characters that get darker."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style

from attnviz.render.colours import ink, oklab
from attnviz.render.scale import Scale
from attnviz.render.terminal.cells import BOLD, DIM, fit
from attnviz.render.weight_format import format_weight

SHADES, ASCII_SHADES = "·░▒▓█", ".:=#@"
"""Characters that get darker, from 0 to the largest weight."""
BLOCKS = "·░▒▓█▀▄─│┼"
"""The characters that are drawn where the console's encoding has all of them, each one column wide."""
_ASCII = str.maketrans("·−–─│┼", ".---|+")
NEGATIVE, POSITIVE = ("black", "green", "cyan"), ("black", "red", "yellow")
"""Background colours of negative and of positive weights, from 0 to the largest."""
STANDARD = ("black", "blue", "magenta", "red", "yellow")
"""Background colours from the smallest weight to the largest: those of the 16 colours that every terminal has."""
HUE, CHROMA = 0.1, 2
"""The costs in choosing from 256 colours: of a change of hue, and of an error in hue, beside an error in lightness."""
EVERY = 4
"""This many neighbouring colours of the scale share one of the 256."""
MIDDLE = 127.5
"""The index of weight 0 on a scale that begins with negative ones."""
DEPTHS = {"truecolor": 2**24, "256": 256, "standard": 16, "windows": 16}


@dataclass(frozen=True)
class Brush:
    """How weights are drawn on a console of `depth` colours: in those of `scale`, the nearest of 256, or a few of 16.

    A weight is given as its index, 0–255, in the colours of `scale`; −1 is drawn as nothing. With a `depth` of 0 there
    are no colours. Without `blocks`, all characters are ASCII.
    """

    depth: int
    scale: Scale
    blocks: bool = True

    @classmethod
    def on(cls, console: Console, scale: Scale) -> "Brush":
        """The brush for what `console` can show."""
        depth = 0 if console.no_color else DEPTHS.get(console.color_system or "", 0)
        return cls(depth, scale, _has_blocks(console.encoding))

    @property
    def halves(self) -> bool:
        """Whether a column can show two weights, one above the other."""
        return self.depth > 0 and self.blocks

    def written(self, text: str) -> str:
        """A number or a thin line in characters that the console has."""
        return text if self.blocks else text.translate(_ASCII)

    def number(self, weight: float) -> str:
        """A weight as text, in characters that the console has."""
        return self.written(format_weight(weight))

    def cell(self, index: int, width: int, text: str = "", bold: bool = False) -> Segment:
        """One weight in `width` columns, with `text` in it."""
        if index < 0:
            return Segment(" " * width)
        shown = fit(text, width, "center")
        if self.depth:
            bold = bold and self.depth > 16  # where bold black may be grey
            return Segment(shown, self.style(index) + BOLD if bold else self.style(index))
        return Segment(shown if text else self._shading(index, width))

    def pair(self, upper: int, lower: int) -> Segment:
        """One column that shows two weights, one above the other. Only with `halves`."""
        if upper < 0 or lower < 0:
            shown = max(upper, lower)
            if shown < 0:
                return Segment(" ")
            return Segment("▀" if lower < 0 else "▄", Style(color=self._colours[shown]))
        return Segment("▀", Style(color=self._colours[upper], bgcolor=self._colours[lower]))

    def style(self, index: int) -> Style:
        """The background colour of a weight, and a text colour that can be read on it; empty without colours."""
        return self._styles[index] if self.depth and index >= 0 else Style()

    def legend(self, blank: str, width: int) -> Iterator[Segment]:
        """The scale in at most `width` columns; `blank` says why cells are empty, if any are."""
        shades = len(self._shades) * (1 + self.scale.signed) - self.scale.signed
        steps = np.linspace(0, 255, 24 if self.depth else shades).astype(int).tolist()
        bar = [self.cell(index, 1 if self.depth else 2) for index in steps]
        (_, first), *_, (_, last) = self.scale.ticks()
        line = [Segment(f"{first} ", DIM), *bar, Segment(f" {last}", DIM)]
        used = sum(segment.cell_length for segment in line)
        yield from line
        for note in (self.scale.meaning, *([blank] if blank else [])):
            used += len(note) + 2
            if used > width:
                yield Segment.line()
                used = len(note)
            else:
                note = "  " + note
            yield Segment(note, DIM)
        yield Segment.line()

    def _shading(self, index: int, width: int) -> str:
        negative = self.scale.signed and index < MIDDLE
        character = _step(self._shades, self._size(index))
        if character == self._shades[0]:
            return character.rjust(width)
        return self.written("−") + character * (width - 1) if negative else character * width

    def _size(self, index: int) -> int:
        """The distance of a weight from 0, as 0–255."""
        return round(abs(index - MIDDLE) * 255 / MIDDLE) if self.scale.signed else index

    def _standard(self, index: int) -> str:
        """The colour of a weight on a console of 16 colours."""
        if not self.scale.signed:
            return _step(STANDARD, index)
        return _step(NEGATIVE if index < MIDDLE else POSITIVE, self._size(index))

    @property
    def _shades(self) -> str:
        return SHADES if self.blocks else ASCII_SHADES

    @cached_property
    def _colours(self) -> list[Color]:
        """The colour of each index."""
        if self.depth == 16:
            return [Color.parse(self._standard(index)) for index in range(256)]
        if self.depth == 256:  # rich would round each channel alone, which tears dark colours apart
            return [Color.from_ansi(number) for number in _nearest(self.scale.colours)]
        return [Color.from_rgb(*colour) for colour in self.scale.colours.tolist()]

    @cached_property
    def _styles(self) -> list[Style]:
        if self.depth == 16:
            inks = ["black" if colour.name in (STANDARD[-1], NEGATIVE[-1]) else "white" for colour in self._colours]
        else:
            black, white = ("color(16)", "color(231)") if self.depth == 256 else ("#000000", "#ffffff")
            shown = np.array([colour.get_truecolor() for colour in self._colours])
            inks = [white if ink(colour) == "#ffffff" else black for colour in shown]
        return [Style(color=Color.parse(text), bgcolor=on) for text, on in zip(inks, self._colours, strict=True)]


def _has_blocks(encoding: str) -> bool:
    """Whether an encoding has BLOCKS, each in one byte: with two bytes they would be two columns wide."""
    if encoding.lower().startswith("utf"):
        return True
    return all(len(mark.encode(encoding, "ignore")) == 1 for mark in BLOCKS)


def _step(steps: Sequence[str], index: int) -> str:
    """The step of an index, 0–255, where each of `steps` has an equal part of the scale."""
    return steps[min(index * len(steps) // 255, len(steps) - 1)]


def _nearest(colours: np.ndarray) -> list[int]:
    """For each colour, the number of a similar one of the 256; never one of the first 16, which users configure.

    The nearest colour for each alone would jump back and forth in hue and lightness. Viterbi's algorithm finds the
    path through the 256 that is nearest in total, with a penalty for each change of hue, and gets lighter or darker
    only where `colours` do.
    """
    levels, greys = (0, 95, 135, 175, 215, 255), range(8, 248, 10)
    table = oklab(np.array([*product(levels, repeat=3), *((grey,) * 3 for grey in greys)]))
    targets = oklab(colours[EVERY // 2 :: EVERY])
    errors = np.square(targets[:, None] - table) @ [1, CHROMA, CHROMA]
    lighter = table[None, :, 0] - table[:, None, 0]  # [from, to]
    turned = HUE * np.linalg.norm(table[None, :, 1:] - table[:, None, 1:], axis=-1)
    cost, before = errors[0], np.zeros(errors.shape, int)
    for index in range(1, len(targets)):
        opposite = lighter * (targets[index, 0] - targets[index - 1, 0]) < 0
        through = cost[:, None] + np.where(opposite, np.inf, turned)
        before[index] = through.argmin(0)
        cost = through.min(0) + errors[index]
    path = [int(cost.argmin())]
    for index in range(len(targets) - 1, 0, -1):
        path.append(int(before[index, path[-1]]))
    return [16 + index for index in reversed(path) for _ in range(EVERY)]

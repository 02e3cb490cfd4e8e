"""The labels of the tiles of a grid: words where they are readable, otherwise numbers that a list explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from attnviz.attention import Range, Token
from attnviz.labels import visible
from attnviz.render.picture.page import line_height
from attnviz.render.picture.typesetting import POINT, Typesetting
from attnviz.render.scale import Theme
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.ticks import Tick, is_numbered, numbers, token_count, words

SMALLEST_TEXT = 6.0
"""The smallest text, in points, if labels have the usual size."""
READABLE = 0.105
"""The pitch (the distance from one label to the next) of labels of that size, in inches."""
PITCH = READABLE / (SMALLEST_TEXT * POINT)
"""The pitch of labels, in heights of their letters."""
LONGEST = {"words": 1.2, "listed": 1.2, "some": 0.8}
"""The longest label of each kind and of the usual size, in inches."""
LISTED = 120
"""At most this many tokens are listed above tiles that are not labelled with words."""
Kind = Literal["words", "listed", "some"]


@dataclass(frozen=True)
class AxisLabels:
    """The labels of one axis of a tile.

    Their kind is `words`: the token of each cell; `listed`: numbers that a list explains; or `some`: some tokens with
    their numbers. Labels of an `upright` axis are left of the tile; others are below it, level or `turned`.
    """

    kind: Kind
    ticks: list[Tick]
    size: float
    longest: float
    upright: bool
    turned: bool
    depth: float
    overhang: float

    @classmethod
    def of(
        cls,
        labels: Sequence[str],
        cells: Sequence[Range],
        tokens: Sequence[Token],
        inches: float,
        typesetting: Typesetting,
        upright: bool,
        listed: int = LISTED,
        prominent: Sequence[int] = (),
    ) -> "AxisLabels":
        """The labels for `cells` of `tokens` with the names `labels`, on an axis of `inches`.

        At most `listed` tokens are explained by a list. If not all cells get a label, `prominent` ones come first.
        """
        cell, zoom = inches / len(cells), typesetting.zoom
        kind = kind_of(cells, cell / zoom, listed)
        size = min(
            typesetting.small, max(SMALLEST_TEXT * zoom, (cell if kind == "words" else inches / 4) / (PITCH * POINT))
        )
        pitch = size * PITCH * POINT
        if kind == "words":
            ticks = words([typesetting.short(label, size, LONGEST[kind] * zoom) for label in labels], len(labels))
        elif kind == "listed":
            last = typesetting.width(str(cells[-1][1] - 1), size) + 0.04
            ticks = numbers(cells, max(int(inches / (pitch if upright else last)) - 1, 1), prominent)
        else:
            some = numbers(cells, inches / pitch, prominent)
            named = {str(start): label for label, (start, stop) in zip(labels, cells, strict=True) if stop - start == 1}
            first = ((cells[index][0], "…" * (cells[index][1] - cells[index][0] > 1)) for index in prominent)
            named = {str(start): visible(tokens[start].text) + more for start, more in first} | named
            longest = LONGEST[kind] * zoom
            ticks = [
                Tick(index, f"{n} {typesetting.short(name, size, longest - typesetting.width(f'{n} ', size))}")
                for index, n in some
                for name in [named.get(n, visible(tokens[int(n)].text))]
            ]
        widths = [typesetting.width(tick.label, size) for tick in ticks]
        longest = max(widths, default=0.0)
        turned = not upright and (kind == "some" or (kind == "words" and longest + 0.05 > cell))
        along = [pitch if upright or turned else width for width in widths]
        over = _overhang([tick.position * cell for tick in ticks], along, inches)
        return cls(kind, ticks, size, longest, upright, turned, longest if turned else line_height(size), over)

    @property
    def in_words(self) -> bool:
        """Whether each cell has its token as its label."""
        return self.kind == "words"

    def style(self, theme: Theme) -> dict[str, Any]:
        """matplotlib's text properties of the labels."""
        colour = theme.ink if self.kind != "listed" else theme.muted
        placed = {"ha": "right", "va": "center_baseline"} if self.upright else {"ha": "center"}
        return {"color": colour, **placed, **({"rotation": 90} if self.turned else {})}


def kind_of(cells: Sequence[Range], cell: float, listed: int) -> Kind:
    """The kind of labels for cells of `cell` inches, of which at most `listed` are explained by a list."""
    if is_numbered(cells):
        return "some"
    if cell >= READABLE - 1e-6:
        return "words"
    return "listed" if len(cells) <= listed else "some"


def axes_text(scene: Scene, labels: Sequence[AxisLabels]) -> str:
    """The names of the axes; where their labels are numbers, with the list of tokens that explains them."""
    a = scene.attention
    rows, columns = (
        _explained(one.kind, of, cells)
        for one, of, cells in zip(labels, (scene.rows, scene.columns), (a.rows, a.columns), strict=True)
    )
    if not rows and not columns:
        return f"{FROM} ↓   {TO} →"
    if rows == columns:
        return f"{FROM} ↓ and {TO} →   {rows}"
    return f"{FROM} ↓   {rows}".rstrip() + f"\n{TO} →   {columns}".rstrip()


def _explained(kind: Kind, labels: Sequence[str], cells: Sequence[Range]) -> str:
    if kind == "words":
        return ""
    if kind == "some":
        return token_count(cells)
    pairs = (f"{start} {label}" for (start, _), label in zip(cells, labels, strict=True))
    return "   ".join(pair.replace(" ", "\u00a0") for pair in pairs)


def _overhang(places: Sequence[float], sizes: Sequence[float], inches: float) -> float:
    """The gap between tiles that labels need which extend beyond the ends of a tile of `inches`."""
    if not places:
        return 0.0
    before = max(sizes[0] / 2 - places[0], 0.0)
    return before + max(places[-1] + sizes[-1] / 2 - inches, 0.0) + 0.08

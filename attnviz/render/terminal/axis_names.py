"""What stands above and beside cells: words, where they fit; else numbers, and beside the rows these before the words.

No word is broken: a column's word is whole, or one of few that are cut legibly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len
from rich.text import Text

from attnviz.attention import Range
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.terminal.cells import across, flowing, ltr, readable, ruler

LISTED = 200
"""Of more columns than this, no list says which word each number stands for."""


@dataclass(frozen=True)
class AxisNames:
    """The names of the rows and columns of `scene`, where a cell is `cell` columns of the terminal wide."""

    scene: Scene
    cell: int

    @cached_property
    def numbered(self) -> bool:
        """Whether columns are named by the numbers of their (first) tokens."""
        labels, available = self.scene.columns, self.cell - 1
        if self.scene.attention.is_pooled:  # a range of tokens that is cut would be another
            return any(cell_len(label) > available for label in labels)
        return not readable(labels, available)

    def above(self, cuts: Sequence[int] = ()) -> str:
        """The names of the columns; a cell is left free before each of the columns `cuts`."""
        if not self.numbered:
            return across(self.scene.columns, self.cell, cuts)
        numbers = [str(start) for start, _ in self.scene.attention.columns]
        if max(map(len, numbers)) < self.cell:
            return across(numbers, self.cell, cuts)
        return ruler(numbers, self.cell, cuts, self.scene.prominent)

    @cached_property
    def beside(self) -> list[str]:
        """The names of the rows: `apple`, or `4 apple` where columns are numbered and rows are of the same tokens."""
        attention, labels = self.scene.attention, list(self.scene.rows)
        if not self.numbered or attention.kind == "cross":
            return labels
        cells = zip(attention.rows, labels, strict=True)
        return [f"{start} {label}" if stop - start == 1 else label for (start, stop), label in cells]

    def width(self, longest: int) -> int:
        """How wide the names beside the rows are where none has more than `longest` terminal cells and its number."""
        words, whole = (max(map(cell_len, labels)) for labels in (self.scene.rows, self.beside))
        return min(whole, longest + whole - words)

    def listed(self, width: int) -> Iterator[Text]:
        """Which word each column's number stands for, where no row says that of all."""
        attention = self.scene.attention
        said = set() if attention.kind == "cross" else set(attention.rows)
        if self.numbered and not said.issuperset(attention.columns):
            yield from numbered_list("keys", self.scene.columns, attention.columns, width)


def axes_header(label: int = 0) -> str:
    """The names of the axes; that of the rows ends above the row labels, which are `label` cells wide."""
    return f"{FROM} ↓".rjust(label) + f"   {TO} →"


def numbered_list(name: str, labels: Sequence[str], cells: Sequence[Range], width: int) -> Iterator[Text]:
    """`labels` after the numbers of their tokens, in lines; nothing where they are too many, or a cell is several."""
    if len(cells) > LISTED or any(stop - start > 1 for start, stop in cells):
        return
    entries = [Text.assemble((f"{start} ", "dim"), ltr(label)) for label, (start, _) in zip(labels, cells, strict=True)]
    yield from flowing([Text(f"{name}:", style="dim"), *entries], width)

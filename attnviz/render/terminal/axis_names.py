"""The labels above and beside cells: words where they fit; otherwise numbers, and in the rows a number and a word.

The word of a column is whole; a few can be cut, but remain legible.
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
"""The most columns for which a list explains the numbers."""


@dataclass(frozen=True)
class AxisNames:
    """The names of the rows and columns of `scene`, where a cell is `cell` columns of the terminal wide."""

    scene: Scene
    cell: int

    @cached_property
    def numbered(self) -> bool:
        """Whether columns are labelled by the numbers of their (first) tokens."""
        labels, available = self.scene.columns, self.cell - 1
        if self.scene.attention.is_pooled:  # a range of tokens that is cut would look like another one
            return any(cell_len(label) > available for label in labels)
        return not readable(labels, available)

    def above(self, cuts: Sequence[int] = ()) -> str:
        """The names of the columns, with a free cell before each of the columns `cuts`."""
        if not self.numbered:
            return across(self.scene.columns, self.cell, cuts)
        numbers = [str(start) for start, _ in self.scene.attention.columns]
        if max(map(len, numbers)) < self.cell:
            return across(numbers, self.cell, cuts)
        return ruler(numbers, self.cell, cuts, self.scene.prominent)

    @cached_property
    def beside(self) -> list[str]:
        """The names of the rows: `apple`, or `4 apple` where columns are numbered and have the same tokens."""
        attention, labels = self.scene.attention, list(self.scene.rows)
        if not self.numbered or attention.kind == "cross":
            return labels
        cells = zip(attention.rows, labels, strict=True)
        return [f"{start} {label}" if stop - start == 1 else label for (start, stop), label in cells]

    def width(self, longest: int) -> int:
        """The width of the row names if none has more than `longest` terminal cells besides its number."""
        words, whole = (max(map(cell_len, labels)) for labels in (self.scene.rows, self.beside))
        return min(whole, longest + whole - words)

    def listed(self, width: int) -> Iterator[Text]:
        """The list that explains the column numbers, unless the rows have the same numbers with their words."""
        attention = self.scene.attention
        explained = set() if attention.kind == "cross" else set(attention.rows)
        if self.numbered and not explained.issuperset(attention.columns):
            yield from numbered_list("keys", self.scene.columns, attention.columns, width)


def axes_header(label: int = 0) -> str:
    """The names of the axes; that of the rows ends above the row labels, which are `label` cells wide."""
    return f"{FROM} ↓".rjust(label) + f"   {TO} →"


def numbered_list(name: str, labels: Sequence[str], cells: Sequence[Range], width: int) -> Iterator[Text]:
    """Lines of `labels` with their token numbers; none if there are too many, or if a cell covers several tokens."""
    if len(cells) > LISTED or any(stop - start > 1 for start, stop in cells):
        return
    entries = [Text.assemble((f"{start} ", "dim"), ltr(label)) for label, (start, _) in zip(labels, cells, strict=True)]
    yield from flowing([Text(f"{name}:", style="dim"), *entries], width)

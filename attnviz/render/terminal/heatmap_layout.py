"""How one heatmap fits the width of a terminal: how wide cells and labels are, and how a long text is pooled."""

import math
from dataclasses import dataclass

from rich.cells import cell_len

from attnviz.attention import Range
from attnviz.render.scene import Scene
from attnviz.render.terminal.axis_names import AxisNames, axes_header
from attnviz.render.terminal.matrix import cuts

LONGEST, SHORTEST = 28, 8
"""The longest label of a row, in terminal cells; and the shortest that one is cut to."""
REMOVED_WIDTH = 6
"""The width of the column with the mass that was removed from each row."""
NUMBERED = (5, 4, 3, 2)
"""The widths of cells whose columns are numbered, in columns of the terminal."""


@dataclass(frozen=True)
class HeatmapLayout:
    """How a scene fits a width, in columns of the terminal.

    `label` is the width of the row labels and `cell` that of a cell. `block` is the number of rows and of columns that
    are pooled into one cell. With `named`, each row has a line with its name; otherwise only some rows have a number.
    Where a cell is one column wide, only some columns have a number.
    """

    label: int
    cell: int
    named: bool = True
    block: Range = (1, 1)

    @classmethod
    def of(cls, scene: Scene, width: int, height: float = math.inf) -> "HeatmapLayout":
        """The first layout that fits: words above the columns, then numbers, then a few numbers, then pooled cells.

        Rows of cells that are one column wide are named if there are no more than `height` of them.
        """
        free = width - 1 - len(cuts(scene)[1]) - (0 if scene.removed_mass is None else REMOVED_WIDTH)
        n, longest = len(scene.columns), max(map(cell_len, scene.columns))
        most = min(LONGEST, max(width // 3, SHORTEST))
        label = min(max(map(cell_len, scene.rows)), most)
        for cell in (max(longest + 2, 6), max(longest + 1, 5)):
            if n * cell <= free - label:
                return cls(cls._with_axis_name(label, free - label - n * cell), cell)
        cell = (free - label) // n
        if cell > 1 and not AxisNames(scene, cell).numbered:
            return cls(label, cell)
        least, label = (AxisNames(scene, 1).width(longest) for longest in (SHORTEST, most))
        for cell in NUMBERED:
            if n * cell <= free - label:
                return cls(label, cell)
        if least <= free - 2 * n:
            return cls(free - 2 * n, 2)
        if not any(stop - start > 1 for start, stop in scene.attention.rows) and len(scene.rows) <= height:
            label = min(label, free - n) if least <= free - n else label
            return cls(label, 1, block=(1, -(-n // max(free - label, 2))))
        label = max(len(str(cells[-1][0])) for cells in (scene.attention.rows, scene.attention.columns))
        rows, columns = (max(1, -(-size // max(free - label, 2))) for size in scene.reachable.shape)
        return cls(label, 1, False, (rows, columns))

    @staticmethod
    def _with_axis_name(label: int, free: int) -> int:
        """The width of row labels, or of the name of their axis if no more than `free` cells are missing for it."""
        named = len(axes_header().split("   ")[0])
        return max(label, named) if named - label <= free else label

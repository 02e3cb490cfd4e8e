"""Heatmaps side by side in a picture: their cells begin at the same height, below titles and labels of any height."""

from collections.abc import Callable, Sequence
from typing import Any

from attnviz.render.balanced_rows import balanced
from attnviz.render.picture.page import Panel
from attnviz.render.picture.titled_panel import TitledPanel

WIDEST = 14.0
"""Heatmaps that are wider than this together, in inches, stand below one another."""
GAP = 0.4
"""Between two of them."""
NARROWEST = 2.6
"""The title and the caption of a heatmap of the usual size of letters are not broken to less, in inches."""

Make = Callable[[int, float | None], TitledPanel]
"""Makes the heatmap of that number, so many inches wide or of its own width."""


class Row:
    """Panels with titles and captions side by side."""

    def __init__(self, panels: Sequence[TitledPanel]) -> None:
        self.panels = panels
        tops = [panel.above + _above(panel.inner) for panel in panels]
        for panel, top in zip(panels, tops, strict=True):  # where the labels of another are higher
            panel.lower(max(tops) - top)
        self.width = sum(panel.width for panel in panels) + GAP * (len(panels) - 1)
        self.height = max(panel.height for panel in panels)

    def draw(self, page: Any, x: float, y: float) -> None:
        """Draw onto `page`."""
        for panel in self.panels:
            panel.draw(page, x, y)
            x += panel.width + GAP


def rows(make: Make, count: int, available: float | None = None, all_in_one: bool = False) -> list[Row]:
    """So many panels in rows, on a page of `available` inches, or of no more than WIDEST.

    As many stand side by side as are no wider together; or can be made so and keep every label that they have alone;
    or all of them `all_in_one`. Where the width is given they take all of it.
    """
    alone = [make(index, None) for index in range(count)]
    most = available or WIDEST
    for across in dict.fromkeys(balanced(count, n) for n in range(count, 0, -1)):
        panels = alone
        if available is not None or _widest(alone, across) > most:
            panels = [make(index, (most + GAP) / across - GAP) for index in range(count)]
        if all_in_one or all(_is_whole(one, whole) for one, whole in zip(panels, alone, strict=True)):
            break
    if across == 1 and available is None:
        panels = alone
    return [Row(panels[start : start + across]) for start in range(0, count, across)]


def _is_whole(panel: TitledPanel, alone: TitledPanel) -> bool:
    """Whether a panel has room, and every label that it has `alone`."""
    labels, others = (getattr(one.inner, "labels", 0) for one in (panel, alone))
    return panel.has_room and bool(labels >= others)


def _widest(panels: Sequence[TitledPanel], across: int) -> float:
    """The width of the widest row, of so many panels each."""
    parts = (panels[start : start + across] for start in range(0, len(panels), across))
    return max(sum(panel.width + GAP for panel in part) - GAP for part in parts)


def _above(panel: Panel) -> float:
    """What stands above the cells of a panel, in inches."""
    return float(getattr(panel, "above", 0.0))

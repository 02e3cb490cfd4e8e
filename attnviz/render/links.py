"""The links that lines and arcs draw, from a query to a key."""

from dataclasses import dataclass

import numpy as np

from attnviz.errors import SelectionError
from attnviz.render.scale import Scale
from attnviz.render.scene import Scene
from attnviz.render.styles import STYLES

FAINT = 0.04
"""A weight below this fraction of the scale is not drawn: nobody could see it."""


@dataclass(frozen=True)
class DrawnLinks:
    """The links of one head, in the order in which they are drawn, the weakest first.

    Each has a row, a column and its weight as a fraction of the scale, `[link]`.
    """

    rows: np.ndarray
    columns: np.ndarray
    fractions: np.ndarray


def opacity(fractions: np.ndarray) -> np.ndarray:
    """How opaque the lines of links are that far along the scale, from almost invisible to solid."""
    return np.asarray(0.06 + 0.94 * fractions)


def width(fractions: np.ndarray) -> np.ndarray:
    """The width of these lines, in points."""
    return np.asarray(0.6 + 3.4 * fractions)


def links_to_draw(scene: Scene, index: int, scale: Scale) -> DrawnLinks:
    """The links of head `index` of `scene` that are neither masked nor below FAINT."""
    fractions = np.where(scene.reachable, scale.fractions(scene.matrices[index]), 0.0)
    rows, columns = np.nonzero(fractions >= FAINT)
    order = np.argsort(fractions[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    return DrawnLinks(rows, columns, fractions[rows, columns])


def require_tokens(scene: Scene, style: str) -> None:
    """Raise SelectionError unless every row and column is one token and there are few enough for `style`."""
    a = scene.attention
    drawn_as = STYLES[style]
    rows = [a.rows[row] for row in scene.queries] if drawn_as.shows_one_query and scene.queries else a.rows
    cells = max(len(a.rows), len(a.columns))
    if any(stop - start > 1 for start, stop in (*rows, *a.columns)):
        size = f"{len(a.rows)} × {len(a.columns)}"
        message = f"style {style} draws tokens, and the cells of this {size} matrix cover several"
        if drawn_as.shows_one_query:
            raise scene.retrace.error(message, scene.retrace.rows, scene.retrace.all_columns, added="--query WORD")
        raise scene.retrace.error(message, "last:40", "last:40")
    if scene.signed:
        raise SelectionError(
            f"style {style} draws how strong links are, and some of these weights are negative", "Try --style heatmap."
        )
    if drawn_as.most_tokens is not None and cells > drawn_as.most_tokens:
        raise SelectionError(
            f"style {style} cannot show {cells} tokens, at most {drawn_as.most_tokens}",
            "Choose tokens with --rows and --columns, such as last:40, or --style heatmap.",
        )

"""A scene without its special tokens or its sink: what each row lost, and what is left of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attnviz.attention import Attention, HeadFlags, HeadMatrices, HeadRows, Range, count_virtual_tokens
from attnviz.errors import SelectionError
from attnviz.pooling import reduce_attention
from attnviz.render.scene import Scene
from attnviz.render.weight_format import format_weight

NOTHING = 1e-6
"""A row has lost everything if this much or less is left of it."""


def exclude(scene: Scene, sink: str = "show", special: str = "show") -> Scene:
    """`scene` with its attention sink masked and its special tokens left out.

    The sink is the first key (Gu et al. 2024, When Attention Sink Emerges). `mask` leaves its column empty. `hide`
    leaves out the columns of special keys and the rows of special queries; a decoder's row also has to write no
    ordinary token. The virtual tokens of an adapter stay: they are not special tokens of the text. `renorm`, for either
    of the two, also divides each row by what is left of it. `Scene.removed_mass` says how much each row lost; a row of
    which at most NOTHING is left is drawn empty. The colour scale fits the weights that are left.

    A row that covers several queries holds only their largest weights: it can be masked but not divided, and its
    `removed_mass` is the largest weight that was removed. What a learned sink took was never part of a row and does
    not count.

    Raises SelectionError where a key to remove is pooled with others; where rows are to be divided that are pooled or
    lack such a key; and where nothing is left to draw.
    """
    a, renormalise = scene.attention, "renorm" in (sink, special)
    marks = range(count_virtual_tokens(a.keys), len(a.keys))
    specials = {index for index in marks if a.keys[index].special and special != "show"}
    first = {0} - specials if sink != "show" else set()
    removed = _cells(scene, specials | first, renormalise)
    hidden = set(removed) & set(_cells(scene, specials, False))
    rows = [index for index, cell in enumerate(a.rows) if special == "show" or not _is_special(scene, cell)]
    columns = [index for index in range(len(a.columns)) if index not in hidden]
    if not rows or not columns:
        raise SelectionError("all tokens are special ones: nothing is left to draw", "Draw them: --special show.")
    if not removed and len(rows) == len(a.rows):
        return scene
    left = {layer: _left(a, layer, removed, renormalise) for layer in dict(scene.heads)}
    cut = replace(a, by_layer={layer: one.weights for layer, one in left.items()}, row_sums=_sums(a, left))
    indices = [(layer, a.heads(layer).index(head)) for layer, head in scene.heads]
    shown = replace(
        scene,
        attention=reduce_attention(cut, [a.rows[index] for index in rows], [a.columns[index] for index in columns]),
        queries=_remaining_queries(scene, rows),
        masked=tuple(columns.index(index) for index in removed if index in columns),
        removed_mass=np.stack([left[layer].removed_mass[head][rows] for layer, head in indices]),
        emptied=np.stack([left[layer].emptied[head][rows] for layer, head in indices]),
    )
    summary = _summary(shown, hidden=len(rows) < len(a.rows) or bool(hidden), divided=renormalise)
    return replace(shown, caption=f"{scene.caption}\n{summary}".lstrip("\n"))


def removed_labels(scene: Scene, index: int = 0) -> list[str]:
    """The labels of what each row of head `index` lost: `−.62`, `all`, or a dot for nothing."""
    if scene.removed_mass is None or scene.emptied is None:
        return []
    shown = [format_weight(share) for share in scene.removed_mass[index]]
    return [
        "all" if is_emptied else text if text == "·" else f"−{text}"
        for text, is_emptied in zip(shown, scene.emptied[index], strict=True)
    ]


@dataclass(frozen=True)
class _Left:
    """What is left of a layer's `weights` `[head, row, column]`; what each row lost, and whether all, `[head, row]`."""

    weights: HeadMatrices
    removed_mass: HeadRows
    emptied: HeadFlags


def _left(a: Attention, layer: int, columns: Sequence[int], renormalise: bool) -> _Left:
    weights = a.weights(layer).copy()
    if _rows_are_pooled(a):
        removed_mass = weights[:, :, columns].max(-1, initial=0.0)
        weights[:, :, columns] = 0
        return _Left(weights, removed_mass, (removed_mass > 0) & (weights.max(-1, initial=0.0) <= NOTHING))
    sums = np.asarray(a.row_sums.get(layer, weights.sum(-1, dtype=np.float64)), np.float64)
    removed_mass = weights[:, :, columns].sum(-1, dtype=np.float64)
    emptied = (removed_mass > 0) & (sums - removed_mass <= NOTHING)
    weights[:, :, columns] = 0
    weights[emptied] = 0
    if renormalise:
        weights /= np.where((removed_mass > 0) & ~emptied, sums - removed_mass, 1.0)[:, :, None].astype(np.float32)
    return _Left(weights, removed_mass, emptied)


def _rows_are_pooled(a: Attention) -> bool:
    return any(stop - start > 1 for start, stop in a.rows)


def _sums(a: Attention, left: dict[int, _Left]) -> dict[int, HeadRows]:
    """The sums of the rows before anything was removed, `[head, row]`, with the keys that are no longer drawn."""
    return {layer: a.row_sums.get(layer, a.weights(layer).sum(-1)) for layer in left}


def _cells(scene: Scene, tokens: Collection[int], all_kept: bool) -> list[int]:
    """The columns of the keys `tokens`.

    Raises SelectionError where one of them is pooled. With `all_kept`, needed to divide by what is left, also where one
    has no column, or where rows are pooled.
    """
    a, retrace = scene.attention, scene.retrace
    columns = [index for index, (start, stop) in enumerate(a.columns) if any(t in tokens for t in range(start, stop))]
    if pooled := [a.columns[index] for index in columns if a.columns[index][1] - a.columns[index][0] > 1]:
        first, last = pooled[0][0], pooled[0][1] - 1
        message = f"keys {first}–{last} share a cell of this matrix: none can be taken out of it"
        raise retrace.error(message, retrace.rows, retrace.all_columns)
    if all_kept and columns and _rows_are_pooled(a):
        raise SelectionError(
            "rows of several queries cannot be divided: each query has something else left",
            "Leave the column empty instead: --sink mask, --special hide. Or trace with --rows last:20.",
        )
    if all_kept and len(columns) < len(tokens):
        missing = sorted(set(tokens) - {a.columns[index][0] for index in columns})
        raise SelectionError(
            f"what is left of a row is not known: column {missing[0]} of this trace was not kept",
            "Do not divide by it: --sink mask, --special hide.",
        )
    return columns


def _is_special(scene: Scene, row: Range) -> bool:
    """Whether all queries of a row are special and, in a decoder, write no ordinary token."""
    a = scene.attention
    written = a.predicts or (None,) * len(a.queries)
    return all(
        a.queries[index].special and ((token := written[index]) is None or token.special) for index in range(*row)
    )


def _remaining_queries(scene: Scene, rows: Sequence[int]) -> tuple[int, ...]:
    """The indices of `scene.queries` in `rows`. Raises SelectionError where one is left out."""
    for query in scene.queries:
        if query not in rows:
            raise SelectionError(f"{scene.rows[query]} is a special token, and left out", "Draw it: --special show.")
    return tuple(rows.index(query) for query in scene.queries)


def _summary(scene: Scene, hidden: bool, divided: bool) -> str:
    """What was removed, in words."""
    assert scene.removed_mass is not None
    assert scene.emptied is not None
    facts = ["special tokens hidden"] if hidden else []
    facts += ["first key masked"] if scene.masked else []
    facts += ["rows divided by what is left"] if divided else []
    what = "largest weight taken from a cell, on average" if _rows_are_pooled(scene.attention) else "mean mass taken"
    facts += [f"{what} {scene.removed_mass.mean():.2f}"]
    if count := int(scene.emptied.sum()):
        facts += [f"{count} of {scene.emptied.size} rows lose everything"]
    return " · ".join(facts)

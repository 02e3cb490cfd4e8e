"""The key that each query looks at most."""

from dataclasses import dataclass

import numpy as np

from attnviz.attention import Attention, HeadKeys, HeadRows
from attnviz.errors import CaptureError


@dataclass(frozen=True, eq=False)
class Peaks:
    """Where each query of the heads of a layer looks most: `keys` and `weights`, both `[head, query]`.

    The queries are those of `Attention.covered`. Of equal weights the first key. A query that sees nothing has the key
    −1 and the weight 0.
    """

    keys: HeadKeys
    weights: HeadRows


def find_peaks(attention: Attention, layer: int) -> Peaks:
    """The largest weight of each query. Raises SelectionError for a layer that was not captured.

    Where only cells are known (see `has_exact_peaks`), the first token of the cell with the largest weight stands for
    the key, for each query of the row.
    """
    weights = attention.weights(layer)
    if layer in attention.peak_keys:
        return Peaks(attention.peak_keys[layer], attention.peak_weights[layer])
    sizes = np.array([stop - start for start, stop in attention.rows], int)
    first = np.array([start for start, _ in attention.columns], np.int32)
    largest = weights.max(-1)  # [head, row]
    keys = np.where(largest > 0, first[weights.argmax(-1)], np.int32(-1))
    return Peaks(np.repeat(keys, sizes, axis=1), np.repeat(largest, sizes, axis=1))


def has_exact_peaks(attention: Attention) -> bool:
    """Whether the key of each query's largest weight is known, and not only the cell that it is in."""
    return not attention.is_pooled or set(attention.layers) <= attention.peak_keys.keys()


def check_peaks(attention: Attention, layer: int) -> None:
    """Raise CaptureError unless the stored peaks of `layer` fit its cells.

    A key is one of the keys, and the cell that holds it has at least the weight of the peak.
    """
    keys, weights = attention.peak_keys[layer], attention.peak_weights[layer]
    where = f"{attention.name}, layer {layer}"
    if keys.min(initial=0) < -1 or keys.max(initial=0) >= len(attention.keys):
        raise CaptureError(f"{where}: a query looks most at a key that is not one of the {len(attention.keys)} keys")
    cell = np.full(len(attention.keys) + 1, -1)  # -1 for a key that no column covers; the last is of the key −1
    for index, (start, stop) in enumerate(attention.columns):
        cell[start:stop] = index
    row = np.repeat(np.arange(len(attention.rows)), [stop - start for start, stop in attention.rows])
    found = np.take_along_axis(attention.weights(layer)[:, row], cell[keys][..., None], axis=2)[..., 0]
    if ((cell[keys] >= 0) & (found < weights)).any() or ((keys < 0) != (weights == 0)).any():
        raise CaptureError(f"{where}: where a query looks most does not fit the cells")

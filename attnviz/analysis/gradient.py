"""Gradient × attention: which tokens the score of an output token rests on, by the weights that change it.

    Ā = mean over heads of (∂y/∂A ⊙ A)⁺,    R ← R + Ā · R    from R = I, layer by layer

With an encoder, R_ee and R_qq grow in this way in encoder and decoder, R_qe ← R_qe + Ā · R_qe in masked
self-attention, and in cross-attention R_qe ← R_qe + R̄_qqᵀ Ā R̄_ee, where R̄ is R − I with each row divided by its sum,
plus I (Chefer et al. 2021, Generic Attention-model Explainability, equations 5 to 11).

The relevance of the keys for the token that a row writes is the row of R − I, or of R_qe; it is shown divided by its
sum, because the size of a gradient means little.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Matrix, Row
from attnviz.kinds import Kind

_Relevance = NDArray[np.float64]  # R, [query, key]


def relevance(weighted: Mapping[Kind, Sequence[Matrix]], query: int) -> dict[Kind, Row]:
    """The share of each key in the relevance for the token that row `query` writes, by kind.

    `weighted` holds the Ā of each layer, `[query, key]`. With an encoder the result is of cross-attention, for the keys
    of the encoder, and of masked self-attention; otherwise it is of the one kind that there is. All shares are 0 where
    no weight raises the score.
    """
    if "cross" not in weighted:
        ((kind, layers),) = weighted.items()
        return {kind: _shares(_without_itself(_accumulated(layers), query))}
    R_ee = _accumulated(weighted["self"])
    R_qq, R_qe = np.eye(len(weighted["masked-self"][0])), np.zeros(weighted["cross"][0].shape)
    for masked, cross in zip(weighted["masked-self"], weighted["cross"], strict=True):
        R_qq, R_qe = R_qq + masked @ R_qq, R_qe + masked @ R_qe
        R_qe = R_qe + _normalised(R_qq).T @ cross @ _normalised(R_ee)
    return {"cross": _shares(R_qe[query]), "masked-self": _shares(_without_itself(R_qq, query))}


def _accumulated(layers: Sequence[Matrix]) -> _Relevance:
    R = np.eye(len(layers[0]))
    for weighted in layers:
        R = R + weighted @ R
    return R


def _normalised(R: _Relevance) -> _Relevance:
    """R̄: each row of R − I divided by its sum, plus I."""
    rest = R - np.eye(len(R))
    sums = rest.sum(-1, keepdims=True)
    return np.asarray(rest / np.where(sums > 0, sums, 1) + np.eye(len(R)))


def _without_itself(R: _Relevance, query: int) -> NDArray[np.float64]:
    return np.asarray(R[query] - np.eye(len(R))[query])


def _shares(numbers: NDArray[np.float64]) -> Row:
    total = numbers.sum()
    return np.asarray(numbers / total if total > 0 else numbers, np.float32)

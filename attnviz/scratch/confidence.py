"""How sure the model is of a translation: the probability of the word that it is least sure of.

    confidence = min over i of P(w_i | source, w_1 … w_{i−1}),  where P(word) = P(stem) P(ending | stem)

The words w_1 … w_n are those that it wrote, and the last is the end of the sentence. One word that could as well be
another makes a translation wrong, however sure the others are. README.md says what else was tried.

A translation is unsure where its confidence is below a threshold. That is chosen on sentences that training never saw,
so that at most LOST of the right translations are lost, and is kept in the model's file.
"""

from dataclasses import dataclass
from math import floor

import numpy as np

from attnviz.scratch.attention import Weights, softmax
from attnviz.scratch.transformer import ending_logits, stem_logits

LOST = 0.05  # of the right translations, at most this share is called unsure


@dataclass(frozen=True)
class Threshold:
    """The confidence below which a translation to `language`, by its English name, is unsure.

    Both shares were measured on other sentences than it was chosen on: of the wrong translations `caught`, of the right
    ones `lost` are below it.
    """

    language: str
    confidence: float
    caught: float
    lost: float


def word_probabilities(x: np.ndarray, words: np.ndarray, has: np.ndarray, W: Weights) -> np.ndarray:
    """P(word) of each of `words` `[B, m, 2]`, by `x` `[B, m, d]`, what the decoder gives of the words before. `[B, m]`.

    `has` is `[stems, endings]`, true where a word is made of the two: other endings have probability 0.
    """
    stem, ending = words[..., 0], words[..., 1]
    of_stem = softmax(stem_logits(x, W), np)  # [B, m, stems]
    of_ending = softmax(np.where(has[stem], ending_logits(x, stem, W), -np.inf), np)  # [B, m, endings]
    P_stem = np.take_along_axis(of_stem, stem[..., None], -1)  # [B, m, 1]
    P_ending = np.take_along_axis(of_ending, ending[..., None], -1)  # [B, m, 1]
    return np.asarray(P_stem * P_ending)[..., 0]


def choose_threshold(confidence: np.ndarray, right: np.ndarray) -> float:
    """The largest whole percentage that loses at most LOST of the right translations; both are `[translations]`.

    It is 1 where no translation is right, so that all are unsure.
    """
    of_right = np.sort(confidence[right])
    if not of_right.size:
        return 1.0
    return floor(float(of_right[int(LOST * of_right.size)]) * 100) / 100


def shares_below(threshold: float, confidence: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Of the wrong translations the share that is caught, and of the right ones the share that is lost."""
    unsure = confidence < threshold
    caught, lost = (float(unsure[which].mean()) if which.any() else 0.0 for which in (~right, right))
    return caught, lost

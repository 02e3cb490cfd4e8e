"""A model made by hand: each head looks a fixed number of words away, and less the farther a word is from there."""

import numpy as np

from attnviz.attention import Attention, Token, Trace
from attnviz.labels import word_spans
from attnviz.models.base import Model

OFFSETS = {0: (-1, 0), 1: (1, 2)}
"""How far the heads of each layer look."""


class ModelByHand(Model):
    """An encoder that reads words, with `[CLS]` before them."""

    name = "by hand"

    def _trace_all(self, given, selection, progress):
        return (selection.apply(_trace(prompt.text)) for prompt in given)


def _trace(text: str) -> Trace:
    words = (Token(1, text[start:end], (start, end), n) for n, (start, end) in enumerate(word_spans(text)))
    tokens = (Token(0, "[CLS]", special=True), *words)
    positions = np.arange(len(tokens))
    weights = {}
    for layer, offsets in OFFSETS.items():
        distance = [np.abs(positions - positions[:, None] - offset) for offset in offsets]
        looks = np.exp(-1.5 * np.array(distance))
        weights[layer] = (looks / looks.sum(-1, keepdims=True)).astype(np.float32)
    heads = dict.fromkeys(OFFSETS, (0, 1))
    return Trace(model="by hand", text=text, attentions=(Attention("self", "encoder", tokens, tokens, weights, heads),))

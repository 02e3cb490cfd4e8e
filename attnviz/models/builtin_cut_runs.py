"""Runs of the built-in model without some heads: their rows of W_O are zero, so that they give nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Trace
from attnviz.attention.shown_target import shown_target
from attnviz.cuts import ZERO, Cut
from attnviz.errors import ModelError
from attnviz.kinds import Kind
from attnviz.models.cut_runs import CutRuns, Done, Probabilities
from attnviz.prompt import Prompt
from attnviz.scratch import transformer
from attnviz.scratch.attention import softmax
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.builtin import BuiltinModel

_PARTS: dict[Kind, tuple[str, str]] = {
    "self": ("encoder", "self"),
    "masked-self": ("decoder", "self"),
    "cross": ("decoder", "cross"),
}


class BuiltinCutRuns(CutRuns):
    """The runs of the built-in model on one sentence; with a cut the decoder reads the same words as without."""

    def __init__(self, model: "BuiltinModel", prompt: Prompt) -> None:
        self._model, self._prompt = model, prompt
        self.trace = model.trace(prompt, Selection())
        tokenizer = model.checkpoint.tokenizer
        self._is_written = np.array(tokenizer.ids(tokenizer.parts)) == np.arange(len(tokenizer.parts))
        self.probabilities = self._probabilities(model, model.run_again(self.trace)[1])

    def run(self, cut: Cut) -> tuple[Trace, Probabilities | None]:
        """The run with a cut. Raises ModelError for a link, and for another value than zero."""
        model = self._without(cut)
        trace, x = model.run_again(self.trace)
        return trace, self._probabilities(model, x)

    def without_each(
        self, cuts: Sequence[Cut], row: int, token: int, progress: Done | None = None
    ) -> NDArray[np.float64]:
        """The probability of `token` at `row` with each of the cuts alone, `[cut]`."""
        found = []
        for done, cut in enumerate(cuts, 1):
            model = self._without(cut)
            x = model.run_again(self.trace)[1][row : row + 1]
            found.append(float(self._probabilities(model, x)[0, token]))
            if progress is not None:
                progress(done, len(cuts))
        return np.array(found)

    def word(self, token: int) -> str:
        """A word as a reader sees it."""
        return str(self._model.checkpoint.tokenizer.vocabulary[token])

    def tokens_of(self, word: str) -> list[int]:
        """The word, if the model knows it."""
        try:
            return [self.as_written(self._model.checkpoint.tokenizer.id(word))]
        except KeyError:
            return []

    def as_written(self, token: int) -> int:
        """The word that the model writes for the stem and the ending of this one."""
        tokenizer = self._model.checkpoint.tokenizer
        return tokenizer.ids(tokenizer.parts[[token]])[0]

    def translation(self, cut: Cut) -> str | None:
        """What the model writes with a cut, where the target was not given."""
        if self._prompt.target is not None:
            return None
        return shown_target(self._without(cut).trace(self._prompt, Selection()))

    def _without(self, cut: Cut) -> "BuiltinModel":
        """The model with other weights: those of the heads that are cut are zero in W_O."""
        if cut.is_of_link or cut.how != ZERO:
            what = "its links" if cut.is_of_link else "the mean of a head"
            raise ModelError(
                f"the built-in model can only do without whole heads, set to zero, and not without {what}",
                "Leave out --link and --with, or take another model: -m NAME.",
            )
        checkpoint, (part, attention) = self._model.checkpoint, _PARTS[cut.kind]
        weights: Any = {**checkpoint.weights, part: list(checkpoint.weights[part])}
        size = checkpoint.config.d // checkpoint.config.h
        for layer, head in cut.heads:
            W = weights[part][layer]
            W_O = W[attention]["W_O"].copy()
            W_O[head * size : (head + 1) * size] = 0
            weights[part][layer] = {**W, attention: {**W[attention], "W_O": W_O}}
        return replace(self._model, checkpoint=replace(checkpoint, weights=weights))

    def _probabilities(self, model: "BuiltinModel", x: np.ndarray) -> Probabilities:
        """P(word) = P(stem) P(ending | stem) of each word, `[row, word]`, by the decoder's output `x`, `[row, d]`.

        A word that has the stem and the ending of another, and is not the one that the model writes, has 0.
        """
        tokenizer, W = model.checkpoint.tokenizer, model.checkpoint.weights
        stem, ending = tokenizer.parts.T
        of_stem = softmax(transformer.stem_logits(x[None], W), np)[0]  # [row, stem]
        stems, rows = np.arange(of_stem.shape[1])[None], []
        for one, P in zip(x, of_stem, strict=True):
            scores = transformer.ending_logits(np.broadcast_to(one, (1, stems.size, one.size)), stems, W)[0]
            of_ending = softmax(np.where(tokenizer.has, scores, -np.inf), np)  # [stem, ending]
            rows.append(np.where(self._is_written, P[stem] * of_ending[stem, ending], 0))
        return np.asarray(rows, np.float32)

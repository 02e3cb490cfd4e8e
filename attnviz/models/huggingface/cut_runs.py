"""Runs of a Hugging Face model on one text without some heads or links, in batches where many are asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Trace
from attnviz.cuts import Cut
from attnviz.errors import ModelError
from attnviz.models.cut_runs import CutRuns, Done, Probabilities
from attnviz.models.huggingface.adapters import require_runnable, virtual_names
from attnviz.models.huggingface.devices import input_device
from attnviz.models.huggingface.inputs import InputBuilder
from attnviz.models.huggingface.loading import quiet
from attnviz.prompt import Prompt
from attnviz.selection import Selection

if TYPE_CHECKING:
    from attnviz.models.huggingface.model import HuggingFaceModel

_BATCH = 16
"""The number of runs in one pass."""
_TOKENS = 4096
"""The most tokens of one pass, of all runs together."""


class HuggingFaceCutRuns(CutRuns):
    """The runs of one model on one prompt. Raises ModelError for a model whose heads cannot be taken out."""

    def __init__(self, model: "HuggingFaceModel", prompt: Prompt) -> None:
        require_runnable(model.model)
        self._model = model
        self._read = InputBuilder(model.name, model.model, model.text_tokenizer, prompt).read()
        if virtual_names(model.model):
            raise ModelError(
                f"the heads of {model.name} cannot be taken out: its adapter puts virtual tokens before the text",
                "Name the model without the adapter: -m NAME.",
            )
        self.trace, self.probabilities = self._run(None)
        mask = model.text_tokenizer.tokenizer.mask_token_id
        self.masked = tuple(i for i, id in enumerate(self._read.inputs["input_ids"]) if mask is not None and id == mask)

    def run(self, cut: Cut) -> tuple[Trace, Probabilities | None]:
        """The run with a cut."""
        return self._run(cut)

    def without_each(
        self, cuts: Sequence[Cut], row: int, token: int, progress: Done | None = None
    ) -> NDArray[np.float64]:
        """The probability of `token` at `row` with each of the cuts alone, `[cut]`."""
        found: list[float] = []
        size = max(1, min(_BATCH, _TOKENS // max(self._read.tokens, 1)))
        for start in range(0, len(cuts), size):
            some = cuts[start : start + size]
            logits = self._pass(some, Selection(layer_heads=()))[0].logits[:, row].float()
            found += logits.softmax(-1)[:, token].tolist()
            if progress is not None:
                progress(len(found), len(cuts))
        return np.array(found)

    def word(self, token: int) -> str:
        """A token as a reader sees it."""
        return self._model.token_of(token).text

    def tokens_of(self, word: str) -> list[int]:
        """The first token of the word after a space, and at the beginning of a text."""
        tokenizer = self._model.text_tokenizer.tokenizer
        spelled = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (f" {word}", word))
        return list(dict.fromkeys(ids[0] for ids in spelled if ids))

    def _run(self, cut: Cut | None) -> tuple[Trace, Probabilities | None]:
        outputs, records = self._pass([cut], Selection())
        logits: Any = getattr(outputs, "logits", None)
        rows = len(self._read.sides["decoder"].tokens)
        writes = logits is not None and logits.ndim == 3 and logits.shape[1] == rows
        probabilities = logits[0].float().softmax(-1).cpu().numpy() if writes else None
        return self._model.trace_of_record(self._read, records[0]), probabilities

    def _pass(self, cuts: Sequence[Cut | None], selection: Selection) -> tuple[Any, list[Any]]:
        """The outputs and the records of one pass over copies of the text, each with its cut."""
        import torch

        from attnviz.capture.cut_pass import run_without

        location = input_device(self._model.model)
        inputs = {name: torch.tensor([ids] * len(cuts), device=location) for name, ids in self._read.inputs.items()}
        with quiet():
            return run_without(self._model.model, inputs, cuts, selection)

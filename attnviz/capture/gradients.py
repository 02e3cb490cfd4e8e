"""How much each weight of attention changes the score of one output token, for gradient × attention.

The model runs once with its own eager attention, whose weights are part of the graph that torch keeps. One step back
from the score y of a token then gives ∂y/∂A of every layer and head (Chefer et al. 2021, Generic Attention-model
Explainability, section 3).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from attnviz.attention import Matrix
from attnviz.capture.call_sites import is_causal_mask, is_encoder_decoder
from attnviz.capture.eager_output import returns_attentions, set_eager_attention
from attnviz.capture.token_mixers import layers
from attnviz.capture.working_copy import working_copy
from attnviz.errors import InputError, ModelError
from attnviz.kinds import Kind

MOST_TOKENS = 512
"""The most tokens: the weights of all layers, and what led to them, are kept at once."""
_HINT = "Take another method, such as --method norm, or a model that writes text."


class GradientPass:
    """One pass of `model` over `inputs`, `[1, tokens]` each, from which gradients can be taken; the model is unchanged.

    Raises InputError for a text of more than MOST_TOKENS, and ModelError for a model that gives no score for each
    token of a vocabulary, or whose weights are not all returned.
    """

    def __init__(self, model: PreTrainedModel, inputs: Mapping[str, torch.Tensor]) -> None:
        self._name = type(model).__name__
        tokens = max(value.shape[1] for value in inputs.values())
        if tokens > MOST_TOKENS:
            raise InputError(
                f"the text has {tokens} tokens, and method gradient takes at most {MOST_TOKENS}",
                "Give it a shorter text.",
            )
        copy = working_copy(model)
        set_eager_attention(copy)
        if not returns_attentions(copy):
            raise self._refusal("does not return its attention weights")
        copy.get_input_embeddings().register_forward_hook(lambda _module, _args, found: found.requires_grad_())
        with keeping_graph():
            given = {name: value.clone() for name, value in inputs.items()}
            outputs = copy(**given, output_attentions=True, use_cache=False, return_dict=True)
            self._logits = self._scores(outputs, given)
        self._weights = self._of_layers(model, outputs)

    def _scores(self, outputs: Any, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The score of each token at each position, `[position, token]`."""
        logits = outputs.get("logits")
        read = inputs.get("decoder_input_ids", inputs["input_ids"])
        if logits is None or logits.ndim != 3 or logits.shape[1] != read.shape[1]:
            raise self._refusal("gives no score to the tokens that it could write")
        return logits[0]  # type: ignore[no-any-return]

    def _of_layers(self, model: PreTrainedModel, outputs: Any) -> dict[Kind, tuple[torch.Tensor, ...]]:
        """The weights of each layer, `[1, head, query, key]` each."""
        found: dict[Kind, tuple[torch.Tensor, ...]] = {}
        if is_encoder_decoder(model):
            names: dict[Kind, str] = {"self": "encoder_attentions", "masked-self": "decoder_attentions"}
            found = {kind: outputs.get(name) or () for kind, name in {**names, "cross": "cross_attentions"}.items()}
            complete = all(found.values()) and len(found["masked-self"]) == len(found["cross"])
        else:
            given = outputs.get("attentions") or ()
            complete = bool(given) and len(given) == (len(layers(model)) or len(given))
            first = next((one for one in given if isinstance(one, torch.Tensor)), None)
            causal = first is not None and is_causal_mask(first > 0, first.shape[-2]) is not False
            found = {"masked-self" if causal else "self": given}
        tensors = [one for of_kind in found.values() for one in of_kind]
        if not complete or not all(isinstance(one, torch.Tensor) and one.ndim == 4 for one in tensors):
            raise self._refusal("does not return the attention weights of all its layers")
        return found

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of attention that the model has."""
        return tuple(self._weights)

    def likeliest(self, position: int) -> int:
        """The id of the token with the highest score at this position of what the decoder, or the model, reads."""
        return int(self._logits[position].argmax())

    def weighted(self, position: int, token: int) -> dict[Kind, Sequence[Matrix]]:
        """For y, the score of `token` at `position`: mean over heads of (∂y/∂A ⊙ A)⁺ of each layer, `[query, key]`.

        Raises ModelError if the weights that the model returns are not those that it uses.
        """
        weights = [one for of_kind in self._weights.values() for one in of_kind]
        with keeping_graph():
            try:
                gradients = torch.autograd.grad(
                    self._logits[position, token], weights, retain_graph=True, allow_unused=True
                )
            except RuntimeError as error:
                raise self._refusal(f"gives no gradient: {error}") from error
        if any(one is None for one in gradients):
            raise self._refusal("returns other weights than those that it uses")
        matrices = iter(positive_means(weights, gradients))
        return {kind: [next(matrices) for _ in of_kind] for kind, of_kind in self._weights.items()}

    def _refusal(self, why: str) -> ModelError:
        return ModelError(f"method gradient: {self._name} {why}", _HINT)


@contextmanager
def keeping_graph() -> Iterator[None]:
    """Let torch keep what gradients need, whatever the caller has switched off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def positive_means(weights: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]) -> list[Matrix]:
    """mean over heads of (∂y/∂A ⊙ A)⁺ of each layer, from `[1, head, query, key]` to `[query, key]`."""
    products = (A.detach()[0].float() * gradient[0].float() for A, gradient in zip(weights, gradients, strict=True))
    return [np.asarray(one.clamp(min=0).mean(0).cpu().numpy(), np.float32) for one in products]

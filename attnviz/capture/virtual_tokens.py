"""Virtual tokens: learned vectors that an adapter of the package peft puts before a text.

Prompt tuning (Lester et al. 2021) and P-tuning (Liu et al. 2021) put them before the embeddings, where they are
queries and keys like words. Prefix tuning (Li & Liang 2021) gives keys and values to each layer, without queries.
"""

from dataclasses import dataclass
from typing import Any

from attnviz.capture.wrappers import has_class
from attnviz.kinds import Kind

_WITHOUT_QUERIES = ("PREFIX_TUNING", "CARTRIDGE")


@dataclass(frozen=True)
class VirtualPrompt:
    """The number of virtual `tokens` of an adapter, and its `kind` in peft, for example `PROMPT_TUNING`."""

    kind: str
    tokens: int

    @property
    def are_keys(self) -> bool:
        """Whether they are only keys and values, without queries."""
        return self.kind in _WITHOUT_QUERIES


def find_virtual_prompt(model: Any) -> VirtualPrompt | None:
    """The virtual tokens that `model` reads before a text; None if there are none, or if the adapter is disabled."""
    if not has_class(model, "peft", "PeftModel") or model._adapters_disabled:
        return None
    config = model.active_peft_config
    return VirtualPrompt(str(config.peft_type.value), config.num_virtual_tokens) if config.is_prompt_learning else None


def count_virtual(model: Any, kind: Kind, has_encoder: bool) -> tuple[int, int]:
    """The numbers of queries and of keys that are virtual tokens, in attention of this kind.

    In an encoder-decoder, a prompt stands before the source, and a prefix before the text that the decoder reads.
    """
    prompt = find_virtual_prompt(model)
    if prompt is None:
        return 0, 0
    queries = 0 if prompt.are_keys else prompt.tokens
    if not has_encoder:
        return queries, prompt.tokens
    kinds = ("masked-self",) if prompt.are_keys else ("self", "cross")
    if kind not in kinds:
        return 0, 0
    return queries if kind == "self" else 0, prompt.tokens

"""Virtual tokens: vectors that an adapter of the package peft has learned, and puts before those of a text.

Prompt tuning (Lester et al. 2021) and P-tuning (Liu et al. 2021) put them before the embeddings, where they are
keys and queries as words are; prefix tuning (Li & Liang 2021) gives each layer keys and values, which no query goes
with.
"""

from dataclasses import dataclass
from typing import Any

from attnviz.capture.wrappers import is_of
from attnviz.kinds import Kind

_OF_KEYS = ("PREFIX_TUNING", "CARTRIDGE")


@dataclass(frozen=True)
class VirtualPrompt:
    """So many virtual `tokens`, of an adapter of that `kind`, as peft calls it: `PROMPT_TUNING`."""

    kind: str
    tokens: int

    @property
    def are_keys(self) -> bool:
        """Whether they are keys and values alone, without queries."""
        return self.kind in _OF_KEYS


def find_virtual_prompt(model: Any) -> VirtualPrompt | None:
    """The virtual tokens that `model` reads before a text; None where there are none, or its adapter is disabled."""
    if not is_of(model, "peft", "PeftModel") or model._adapters_disabled:
        return None
    config = model.active_peft_config
    return VirtualPrompt(str(config.peft_type.value), config.num_virtual_tokens) if config.is_prompt_learning else None


def count_virtual(model: Any, kind: Kind, has_encoder: bool) -> tuple[int, int]:
    """How many queries and how many keys of that kind of attention are virtual tokens.

    An encoder-decoder has a prompt before its source, and a prefix before what its decoder reads.
    """
    prompt = find_virtual_prompt(model)
    if prompt is None:
        return 0, 0
    queries = 0 if prompt.are_keys else prompt.tokens
    if not has_encoder:
        return queries, prompt.tokens
    having = ("masked-self",) if prompt.are_keys else ("self", "cross")
    if kind not in having:
        return 0, 0
    return queries if kind == "self" else 0, prompt.tokens

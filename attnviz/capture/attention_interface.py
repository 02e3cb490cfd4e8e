"""The first path: an attention function of ours, which transformers calls in place of sdpa.

It is handed query, key, value and mask by any architecture that uses the attention interface, gives the model what
sdpa would have given it, and records the weights that were asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from attnviz.capture.blockwise import Block, attention_blocks
from attnviz.capture.buffers import CellBuffer, WordBuffer
from attnviz.capture.call_sites import CallSites, count_queries_and_keys, is_causal_mask, is_encoder_decoder
from attnviz.capture.record import Record
from attnviz.kinds import KINDS

NAME = "attnviz"
_current: ContextVar["_Pass"] = ContextVar("current")
_KNOWN = {"position_bias", "position_ids", "cache_position"}  # tensors that are used here, or change no weight


@dataclass(frozen=True)
class _Pass:
    """What is known of the pass in progress; `of_tokens` how many queries and keys are tokens."""

    records: Sequence[Record]
    call_sites: CallSites
    of_tokens: set[tuple[int, int]]
    knows_sdpa: bool

    def begin(
        self, module: torch.nn.Module, hides_later: bool | None, query: torch.Tensor, key: torch.Tensor
    ) -> tuple[tuple[int, ...], list[CellBuffer | WordBuffer]]:
        """The heads of this call that are wanted, and room for their weights in each text's record."""
        if self.call_sites.repeats(module, query):
            return (), []
        (heads, n), (groups, m) = query.shape[1:3], key.shape[1:3]
        kind, layer = self.call_sites.locate(module, hides_later)
        wanted = {record.register(kind, layer, heads) for record in self.records}.pop()  # the same for each text
        if not wanted:
            return (), []
        for record in self.records:
            record.groups.setdefault(kind, {})[layer] = tuple(head * groups // heads for head in wanted)
        return wanted, [record.open_buffer(kind, layer, wanted, n, m) for record in self.records]


class _UnservedError(Exception):
    """A model's attention is more than the interface can tell of."""


def record_by_interface(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], records: Sequence[Record]
) -> bool:
    """Run `model` once on `inputs`, and fill the record of each text; whether the interface serves all its attention.

    Leaves the model's attention implementation changed: give it a working copy.
    """
    model.set_attn_implementation(NAME)
    call_sites, of_tokens = CallSites(model), {count_queries_and_keys(model, inputs, kind) for kind in KINDS}
    token = _current.set(_Pass(records, call_sites, of_tokens, model._supports_sdpa))
    try:
        model(**inputs)
    except _UnservedError:
        return False
    finally:
        _current.reset(token)
    for record in records:
        record.without |= call_sites.without
    found = set(records[0].available)
    return found == set(KINDS) if is_encoder_decoder(model) else bool(found)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    is_causal: bool | None = None,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    position_bias: torch.Tensor | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it; `query` `[batch, head, query, d]`, the result `[batch, query, head, d]`.

    Where the weights of all heads and rows are wanted they give the result too, at no more cost than sdpa; where they
    are not, sdpa gives it. Raises _UnservedError for attention to what is no token, or by what is not known here.
    """
    now = _current.get()
    others |= {"dropout": 0.0, "scaling": scaling, "position_bias": position_bias}
    by_sdpa = partial(sdpa_attention_forward, module, query, key, value, attention_mask, **others)
    if now.call_sites.passes_over(module):
        return by_sdpa(is_causal=is_causal)[0], None
    n, m = query.shape[2], key.shape[2]
    unknown = {name for name, value in others.items() if isinstance(value, torch.Tensor)} - _KNOWN
    if unknown or (n, m) not in now.of_tokens:
        raise _UnservedError
    without_mask = attention_mask is None and n > 1 and now.knows_sdpa
    causal = bool(without_mask and (getattr(module, "is_causal", True) if is_causal is None else is_causal))  # as sdpa
    hides_later = causal or is_causal_mask(attention_mask, n)
    wanted, kept = now.begin(module, hides_later, query, key)
    weights = partial(
        attention_blocks,
        query,
        key,
        scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
        causal=bool(hides_later) and n == m,
        mask=attention_mask,
        bias=position_bias,
        softcap=softcap,
        sinks=s_aux,
    )
    all_wanted = len(wanted) == query.shape[1] and {n} == {len(each.queries) for each in kept}
    if all_wanted or softcap is not None or s_aux is not None:  # sdpa has neither soft caps nor sinks
        return _mixed(weights(range(query.shape[1]), range(n)), query, value, kept, wanted), None
    queries = sorted({query for each in kept for query in each.queries})
    for block in weights(wanted, queries) if queries else ():
        _put(block, kept)
    return by_sdpa(is_causal=causal)[0], None


def _mixed(
    blocks: Iterator[Block],
    query: torch.Tensor,
    value: torch.Tensor,
    kept: Sequence[CellBuffer | WordBuffer],
    wanted: Sequence[int],
) -> torch.Tensor:
    """`Z = A V`, `[batch, query, head, d]`, of all heads, block by block; what of A is `wanted` is kept."""
    Z = query.new_empty(*query.shape[:3], value.shape[-1])
    V = value.flatten(0, 1)  # [batch · group, key, d]
    some = slice(None) if len(wanted) == query.shape[1] else list(wanted)
    for block in blocks:
        A = block.weights
        mixed = A.to(V.dtype).reshape(V.shape[0], -1, A.shape[-1]) @ V[:, : A.shape[-1]]
        Z[:, :, block.queries[0] : block.queries[-1] + 1] = mixed.view(*A.shape[:3], -1)
        _put(Block(block.queries, A[:, some], None if block.sink is None else block.sink[:, some]), kept)
    return Z.transpose(1, 2).contiguous()


def _put(block: Block, kept: Sequence[CellBuffer | WordBuffer]) -> None:
    """Give each text its rows."""
    for text, each in enumerate(kept):
        each.put(block.queries, block.weights[text], None if block.sink is None else block.sink[text])


def _mask(*args: Any, **kwargs: Any) -> torch.Tensor | None:
    """sdpa's mask, which it leaves out where the module says that it is causal: all do that sdpa is made for."""
    if not _current.get().knows_sdpa:
        kwargs |= {"allow_is_causal_skip": False}
    return sdpa_mask(*args, **kwargs)  # type: ignore[no-any-return]


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, _mask)

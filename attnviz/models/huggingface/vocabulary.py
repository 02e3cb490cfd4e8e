"""Whether a tokenizer goes with a model: ids that it has embeddings for, and the start token that it expects."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attnviz.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_PADDED, _PADDED_SHARE = 1024, 0.05  # so many embeddings may be there for no token, or this share of them


def size_note(model: "PreTrainedModel", tokens: int, name: str) -> tuple[str, ...]:
    """A note where a given tokenizer has so many `tokens` that it can hardly be that of `model`, called `name`.

    Embeddings are often padded, and a token or two are added to a tokenizer and never read.
    """
    rows = _embeddings(model)
    if rows is None or abs(rows - tokens) <= max(_PADDED, rows * _PADDED_SHARE):
        return ()
    sizes = f"the tokenizer has {tokens:,} tokens, and {name} {rows:,} embeddings"
    return (f"{sizes}: if it is not the model's own, the attention means nothing",)


def start_note(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, ...]:
    """A note where the files of a `tokenizer` leave open whether a text begins with its start token: it does not then.

    So it is in a folder of the Llama family that has tokenizer.model only, whose models were trained with one.
    """
    said, start = tokenizer.init_kwargs, tokenizer.bos_token
    if start is None or "add_bos_token" in said or os.path.basename(said.get("vocab_file") or "") != "tokenizer.model":
        return ()
    if getattr(tokenizer, "add_bos_token", True):
        return ()
    return (
        f"the text is read without {start}: the tokenizer's files do not say add_bos_token, and it may belong there",
    )


def _embeddings(model: "PreTrainedModel", in_decoder: bool = False) -> int | None:
    """How many ids `model`, or its decoder, has an embedding for; None where it does not say."""
    import torch

    with suppress(NotImplementedError, AttributeError):  # CANINE hashes its ids, and FSMT's decoder does not say
        table = (model.get_decoder() if in_decoder else model).get_input_embeddings()
        return table.num_embeddings if isinstance(table, torch.nn.Embedding) else None
    return None


def require_embeddings(model: "PreTrainedModel", ids: Sequence[int], name: str, *, in_decoder: bool = False) -> None:
    """Raise InputError for an id beyond the embeddings of `model`, which is called `name`, or of its decoder."""
    rows = _embeddings(model, in_decoder)
    if rows is not None and max(ids) >= rows:
        raise InputError(
            f"the tokenizer gives the id {max(ids)}, and {name} has {rows} embeddings, from id 0 on",
            "Is this the model's own tokenizer?",
        )

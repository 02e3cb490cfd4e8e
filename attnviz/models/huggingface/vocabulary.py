"""Checks that a tokenizer fits a model: embeddings for its ids, and the start token."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attnviz.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_PADDED, _PADDED_SHARE = 1024, 0.05  # the accepted number, or share, of embeddings without a token


def size_note(model: "PreTrainedModel", tokens: int, name: str) -> tuple[str, ...]:
    """A note if the number of `tokens` of a given tokenizer hardly fits the embeddings of `model`.

    Embeddings are often padded, and a tokenizer can have one or two added tokens that are never read. `name` is the
    model's name in the note.
    """
    rows = _embeddings(model)
    if rows is None or abs(rows - tokens) <= max(_PADDED, rows * _PADDED_SHARE):
        return ()
    sizes = f"the tokenizer has {tokens:,} tokens, and {name} {rows:,} embeddings"
    return (f"{sizes}: if it is not the model's own, the attention means nothing",)


def start_note(tokenizer: "PreTrainedTokenizerBase") -> tuple[str, ...]:
    """A note if the files of a `tokenizer` do not say whether a text begins with its start token; it then does not.

    This happens in a Llama folder with only tokenizer.model, although these models were trained with a start token.
    """
    given_settings, start = tokenizer.init_kwargs, tokenizer.bos_token
    if (
        start is None
        or "add_bos_token" in given_settings
        or os.path.basename(given_settings.get("vocab_file") or "") != "tokenizer.model"
    ):
        return ()
    if getattr(tokenizer, "add_bos_token", True):
        return ()
    return (
        f"the text is read without {start}: the tokenizer's files do not say add_bos_token, and it may belong there",
    )


def _embeddings(model: "PreTrainedModel", in_decoder: bool = False) -> int | None:
    """The number of embeddings of `model` or of its decoder; None if it does not say."""
    import torch

    with suppress(NotImplementedError, AttributeError):  # CANINE hashes its ids, and FSMT's decoder does not say
        table = (model.get_decoder() if in_decoder else model).get_input_embeddings()
        return table.num_embeddings if isinstance(table, torch.nn.Embedding) else None
    return None


def require_embeddings(model: "PreTrainedModel", ids: Sequence[int], name: str, *, in_decoder: bool = False) -> None:
    """Raise InputError for an id beyond the embeddings of `model` or its decoder; `name` is for the message."""
    rows = _embeddings(model, in_decoder)
    if rows is not None and max(ids) >= rows:
        raise InputError(
            f"the tokenizer gives the id {max(ids)}, and {name} has {rows} embeddings, from id 0 on",
            "Is this the model's own tokenizer?",
        )

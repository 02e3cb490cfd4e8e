"""What lies outside a model's vocabulary: words that it does not know, and ids that it has no embedding for."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attnviz.errors import InputError
from attnviz.labels import visible

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAMED = 12  # unknown words that a note names, before it counts the others


def unknown_note(unknown: Sequence[str], of: str, whose: str, hint: str = "") -> tuple[str, ...]:
    """A note that names each of the `unknown` words, and says how many they are `of`, such as "9 tokens".

    No note where there is none: one unknown word is worth saying, for its row and column mean little.
    """
    if not unknown:
        return ()
    words = list(dict.fromkeys(map(visible, unknown)))
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return (f"outside {whose} vocabulary: {', '.join(words[:_NAMED])}{more} ({len(unknown)} of {of}).{hint}",)


def require_embeddings(model: "PreTrainedModel", ids: Sequence[int], name: str, *, in_decoder: bool = False) -> None:
    """Raise InputError for an id beyond the embeddings of `model`, which is called `name`, or of its decoder."""
    import torch

    table = None
    with suppress(NotImplementedError, AttributeError):  # CANINE hashes its ids, and FSMT's decoder does not say
        table = (model.get_decoder() if in_decoder else model).get_input_embeddings()
    if isinstance(table, torch.nn.Embedding) and max(ids) >= table.num_embeddings:
        raise InputError(
            f"the tokenizer gives the id {max(ids)}, and {name} has {table.num_embeddings} embeddings, from id 0 on",
            "Is this the model's own tokenizer?",
        )

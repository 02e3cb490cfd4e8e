"""The text that ids spell, and the part of it that each id spells."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby, takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Offsets = list[tuple[int, int]]
"""The ranges `[start, end)` of characters of tokens in a text. An empty range covers no characters."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BYTE = re.compile("<0x[0-9A-F]{2}>")


def decode(tokenizer: "PreTrainedTokenizerBase", ids: Sequence[int]) -> str:
    """The text of some ids. Byte tokens such as `<0xEB>`, which tokenizers in Python leave as names, become bytes."""
    if not ids:
        return ""
    names = tokenizer.convert_ids_to_tokens(list(ids))
    if tokenizer.is_fast or not any(map(_BYTE.fullmatch, names)):
        return str(tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))
    pieces: list[str] = []
    for are_bytes, group in groupby(names, key=lambda name: bool(_BYTE.fullmatch(name))):
        run = list(group)
        pieces += [bytes(int(name[3:5], 16) for name in run).decode(errors="replace")] if are_bytes else run
    return str(tokenizer.convert_tokens_to_string(pieces))


def name(tokenizer: "PreTrainedTokenizerBase", id_: int) -> str:
    """The name of a token, `[CLS]`, or its role if the name cannot be read, as in CANINE.

    If the tokenizer does not have the token, its id: a model can write more ids than its tokenizer knows.
    """
    if (own := own_name(tokenizer, id_)) is None:
        return f"[id {id_}]"
    roles = {str(token): role for role, token in tokenizer.special_tokens_map.items()}
    return own if own.isprintable() or own not in roles else f"[{roles[own].removesuffix('_token').upper()}]"


def own_name(tokenizer: "PreTrainedTokenizerBase", id_: int) -> str | None:
    """The tokenizer's own name of the token; None if it has no token with this id."""
    try:
        own = tokenizer.convert_ids_to_tokens(id_)
    except IndexError:  # of SentencePiece
        return None
    return None if own is None else str(own)


def is_space(tokenizer: "PreTrainedTokenizerBase", id_: int) -> bool:
    """Whether a token is only white space."""
    return decode(tokenizer, [id_]).isspace() or not tokenizer.convert_ids_to_tokens(id_).strip("▁ ")


def offsets_by_decoding(
    ids: Sequence[int], special: Sequence[bool], decode: Callable[[Sequence[int]], str]
) -> tuple[str, Offsets]:
    """The text that `ids` spell, and the offset of each id in it.

    `decode` turns some ids into text. Special tokens cover no characters. An incomplete character, which decodes to
    U+FFFD or to nothing, belongs to each of its tokens.
    """
    text, offsets = "", []
    settled: list[int] = []  # the last ids that ended with a complete character
    pending: list[int] = []  # the ids since then
    grown = ""  # what `pending` spells
    for id_, is_special in zip(ids, special, strict=True):
        if is_special:
            offsets.append((0, 0))
            continue
        pending.append(id_)
        before, grown = grown, _spelled_after(settled, pending, decode)
        whole = grown.rstrip(_REPLACEMENT)
        is_whole = grown == whole != ""
        # A U+FFFD that stays does not belong to the next character.
        start = len(before) if is_whole and grown.startswith(before) else len(before.rstrip(_REPLACEMENT))
        offsets.append((len(text) + start, len(text) + len(whole) + (not is_whole)))
        if is_whole or len(pending) > 4:  # no character has more than four bytes
            text, settled, pending, grown = text + grown, pending, [], ""
    text += grown
    return text, [(min(start, len(text)), min(end, len(text))) for start, end in offsets]


def _spelled_after(settled: list[int], pending: list[int], decode: Callable[[Sequence[int]], str]) -> str:
    """The text that `pending` adds after `settled`: decoded alone, some tokenizers would drop its first space."""
    before, together = decode(settled), decode([*settled, *pending])
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, together, strict=False)))
    return together[same:]

"""The offsets of tokens in a text, for tokenizers that do not return them: those written in Python."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, takewhile

from attnviz.labels import is_mark
from attnviz.models.huggingface.spelling import Offsets, offsets_by_decoding

_UNKNOWN = "\udfff"  # in place of an unknown token; no text has a lone surrogate
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")


def offsets_by_words(
    text: str,
    ids: Sequence[int],
    unknown: int | None,
    encode: Callable[[str], Sequence[int]],
    decode: Callable[[Sequence[int]], str],
) -> Offsets:
    """The offset `[start, end)` in `text` of each of `ids`, which `encode` made from it without special tokens.

    The ids of a word are searched inside that word if `encode` gives the same ids for the word alone, otherwise in the
    whole text. `unknown` is the id of the unknown token, which covers what its neighbours leave.
    """
    words = [match.span() for match in re.finditer(r"\S+", text)]
    pieces = [list(encode(text[start:end])) for start, end in words]
    if [id_ for piece in pieces for id_ in piece] != list(ids):
        words, pieces = [(0, len(text))], [list(ids)]
    offsets = []
    for (start, end), piece in zip(words, pieces, strict=True):
        spelled, where = offsets_by_decoding(piece, [False] * len(piece), decode)
        gaps = [span for span, id_ in zip(where, piece, strict=True) if id_ == unknown]
        offsets += [(start + a, start + b) for a, b in aligned(text[start:end], spelled, where, gaps)]
    return offsets


def aligned(text: str, spelled: str, offsets: Sequence[tuple[int, int]], gaps: Sequence[tuple[int, int]]) -> Offsets:
    """`offsets` in `spelled`, the text that the tokens spell, converted to offsets in `text`.

    The two texts can differ in case, accents, width and spaces. `gaps` are the spans of unknown tokens in `spelled`,
    which can stand for anything. A token whose characters are not in `text` covers no characters.
    """
    hidden = list(spelled)
    for start, end in gaps:
        start += len(spelled[start:end]) - len(spelled[start:end].lstrip())
        hidden[start:end] = [_UNKNOWN] + [""] * (end - start - 1) if start < end else []
    found: dict[int, tuple[int, int]] = {}  # a character of `spelled` → its span in `text`
    for position, start, end in _pairs(_key(hidden), _key(text), text):
        before = found.get(position, (start, end))
        found[position] = (min(start, before[0]), max(end, before[1]))
    carried = []
    for start, end in offsets:
        spans = [found[position] for position in range(start, end) if position in found]
        carried.append((min(a for a, _ in spans), max(b for _, b in spans)) if spans else (0, 0))
    return carried


def _key(characters: Sequence[str]) -> list[tuple[str, int]]:
    """The characters to compare, without case and presentation, each with the index of its original character."""
    plain = (unicodedata.normalize("NFKD", " " if c.isspace() else c).casefold() for c in characters)
    return [(part, position) for position, parts in enumerate(plain) for part in parts]


def _pairs(spelled: list[tuple[str, int]], text: list[tuple[str, int]], written: str) -> Iterator[tuple[int, int, int]]:
    """The index of each matching character of `spelled`, and its span in the text `written`."""
    if not any(c == " " for c, _ in text):
        spelled = [(c, position) for c, position in spelled if c != " "]
    same = sum(1 for _ in takewhile(lambda pair: pair[0][0] == pair[1][0], zip(spelled, text, strict=False)))
    # The common start is not compared, because comparing can take time in the square of the length.
    matcher = SequenceMatcher(None, [c for c, _ in spelled[same:]], [c for c, _ in text[same:]], autojunk=False)
    changes = [
        (tag, i + same, i_end + same, j + same, j_end + same) for tag, i, i_end, j, j_end in matcher.get_opcodes()
    ]
    used = set()
    equal = [(i, i_end, j, j_end) for tag, i, i_end, j, j_end in changes if tag == "equal"]
    for i, i_end, j, j_end in [(0, same, 0, same), *equal]:
        for (_, a), (_, b) in zip(spelled[i:i_end], text[j:j_end], strict=True):
            used.add(b)
            yield a, b, b + 1
    for tag, i, i_end, j, j_end in changes:
        if tag == "replace":
            left = sorted({position for c, position in text[j:j_end] if not (position in used and is_mark(c))})
            yield from _shared_out([position for c, position in spelled[i:i_end] if c != " "], left, written)


def _shared_out(ours: list[int], theirs: list[int], written: str) -> Iterator[tuple[int, int, int]]:
    """Give each of `ours` one of the pieces at `theirs` in the text, or all of `theirs` if the numbers do not match.

    Pieces are characters with their marks, the results of NFKC, or words, without white space and control characters.
    """
    shown = [position for position in theirs if unicodedata.category(written[position])[0] not in "CZ"]
    characters, words = (_pieces(shown, written, begins) for begins in (_begins_character, _begins_word))
    normal = [(position, position + 1) for position in shown for _ in unicodedata.normalize("NFKC", written[position])]
    even = next((pieces for pieces in (characters, normal, words) if len(pieces) == len(ours)), None)
    if even is None:
        even = [(theirs[0], theirs[-1] + 1)] * len(ours) if theirs else []
    return ((position, start, end) for position, (start, end) in zip(ours, even, strict=False))


def _pieces(shown: list[int], text: str, begins: Callable[[str, int], bool]) -> Offsets:
    """The spans of the positions `shown` in `text`, divided at gaps and where a piece `begins`."""
    starts = [n for n, position in enumerate(shown) if n == 0 or shown[n - 1] < position - 1 or begins(text, position)]
    return [(shown[a], shown[b - 1] + 1) for a, b in pairwise([*starts, len(shown)])]


def _begins_character(text: str, position: int) -> bool:
    return not is_mark(text[position])


def _begins_word(text: str, position: int) -> bool:
    """Whether BERT splits a text at this position before the vocabulary: at punctuation and Chinese characters."""
    return any(_IDEOGRAPH.match(char) or _is_punctuation(char) for char in text[position - 1 : position + 1])


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] == "P" or (char.isascii() and not char.isalnum())

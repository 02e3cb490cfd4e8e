"""Where the tokens of a text stand in it, for a tokenizer that keeps no offsets: those written in Python."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, takewhile

from attnviz.labels import is_mark
from attnviz.models.huggingface.spelling import Offsets, offsets_by_decoding

_UNKNOWN = "\udfff"  # stands for whatever an unknown token was; no text has a lone surrogate
_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")


def offsets_by_words(
    text: str,
    ids: Sequence[int],
    unknown: int | None,
    encode: Callable[[str], Sequence[int]],
    decode: Callable[[Sequence[int]], str],
) -> Offsets:
    """The offset `[start, end)` in `text` of each of `ids`, which `encode` made of it, special tokens left out.

    The ids of a word are sought within that word, where `encode` makes of each word alone what it made of it in the
    text; otherwise in the whole text. `unknown` is the id of the unknown token: it is what its neighbours leave.
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
    """`offsets` in `spelled`, what a tokenizer made of `text`, carried over to `text`.

    The two may differ in case, accents, width and spaces. `gaps` are the spans in `spelled` of unknown tokens, which
    were anything. What is not in `text` covers nothing there.
    """
    hidden = list(spelled)
    for start, end in gaps:
        start += len(spelled[start:end]) - len(spelled[start:end].lstrip())
        hidden[start:end] = [_UNKNOWN] + [""] * (end - start - 1) if start < end else []
    found: dict[int, tuple[int, int]] = {}  # a character of `spelled` → what it is in `text`
    for position, start, end in _pairs(_key(hidden), _key(text), text):
        before = found.get(position, (start, end))
        found[position] = (min(start, before[0]), max(end, before[1]))
    carried = []
    for start, end in offsets:
        spans = [found[position] for position in range(start, end) if position in found]
        carried.append((min(a for a, _ in spans), max(b for _, b in spans)) if spans else (0, 0))
    return carried


def _key(characters: Sequence[str]) -> list[tuple[str, int]]:
    """What is compared: characters without case and presentation, each with the number of the one that it is from."""
    plain = (unicodedata.normalize("NFKD", " " if c.isspace() else c).casefold() for c in characters)
    return [(part, position) for position, parts in enumerate(plain) for part in parts]


def _pairs(spelled: list[tuple[str, int]], text: list[tuple[str, int]], written: str) -> Iterator[tuple[int, int, int]]:
    """Characters of `spelled` and the spans of `text` that they are, `written` being that text."""
    if not any(c == " " for c, _ in text):
        spelled = [(c, position) for c, position in spelled if c != " "]
    same = sum(1 for _ in takewhile(lambda pair: pair[0][0] == pair[1][0], zip(spelled, text, strict=False)))
    # What both begin with is left out of the comparison, which may take the square of the length.
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
    """Give each of `ours` one of the pieces at `theirs` in the text, or where none of them comes out even, all.

    Pieces are characters with their marks, or what NFKC makes of each, or words; not white space or control characters.
    """
    shown = [position for position in theirs if unicodedata.category(written[position])[0] not in "CZ"]
    characters, words = (_pieces(shown, written, begins) for begins in (_begins_character, _begins_word))
    normal = [(position, position + 1) for position in shown for _ in unicodedata.normalize("NFKC", written[position])]
    even = next((pieces for pieces in (characters, normal, words) if len(pieces) == len(ours)), None)
    if even is None:
        even = [(theirs[0], theirs[-1] + 1)] * len(ours) if theirs else []
    return ((position, start, end) for position, (start, end) in zip(ours, even, strict=False))


def _pieces(shown: list[int], text: str, begins: Callable[[str, int], bool]) -> Offsets:
    """The spans of `shown`, positions in `text`, divided where there is a gap and where a piece `begins`."""
    starts = [n for n, position in enumerate(shown) if n == 0 or shown[n - 1] < position - 1 or begins(text, position)]
    return [(shown[a], shown[b - 1] + 1) for a, b in pairwise([*starts, len(shown)])]


def _begins_character(text: str, position: int) -> bool:
    return not is_mark(text[position])


def _begins_word(text: str, position: int) -> bool:
    """As BERT divides a text before it looks into its vocabulary: at punctuation, and around each Chinese character."""
    return any(_IDEOGRAPH.match(char) or _is_punctuation(char) for char in text[position - 1 : position + 1])


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] == "P" or (char.isascii() and not char.isalnum())

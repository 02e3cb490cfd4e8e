"""A token as a reader sees it: the text that was written, never the tokenizer's spelling of it.

No `Ġ`, `▁`, `##` or replacement character comes out of here, and nothing that moves a cursor or hides.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from attnviz.attention import Token

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SIGNS = {"\n": "⏎", "\t": "⇥", "\x7f": "␡"} | {chr(c): chr(0x2400 + c) for c in range(32) if c not in (9, 10)}
_NAMES = {
    "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM", "\u200f": "RLM", "\u2060": "WJ",
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u00ad": "SHY", "\ufeff": "BOM",
}  # fmt: skip
_JOINERS = "\u200c\u200d"
_SELECTORS = "".join(map(chr, range(0xFE00, 0xFE10)))
_BLANK_LETTERS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and marks by category, yet drawn as nothing
)
_DRAWN_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def visible(text: str) -> str:
    """`text` with everything unseen made seen: `⏎ ⇥ ␛` for control characters, `⟨RLO⟩ ⟨U+2028⟩` for the rest.

    Text of nothing but spaces becomes that many `␣`. Letters, emoji and combining marks stay as they are; so does a
    joiner between two characters that it joins.
    """
    if text and not text.strip(" \u00a0\u3000"):
        return "␣" * len(text)
    return "".join(_sign(text, at) if _is_unseen(text, at) else text[at] for at in range(len(text)))


def _is_unseen(text: str, at: int) -> bool:
    char = text[at]
    if char.isascii():
        return not char.isprintable()
    if char in _JOINERS:
        return not (0 < at < len(text) - 1 and _joins(text[at - 1]) and _joins(text[at + 1]))
    if char in _SELECTORS:
        return at == 0
    if char in _BLANK_LETTERS or char == _REPLACEMENT:
        return True
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char not in _DRAWN_FORMATS


def _joins(char: str) -> bool:
    """Whether joiners mean something beside `char`: emoji, and scripts such as Devanagari and Arabic."""
    return unicodedata.category(char) in ("So", "Sk", "Lo", "Mn", "Mc")


def _sign(text: str, at: int) -> str:
    char = text[at]
    return _SIGNS.get(char) or f"⟨{_NAMES.get(char, f'U+{ord(char):04X}')}⟩"


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each word of `text` stands, in characters: what white space divides (in Korean, eojeol).

    Punctuation at either end of it is a word of its own, so `apple.` is two.
    """
    spans = []
    for match in re.finditer(r"\S+", text):
        start, end = match.span()
        left, right = start, end
        while left < end and _is_punctuation(text[left]):
            left += 1
        while right > left and _is_punctuation(text[right - 1]):
            right -= 1
        spans += [(a, b) for a, b in ((start, left), (left, right), (right, end)) if a < b]
    return spans


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char).startswith("P")


def tokens_from_offsets(
    text: str,
    ids: Sequence[int],
    offsets: Sequence[tuple[int, int]],
    special: Sequence[bool],
    names: Sequence[str],
) -> tuple[Token, ...]:
    """The tokens of `text` by their offsets `[start, end)` in it, one for each of `ids`.

    A token is shown as what it covers, without the spaces around it. Where several tokens share one character, each
    shows it with the number of its part: `녀₁ 녀₂`. A token that covers nothing is shown by its own name, from `names`:
    `[CLS]`, a language tag; without one it is a space that the tokenizer put in.
    """
    spans = [None if start >= end else (start, end) for start, end in offsets]
    shares = Counter(at for span in spans if span for at in range(*span))
    words = word_spans(text)
    word_at = {at: number for number, (start, end) in enumerate(words) for at in range(start, end)}
    parts: Counter[int] = Counter()
    tokens = []
    for id_, span, is_special, name in zip(ids, spans, special, names, strict=True):
        if span is None:
            tokens.append(Token(int(id_), visible(name or " "), special=bool(is_special)))
            continue
        start, end = _trim(text, *span)
        parts.update(range(*span))
        numbers = {at: parts[at] for at in range(start, end) if shares[at] > 1}
        word = next((word_at[at] for at in range(start, end) if at in word_at), None)
        tokens.append(Token(int(id_), _label(text, start, end, numbers), (start, end), word, bool(is_special)))
    return tuple(tokens)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the spaces at its ends, unless it is only spaces."""
    inner = text[start:end].strip(" ")
    if not inner:
        return start, end
    start = text.index(inner, start)
    return start, start + len(inner)


def _label(text: str, start: int, end: int, numbers: dict[int, int]) -> str:
    """The characters from `start` to `end`, those that are only a part of themselves with the part's number."""
    pieces, plain = [], start
    for at in sorted(numbers):
        pieces += [visible(text[plain:at]) if plain < at else "", visible(text[at])]
        pieces.append(str(numbers[at]).translate(_SUBSCRIPTS))
        plain = at + 1
    label = "".join(pieces) + visible(text[plain:end])
    stands_alone = unicodedata.category(text[start]).startswith("M") and label.startswith(text[start])
    return "◌" + label if stands_alone else label


def offsets_by_decoding(
    ids: Sequence[int], special: Sequence[bool], decode: Callable[[Sequence[int]], str]
) -> tuple[str, list[tuple[int, int]]]:
    """The text that `ids` spell and each one's offsets in it, for a tokenizer that keeps none.

    `decode` turns some ids into text. Special tokens cover nothing. A character that is not whole yet, which decodes
    to U+FFFD, belongs to each token that it takes.
    """
    text, offsets = "", []
    settled: list[int] = []  # the last ids that ended with a whole character
    pending: list[int] = []  # the ids since then
    reached = 0  # the whole characters of `pending`
    for id_, is_special in zip(ids, special, strict=True):
        if is_special:
            offsets.append((0, 0))
            continue
        pending.append(id_)
        # What came before goes along, for some tokenizers drop the space before the first word.
        grown = decode([*settled, *pending])[len(decode(settled)) :]
        whole = grown.rstrip(_REPLACEMENT)
        offsets.append((len(text) + reached, len(text) + len(whole) + (whole != grown)))
        reached = len(whole)
        if whole == grown or len(pending) > 4:  # no character has more than four bytes
            text, settled, pending, reached = text + grown, pending, [], 0
    if pending:
        text += decode([*settled, *pending])[len(decode(settled)) :]
    return text, [(min(start, len(text)), min(end, len(text))) for start, end in offsets]

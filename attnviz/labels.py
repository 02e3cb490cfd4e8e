"""The label of a token: the written text, never the tokenizer's spelling of it.

A label has no `Ġ`, `▁`, `##` or replacement character, and no invisible or control character.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

from attnviz.attention import Token

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SIGNS = {"\n": "⏎", "\t": "⇥", "\x7f": "␡"} | {chr(c): chr(0x2400 + c) for c in range(32) if c not in (9, 10)}
_NAMES = {
    **{chr(0xFE00 + n): f"VS{n + 1}" for n in range(16)},
    **{chr(0xE0100 + n): f"VS{n + 17}" for n in range(240)},
    **{chr(0xE0000 + n): f"TAG {chr(n)}" for n in range(0x20, 0x7F)},
    "\U000e007f": "TAG END",
    "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM", "\u200f": "RLM", "\u2060": "WJ",
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u00ad": "SHY", "\ufeff": "BOM",
}  # fmt: skip
_JOINERS = "\u200c\u200d"
_SELECTOR = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_FOLLOWS_A_LETTER = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb\uff9e\uff9f]")
_JUNGSEONG = "[\u1160-\u11ff\ud7b0-\ud7fb]+"  # vowels and final consonants
_SYLLABLE = re.compile(f"[\u1100-\u115f\ua960-\ua97c]+{_JUNGSEONG}|[가-힣]{_JUNGSEONG}")
_UNSPACED = re.compile(  # Thai, Lao, Tibetan; Myanmar; Khmer; Han, kana, bopomofo, Yi: no spaces between words
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3001-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua000-\ua4cf\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_BLANK_LETTERS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters and marks by category, but drawn as nothing
)
_DRAWN_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def visible(text: str) -> str:
    """`text` with a symbol for each invisible character: `⏎ ⇥ ␛` for controls, `⟨RLO⟩ ⟨U+2028⟩` for the rest.

    In a text of only white space each space is a `␣`. Letters, emoji and combining marks do not change, and neither
    does a joiner between two characters that it joins. A mark at the start of the text gets a dotted circle.
    """
    if text.isspace():
        return "".join("␣" if unicodedata.category(char) == "Zs" else _sign(char) for char in text)
    shown = "".join(_sign(char) if _is_invisible(text, index) else char for index, char in enumerate(text))
    return "◌" + shown if shown and is_mark(shown[0]) and shown[0] not in "ﾞﾟ" else shown


def _is_invisible(text: str, position: int) -> bool:
    char = text[position]
    if char.isascii():
        return not char.isprintable()
    if char in _JOINERS:
        return not (0 < position < len(text) - 1 and _joins(text[position - 1]) and _joins(text[position + 1]))
    if _SELECTOR.match(char):
        return position == 0
    if char in _BLANK_LETTERS or char == _REPLACEMENT:
        return True
    if _is_noncharacter(ord(char)):
        return True
    return unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and char not in _DRAWN_FORMATS


def _is_noncharacter(code: int) -> bool:
    """Whether `code` is a noncharacter of Unicode, such as U+FFFF, which is not allowed in XML."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def _joins(char: str) -> bool:
    """Whether a joiner beside `char` has a meaning: in emoji, and in scripts such as Devanagari and Arabic."""
    return unicodedata.category(char) in ("So", "Sk", "Lo", "Mn", "Mc")


def _sign(char: str) -> str:
    return _SIGNS.get(char) or f"⟨{_NAMES.get(char, f'U+{ord(char):04X}')}⟩"


def is_mark(char: str) -> bool:
    """Whether `char` belongs to the one before it: a combining mark, or a later letter of decomposed Hangul."""
    return unicodedata.category(char).startswith("M") or bool(_FOLLOWS_A_LETTER.match(char))


def word_spans(text: str) -> list[tuple[int, int]]:
    """The range `(start, end)` of characters of each word of `text`; white space divides words (in Korean, eojeol).

    Punctuation at either end of a word is a separate word, so `apple.` is two words.
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
    """The tokens of `text`, one for each of `ids`, from their `offsets` `[start, end)` in it.

    The label of a token is the text that it covers, without the spaces around it. If several tokens share characters,
    each shows them with the number of its part: `녀₁ 녀₂`; a Hangul syllable counts as one character, also when
    decomposed. A token that covers no characters is shown by its entry in `names`, for example `[CLS]` or a language
    tag; without a name it is a space that the tokenizer added.

    Special tokens belong to no word, and end a word. Other tokens belong to the words of `word_spans`. In Chinese,
    Japanese, Thai and other scripts without spaces between words, each token is a word, and so is each group of tokens
    that share a character.
    """
    spans = _spans(text, offsets)
    sharing: dict[int, list[int]] = {}
    for index, span in enumerate(spans):
        for position in range(*span) if span else ():
            sharing.setdefault(position, []).append(index)
    tokens = []
    words = _words(text, spans, special)
    for index, span in enumerate(spans):
        shown = _label(text, span, index, sharing) if span else visible(names[index] or " ")
        tokens.append(Token(int(ids[index]), shown, span, words[index], bool(special[index])))
    return tuple(tokens)


def _spans(text: str, offsets: Sequence[tuple[int, int]]) -> list[tuple[int, int] | None]:
    """The characters that each token covers: whole Hangul syllables, and no spaces at the ends of other text.

    A mark that no token covers, because the tokenizer dropped or composed it, is added to the token before it.
    """
    covered = {position for start, end in offsets for position in range(start, end)}
    syllables = {position: match.span() for match in _SYLLABLE.finditer(text) for position in range(*match.span())}
    spans: list[tuple[int, int] | None] = []
    for start, end in offsets:
        if start >= end:
            spans.append(None)
            continue
        if not text[start:end].isspace():
            while unicodedata.category(text[start]) == "Zs":
                start += 1
            while unicodedata.category(text[end - 1]) == "Zs":
                end -= 1
        start, end = syllables.get(start, (start, 0))[0], syllables.get(end - 1, (0, end))[1]
        while end < len(text) and end not in covered and is_mark(text[end]):
            end += 1
        spans.append((start, end))
    return spans


def _words(text: str, spans: Sequence[tuple[int, int] | None], special: Sequence[bool]) -> list[int | None]:
    """The number of each token's word, or None if it is in no word. A special token divides words like a space."""
    for start, end in (span for span, mark in zip(spans, special, strict=True) if span and mark):
        text = text[:start] + " " * (end - start) + text[end:]
    found = enumerate(word_spans(text))
    word_at = {position: number for number, (start, end) in found for position in range(start, end)}
    words: list[int | None] = []
    count, last, reached = -1, -1, 0
    for start, end in (span or (0, 0) for span in spans):
        first = next((position for position in range(start, end) if position in word_at), None)
        if first is None:
            words.append(None)
            continue
        if word_at[first] != last or (first >= reached and _starts_word(text, first)):
            count += 1
        words.append(count)
        last, reached = word_at[first], end
    return words


def _starts_word(text: str, position: int) -> bool:
    """Whether a token that starts inside a word, at `position`, starts a new word: in a script without spaces."""
    return bool(_UNSPACED.match(text[position]) or _UNSPACED.match(text[position - 1])) and not is_mark(text[position])


def _label(text: str, span: tuple[int, int], index: int, sharing: dict[int, list[int]]) -> str:
    """The label of a token; characters that it shares with other tokens have the number of its part."""
    pieces = []
    for tokens, run in groupby(range(*span), key=sharing.__getitem__):
        piece = visible("".join(text[position] for position in run))
        part = str(tokens.index(index) + 1).translate(_SUBSCRIPTS)
        pieces.append(piece + part if len(tokens) > 1 else piece)
    return "".join(pieces)

"""Text to tokens and back: one word (in Korean one eojeol) is one token; punctuation stands apart.

A word outside the vocabulary falls to the longest pieces that are in it, at the least its characters: `##` marks a
piece that continues a word. Case and the final stop make no difference.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

SPECIALS = ("<pad>", "<unk>", "<mask>", "<en>", "<ko>", "</s>")
PAD, UNKNOWN, MASK, ENGLISH, KOREAN, END = range(len(SPECIALS))
PUNCTUATION = ",.?!'\"()-:;"

# A word, with what joins its parts; or a sign, an emoji with all that modifies it.
_WORD = re.compile(r"(?P<word>[^\W_]+(?:['’-][^\W_]+)*)|(?:[^\w\s]|_)(?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[^\w\s])*")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")


@dataclass(frozen=True)
class Piece:
    """One token of a text: its id, where it stands in the text, and the number of its word."""

    id: int
    start: int
    end: int
    word: int


def language(text: str) -> int:
    """KOREAN where the text has Hangul, else ENGLISH."""
    return KOREAN if _HANGUL.search(text) else ENGLISH


def lower(word: str) -> str:
    """`word` in lower case, where that has as many characters: every character keeps its place ("İ" has none)."""
    return "".join(small if len(small := character.lower()) == 1 else character for character in word)


class Tokenizer:
    """A vocabulary, in the order of its ids, with the special tokens first."""

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self._ids = {token.lower(): number for number, token in enumerate(self.vocabulary)}
        self._longest = max(map(len, self.vocabulary))

    def encode(self, text: str) -> list[Piece]:
        """The tokens of `text`, which should be in Unicode's composed form (NFC); never fails."""
        words = list(_WORD.finditer(text))
        if len(words) > 1 and words[-1].group() == ".":
            words.pop()
        return [
            Piece(id, word.start() + start, word.start() + end, number)
            for number, word in enumerate(words)
            for id, start, end in (self.split(lower(word["word"])) if word["word"] else self._sign(word.group()))
        ]

    def _sign(self, sign: str) -> list[tuple[int, int, int]]:
        return [(self._ids.get(sign, UNKNOWN), 0, len(sign))]

    def split(self, word: str, whole: bool = True) -> list[tuple[int, int, int]]:
        """A lower-case word as (id, start, end): itself if it is known and `whole` allows, else its longest pieces."""
        if whole and word in self._ids:
            return [(self._ids[word], 0, len(word))]
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            longest = min(len(word), start + self._longest)
            ends = (end for end in range(longest, start, -1) if (start, end) != (0, len(word)))
            end = next((end for end in ends if prefix + word[start:end] in self._ids), start + 1)
            pieces.append((self._ids.get(prefix + word[start:end], UNKNOWN), start, end))
            start = end
        return pieces

    def id(self, token: str) -> int:
        """The id of a token of the vocabulary. Raises KeyError for another."""
        return self._ids[token.lower()]

    def spell(self, ids: Iterable[int]) -> tuple[str, list[tuple[int, int]]]:
        """The sentence that ids stand for, and where each stands in it.

        Pieces are joined, the first letter is capital, and a stop is put at the end.
        """
        text, spans = "", []
        for id in ids:
            token = self.vocabulary[id]
            continues = token.startswith("##")
            text += "" if continues or token in PUNCTUATION or not text else " "
            token = token[2:] if continues else token
            spans.append((len(text), len(text) + len(token)))
            text += token
        stop = "" if not text or text[-1] in ".?!" else "."
        return text[:1].upper() + text[1:] + stop, spans


def padded(rows: list[list[int]]) -> list[list[int]]:
    """`rows` of ids, all as long as the longest."""
    width = max(map(len, rows))
    return [[*row, *[PAD] * (width - len(row))] for row in rows]


def vocabulary(words: Iterable[str], stems: Iterable[str], endings: Iterable[str]) -> list[str]:
    """The special tokens, whole words, and pieces: stems and characters that begin a word or continue one."""
    words = sorted(set(words))
    characters = sorted({c.lower() for word in words for c in word} | set("abcdefghijklmnopqrstuvwxyz0123456789"))
    continued = [f"##{piece}" for piece in sorted({*characters, *endings})]
    everything = [*SPECIALS, *PUNCTUATION, *words, *stems, *characters, *continued]
    unique = {token.lower(): token for token in reversed(everything)}  # the first of those alike: `I` and not `i`
    return list(reversed(unique.values()))

"""Text to tokens and back: one word (in Korean one eojeol) is one token, made of a stem and an ending.

`ate` is eat + -ed, `먹었니` 먹다 + 었니: the forms of a word share its stem, and all verbs share their endings. A form
that two words have (들었다, of 듣다 and of 들다) is a stem of its own. A word outside the vocabulary is passed on as it
is written (`<name1>`, with the ending that Korean gives it); where there are too many, it falls to its characters: `##`
marks a piece that continues a word. Case, commas and stops make no difference.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any

import numpy as np

from attnviz.scratch import korean
from attnviz.scratch.lexicon import OPEN, open_name

SPECIALS = ("<pad>", "<unk>", "<mask>", "<en>", "<ko>", "</s>")
PAD, UNKNOWN, MASK, ENGLISH, KOREAN, END = range(len(SPECIALS))
LANGUAGES = {ENGLISH: "English", KOREAN: "Korean"}
PUNCTUATION = "?'\"()-:;"
UNREAD = ",.!"  # they make no difference
STANDS_FOR = {
    "'m": "am",
    "'re": "are",
    "'ll": "will",
    "'d": "would",
    "n't": "not",
    "wo": "will",
    "ca": "can",
    "nt": "not",
    "m": "am",
}
SHORT = {"im": 1, "dont": 2, "cant": 2, "didnt": 3, "doesnt": 4, "isnt": 2, "arent": 3, "wasnt": 3, "wont": 2}
SHORT |= {"werent": 4, "couldnt": 5, "cannot": 3}  # where a word is cut that is written without its apostrophe
IS_AFTER = [
    "he",
    "she",
    "it",
    "that",
    "what",
    "where",
    "who",
    "there",
    "how",
    "when",
    "why",
    "here",
]  # 's after these is "is"

# A word, with what joins its parts; or a sign, an emoji with all that modifies it.
_WORD = re.compile(
    r"(?P<word>[^\W_]+(?:['’-][^\W_]+)*)|['’]s\b|(?:[^\w\s]|_)(?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[^\w\s])*"
)
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_CUT = re.compile(r"(?P<stem>.+?)(?P<rest>n['’]t|['’](?:s|m|re|ll|d))$")


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
    """A vocabulary: words in the order of their ids, the special tokens first; their stems and endings.

    `parts` is `[words, 2]`, the stem and the ending of each word; `has` is `[stems, endings]`, true where a word is
    made of the two.
    """

    def __init__(self, stems: Sequence[str], endings: Sequence[str], words: Iterable[tuple[str, int, int]]) -> None:
        self.stems, self.endings = tuple(stems), tuple(endings)
        self.vocabulary, *parts = zip(*words, strict=True)
        self.parts = np.array(parts, np.int64).T
        place = self.parts[:, 0] * len(self.endings) + self.parts[:, 1]
        _, first = np.unique(place, return_index=True)  # of words with the same parts the first is written
        self._written = np.full((len(self.stems), len(self.endings)), -1, np.int64)
        self._written.flat[place[first]] = first
        self.has = self._written >= 0
        last = len(self.vocabulary) - 1
        self._ids = {text.lower(): last - place for place, text in enumerate(reversed(self.vocabulary))}

    def tables(self) -> dict[str, list[str] | dict[str, str]]:
        """The vocabulary as `from_tables` reads it: the words by their stem, each "word ending" with a line between.

        An ending is written as its number.
        """
        by_stem: dict[str, list[str]] = {stem: [] for stem in self.stems}
        for text, (stem, ending) in zip(self.vocabulary, self.parts, strict=True):
            by_stem[self.stems[stem]].append(f"{text} {ending}")
        return {
            "stems": list(self.stems),
            "endings": list(self.endings),
            "words": [" ".join(by_stem[s]) for s in self.stems],
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any], stems: int, endings: int) -> "Tokenizer":
        """The tokenizer that `tables` wrote. Raises ValueError where they are not of so many stems and endings."""
        for name, size in (("stems", stems), ("endings", endings), ("words", stems)):
            table = tables[name]
            if not isinstance(table, list) or len(table) != size or not all(isinstance(text, str) for text in table):
                raise ValueError(f"its {name} are no list of {size} texts")
        if tuple(tables["stems"][: len(SPECIALS)]) != SPECIALS or tables["endings"][0] != "":
            raise ValueError("its vocabulary does not begin with the special tokens")
        words: list[tuple[str, int, int]] = []
        for stem, line in enumerate(tables["words"]):
            cells = line.split(" ") if line else []
            numbers = [int(cell) if cell.isdecimal() else endings for cell in cells[1::2]]
            if len(cells) % 2 or max(numbers, default=0) >= endings:
                raise ValueError(f"its words are damaged: {line[:80]!r}")
            words += zip(cells[::2], repeat(stem), numbers)
        if [text for text, _, _ in words[: len(SPECIALS)]] != list(SPECIALS):
            raise ValueError("its words do not begin with the special tokens")
        return cls(tables["stems"], tables["endings"], words)

    def id(self, token: str) -> int:
        """The id of a token of the vocabulary. Raises KeyError for another."""
        return self._ids[token.lower()]

    def pairs(self, words: Iterable[str]) -> list[tuple[int, int]]:
        """The stem and the ending of words of the vocabulary. Raises KeyError for another."""
        return [(int(stem), int(ending)) for stem, ending in self.parts[[self._ids[word.lower()] for word in words]]]

    def ids(self, parts: np.ndarray) -> list[int]:
        """The words that pairs of a stem and an ending `[n, 2]` make."""
        return [int(self._written[stem, ending]) for stem, ending in parts]

    def encode(self, text: str) -> list[Piece]:
        """The tokens of `text`, which should be in Unicode's composed form (NFC); never fails."""
        return self.encode_named(text)[0]

    def encode_named(self, text: str, names: Sequence[str] = ()) -> tuple[list[Piece], list[str]]:
        """The tokens of `text`, and its words that are passed on, after the `names` that are known already."""
        words = [word for word in _WORD.finditer(text) if word.group() not in UNREAD] or list(_WORD.finditer(text))
        names, pieces = list(names), []
        before = ""
        for number, word in enumerate(words):
            for start, part, key in _cut(word.group()):
                key = "is" if key == "'s" and before in IS_AFTER else key
                offset = word.start() + start
                pieces += [
                    Piece(id, offset + a, offset + b, number) for id, a, b in self._encode_word(part, key, names)
                ]
                before = key
        return pieces, names

    def _encode_word(self, word: str, key: str, names: list[str]) -> list[tuple[int, int, int]]:
        """A word as (id, start, end), by its `key` in the vocabulary; else passed on, or its characters."""
        if key in self._ids:
            return [(self._ids[key], 0, len(word))]
        if not word[0].isalnum():
            return [(UNKNOWN, 0, len(word))]
        return self._named(word, names) or self.split(key)

    def _named(self, word: str, names: list[str]) -> list[tuple[int, int, int]]:
        """The word that stands for an unknown one, with the Korean ending that it has; nothing when there is none."""
        for name, ending in _endings(word):
            number = next((i for i, known in enumerate(names) if _sound(known) == _sound(name)), len(names))
            token = korean.noun_form(open_name(number + 1), ending)
            if number < OPEN and token in self._ids:
                names[number:] = names[number:] or [name]
                return [(self._ids[token], 0, len(word))]
        return []

    def is_unknown(self, id: int) -> bool:
        """Whether a word is passed on, is a piece, or has no token."""
        return id == UNKNOWN or self.vocabulary[id].startswith(("<name", "##"))

    def split(self, word: str) -> list[tuple[int, int, int]]:
        """A lower-case word as (id, start, end) of its characters."""
        return [
            (self._ids.get(f"##{character}" if place else character, UNKNOWN), place, place + 1)
            for place, character in enumerate(word)
        ]

    def spell(self, ids: Iterable[int], names: Sequence[str] = ()) -> tuple[str, list[tuple[int, int]]]:
        """The sentence that ids stand for, and where each stands in it.

        Pieces are joined, words that are passed on are those of `names`, the first letter is capital, and a stop is put
        at the end.
        """
        ids = list(ids)
        text, spans, before = "", [], ""
        in_korean = any("가" <= c <= "힣" for id in ids for c in self.vocabulary[id])
        tokens = [self._spelled(id, names, in_korean) for id in ids]
        for token, after in pairwise([*tokens, ""]):
            if (token == "may" and before in ("in", "on", "is", "was")) or (token, after) == ("new", "York"):
                token = token.capitalize()  # the month and the city are the same tokens as another word
            continues = token.startswith(("##", "'s", "?")) or (before, token) == ("can", "not")
            text += "" if continues or not text else " "
            token = token.removeprefix("##")
            spans.append((len(text), len(text) + len(token)))
            text += token
            before = token
        stop = "" if not text or text[-1] in ".?!" else "."
        return text[:1].upper() + text[1:] + stop, spans

    def _spelled(self, id: int, names: Sequence[str], in_korean: bool) -> str:
        stem, ending = self.stems[self.parts[id, 0]], self.endings[self.parts[id, 1]]
        number = next((i for i in range(len(names)) if stem == open_name(i + 1)), None)
        if number is None:
            return str(self.vocabulary[id])
        if in_korean or ending:
            return korean.noun_form(names[number], ending)
        return korean.romanize(names[number])


def _cut(word: str) -> list[tuple[int, str, str]]:
    """A word's parts, as (start, part, what it is looked up as): don't → do, n't as not; cannot → can, not."""
    place = SHORT.get(lower(word))
    if cut := _CUT.match(word):
        place = cut.start("rest")
    if place is None:
        return [(0, word, lower(word).replace("’", "'"))]
    parts = ((0, word[:place]), (place, word[place:]))
    keys = (lower(part).replace("’", "'") for _, part in parts)
    return [(start, part, STANDS_FOR.get(key, key)) for (start, part), key in zip(parts, keys, strict=True)]


def _endings(word: str) -> list[tuple[str, str]]:
    """How an unknown word may be cut into a name and a Korean ending, the longest ending first."""
    cuts = [
        (word[: len(word) - len(form)], ending)
        for ending, forms in korean.NOUN_ENDINGS.items()
        for form in {*forms}
        if form and word.endswith(form) and len(word) > len(form)
    ]
    cuts = [(name, ending) for name, ending in cuts if korean.noun_form(name, ending) == word]
    return [*sorted(cuts, key=lambda cut: len(cut[0])), (word, "")] if language(word) == KOREAN else [(word, "")]


def _sound(name: str) -> str:
    return lower(korean.romanize(name))


def padded(rows: list[list[int]]) -> list[list[int]]:
    """`rows` of ids, all as long as the longest."""
    width = max(map(len, rows))
    return [[*row, *[PAD] * (width - len(row))] for row in rows]

"""The words of the corpus, from the tables in `lexicon/`; each table says at its head what stands in it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from attnviz.scratch import english


@dataclass(frozen=True)
class Noun:
    """A noun, a pronoun or a name. Of several words for the same the first is written, and all are read.

    `determiner` is what English writes where nothing is said: `a`, `my`, `the`, or for places the preposition of
    "where". `counter` is Korean's, `measure` English's: two cups of coffee.
    """

    english: tuple[str, ...]
    korean: tuple[str, ...]
    group: str
    adjectives: str = "-"
    determiner: str = "-"
    counter: str = "-"
    measure: str = ""
    pronoun: str = "it"  # what stands for it: he, she, or a pronoun itself

    @property
    def is_human(self) -> bool:
        """Whether it is asked for with "who", and takes 에게."""
        return self.group in ("pronoun", "name", "kin", "elder", "person")

    @property
    def is_plural(self) -> bool:
        """Whether English treats the bare noun as many: shoes, police."""
        return self.english[0] in ("we", "they") or (
            self.english[0].endswith("s") and self.determiner in ("-", "my") and self.group in _PLURAL_GROUPS
        )


_PLURAL_GROUPS = [
    "clothes",
    "footwear",
    "glasses",
    "handwear",
    "jewelry",
    "tool",
    "hands",
    "eyes",
    "nails",
    "family",
    "struck",
    "staple",
]


@dataclass(frozen=True)
class Verb:
    """One sense of a verb: English verbs whose Korean depends on the object have several."""

    english: tuple[str, ...]
    past: str
    korean: tuple[str, ...]
    objects: tuple[Noun, ...]
    notes: frozenset[str]
    polite: str = ""
    takes: str = "를"
    negation: str = ""

    @property
    def sense(self) -> str:
        """What tells this sense from the verb's others: 쓰다/wear."""
        return f"{self.korean[0]}/{self.english[0]}"


@dataclass(frozen=True)
class Adjective:
    """An adjective, which is a verb of state in Korean: tall, 키가 크다."""

    english: tuple[str, ...]
    korean: tuple[str, ...]
    is_action: bool = False


@dataclass(frozen=True)
class Adverb:
    """A word or phrase that says when, how or how often: `on Monday`, 월요일에."""

    english: tuple[str, ...]
    korean: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """All words of the corpus."""

    nouns: tuple[Noun, ...]
    verbs: tuple[Verb, ...]
    adjectives: dict[str, tuple[Adjective, ...]]
    adverbs: dict[str, tuple[Adverb, ...]]
    greetings: tuple[Adverb, ...]

    @cache  # noqa: B019 there is one lexicon
    def of(self, *groups: str) -> tuple[Noun, ...]:
        """The nouns of some groups."""
        return tuple(noun for noun in self.nouns if noun.group in groups)

    @cache  # noqa: B019
    def noun(self, word: str) -> Noun:
        """The noun with this English word. Raises StopIteration where there is none."""
        return next(noun for noun in self.nouns if word in noun.english)


PRONOUNS = {  # as subject: as object, as owner, alone as owner's thing, in Korean
    "I": ("me", "my", ("나", "저")),
    "you": ("you", "your", ("너",)),
    "he": ("him", "his", ("그",)),
    "she": ("her", "her", ("그녀",)),
    "we": ("us", "our", ("우리",)),
    "they": ("them", "their", ("그들",)),
    "it": ("it", "its", ("그것", "그거")),
    "this": ("this", "this", ("이것", "이거")),
    "that": ("that", "that", ("저것", "저거")),
}
_GENDER = dict.fromkeys(
    ["brother", "son", "husband", "uncle", "father", "grandfather", "boy", "man", "king", "waiter", "thief"], "he"
)
_GENDER |= dict.fromkeys(["sister", "daughter", "wife", "aunt", "mother", "grandmother", "girl", "woman"], "she")
SUBJECTS = tuple(
    Noun((word,), korean, "pronoun" if place < 6 else "thing pronoun", pronoun=word)
    for place, (word, (_, _, korean)) in enumerate(PRONOUNS.items())
)
OPEN = 3  # how many words of a sentence can be passed on without being known


MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
]  # fmt: skip


def date(month: int, day: int) -> tuple[str, str]:
    """A day of the year: ("May 3", "5월 3일")."""
    return f"{MONTHS[month - 1]} {day}", f"{month}월 {day}일"


def open_name(number: int) -> str:
    """What stands for the unknown word of this number, counted from 1, of a sentence."""
    return f"<name{number}>"


def _lines(table: str) -> Iterator[list[str]]:
    text = (files("attnviz.scratch") / "lexicon" / table).read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("|")]


def _pairs(cell: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for pair in cell.split(", "):
        english_words, korean_words = pair.split("=")
        yield tuple(english_words.split("/")), tuple(korean_words.split("/"))


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    nouns = [
        Noun(*pair, group, adjectives, determiner, *_counter(counter))
        for group, adjectives, determiner, counter, words in _lines("nouns.txt")
        for pair in _pairs(words)
    ]
    nouns = [replace(noun, pronoun=_GENDER.get(noun.english[0], "it")) for noun in nouns]
    nouns += [
        Noun(*pair, "name", "person", pronoun=pronoun)
        for pronoun, words in _lines("names.txt")
        for pair in _pairs(words)
    ]
    return Lexicon(
        nouns=tuple(nouns),
        verbs=tuple(_verb(cells, nouns) for cells in _lines("verbs.txt")),
        adjectives={
            kind: tuple(_adjective(*pair) for pair in _pairs(words)) for kind, words in _lines("adjectives.txt")
        },
        adverbs={kind: tuple(Adverb(*pair) for pair in _pairs(words)) for kind, words in _lines("phrases.txt")},
        greetings=tuple(_greeting(line) for [line] in _lines("greetings.txt")),
    )


def _adjective(in_english: tuple[str, ...], in_korean: tuple[str, ...]) -> Adjective:
    lemmas = tuple(lemma.removesuffix("!") for lemma in in_korean)
    return Adjective(in_english, lemmas, lemmas != in_korean)


def _counter(cell: str) -> tuple[str, str]:
    counter, _, measure = cell.partition("=")
    return counter, measure


def _verb(cells: list[str], nouns: list[Noun]) -> Verb:
    base, past, lemmas, objects, noted = cells
    wanted = set(objects.split(", "))
    verb = Verb(
        english=tuple(base.split("/")),
        past=english.past(base.split("/")[0]) if past == "-" else past,
        korean=tuple(lemmas.split("/")),
        objects=tuple(noun for noun in nouns if {*noun.english, f"#{noun.group}"} & wanted),
        notes=frozenset(note for note in noted.split() if "=" not in note),
    )
    named = dict(note.split("=") for note in noted.split() if "=" in note)
    return replace(
        verb,
        polite=named.get("polite", ""),
        takes=named.get("takes", "를"),
        negation=named.get("not", ""),
    )


def _greeting(line: str) -> Adverb:
    in_english, in_korean = (tuple(phrase.strip() for phrase in side.split(" / ")) for side in line.split(" = "))
    return Adverb(in_english, in_korean)

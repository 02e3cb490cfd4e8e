"""Sentences of the grammar, drawn afresh without end; what is tested is held out by its hash, and never trained on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from random import Random

from attnviz.scratch import grammar
from attnviz.scratch.in_english import in_english
from attnviz.scratch.in_korean import in_korean
from attnviz.scratch.lexicon import SUBJECTS, Adjective, Verb, lexicon, open_name
from attnviz.scratch.meaning import Clause, Meaning, Phrase, Place
from attnviz.scratch.tokenizer import ENGLISH, KOREAN
from attnviz.scratch.wording import AnyWording, Key, Wording, Words, every_wording

PARTS = ("train", "dev", "test", "unseen")
HELD_OUT = 25  # one meaning in 25 is for dev, one for test; one verb-object pair in 25 is for `unseen`
COMMON = 6  # objects that a verb has at least, where some are held out


@dataclass(frozen=True)
class Example:
    """A sentence and its translation; `keys` say which part of the meaning each word stands for."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    source_keys: tuple[Key, ...]
    target_keys: tuple[Key, ...]
    language: int  # the target's, ENGLISH or KOREAN
    meaning: Meaning
    unknown: tuple[str, ...] = ()  # the meaning's words that are passed on, in the order of the source

    @property
    def objects(self) -> list[tuple[int, int]]:
        """Where each verb of the source stands and where its object does."""
        place_of = {key: place for place, key in enumerate(self.source_keys) if key}
        return [
            (place, place_of[key[0], "object"])
            for key, place in place_of.items()
            if key[1] == "verb" and (key[0], "object") in place_of
        ]


@dataclass(frozen=True)
class Corpus:
    """Meanings to test on; `unseen` holds those with a verb-object pair that no other part has."""

    dev: list[Meaning]
    test: list[Meaning]
    unseen: list[Meaning]


def text(words: Words) -> str:
    """The words of a sentence as one string."""
    return " ".join(word for word, _ in words if word)


def mission() -> tuple[Meaning, Meaning]:
    """ "I ate an apple" and "그녀는 사과를 먹고 학교에 갔다": users try them first, so training never sees them."""
    words = lexicon()
    eat, go = (next(verb for verb in words.verbs if verb.english[0] == base) for base in ("eat", "go"))
    i, she = Phrase(SUBJECTS[0]), Phrase(SUBJECTS[3])
    apple = Phrase(words.noun("apple"))
    ate = Clause(0, i, eat, apple, tense="past")
    went = Clause(0, she, go, adverbials=(("goal", Place(Phrase(words.noun("school")))),), tense="past")
    return Meaning(ate), Meaning(went, "and", Clause(1, she, eat, apple, tense="past"))


def part_of(meaning: Meaning, in_writing: Words | None = None) -> str:
    """Which part a meaning belongs to, by the hash of what it says. Set phrases are always trained on."""
    if meaning.greeting:
        return "train"
    said = text(in_writing or in_korean(meaning, Wording()))
    if said in _mission_texts():
        return "none"
    if any(_is_held_out(sense, noun) for sense, noun in meaning.pairs):
        return "unseen"
    number = _hash(said) % HELD_OUT
    return ("dev", "test")[number] if number < 2 else "train"


def _mission_texts() -> set[str]:
    return {"나는 사과를 먹었다", "그녀는 사과를 먹고 학교에 갔다"}


def _is_held_out(sense: str, noun: str) -> bool:
    return sense in _common_senses() and _hash(f"{sense} {noun}") % HELD_OUT == 0 and noun != "apple"


_senses: set[str] = set()


def _common_senses() -> set[str]:
    if not _senses:
        _senses.update(verb.sense for verb in lexicon().verbs if len(verb.objects) >= COMMON)
    return _senses


def _hash(said: str) -> int:
    return int.from_bytes(sha256(said.encode()).digest()[:4], "big")


def draw_corpus(held_out: int = 1_000, seed: int = 0) -> Corpus:
    """Different meanings to test on, `held_out` for each part, the same for the same seed."""
    random = Random(seed)
    parts: dict[str, dict[str, Meaning]] = {part: {} for part in ("dev", "test", "unseen")}
    while any(len(found) < held_out for found in parts.values()):
        meaning = grammar.draw(random)
        found = parts.get(part_of(meaning))
        if found is not None and len(found) < held_out:
            found[text(in_korean(meaning, Wording()))] = meaning
    return Corpus(*(list(found.values()) for found in parts.values()))


def training_examples(random: Random) -> Iterator[Example]:
    """Examples without end, in both directions, the sources worded at random."""
    while True:
        meaning = grammar.draw(random)
        written = in_korean(meaning, Wording())
        if part_of(meaning, written) == "train":
            source = AnyWording(random)
            yield _example(in_english(meaning, source), written, KOREAN, meaning)
            if not meaning.is_only_read:
                yield _example(in_korean(meaning, source), in_english(meaning, Wording()), ENGLISH, meaning)


def examples(meanings: Iterable[Meaning], random: Random | None = None, scrambled: float = 0.2) -> Iterator[Example]:
    """Both directions of each meaning: English to Korean, then Korean to English.

    The source is worded at random, or as it is written where there is no `random`; the target always as it is written.
    """
    for meaning in meanings:
        source = AnyWording(random, scrambled) if random else Wording()
        yield _example(in_english(meaning, source), in_korean(meaning, Wording()), KOREAN, meaning)
        if not meaning.is_only_read:
            yield _example(in_korean(meaning, source), in_english(meaning, Wording()), ENGLISH, meaning)


def accepted(example: Example) -> Iterator[tuple[str, ...]]:
    """Every translation of an example that is right."""
    realise = in_korean if example.language == KOREAN else in_english
    for wording in every_wording():
        yield _numbered(realise(example.meaning, wording), example.unknown)


def _example(source: Words, target: Words, language: int, meaning: Meaning) -> Example:
    source, target = [pair for pair in source if pair[0]], [pair for pair in target if pair[0]]
    unknown = tuple(dict.fromkeys(_open_part(word) for word, _ in source if word.startswith("<")))
    return Example(
        _numbered(source, unknown),
        _numbered(target, unknown),
        tuple(key for _, key in source),
        tuple(key for _, key in target),
        language,
        meaning,
        unknown,
    )


def _numbered(words: Words, unknown: tuple[str, ...]) -> tuple[str, ...]:
    """The words, the unknown ones among them numbered in the order of `unknown`."""
    return tuple(
        open_name(unknown.index(part) + 1) + word.removeprefix(part) if (part := _open_part(word)) in unknown else word
        for word, _ in words
        if word
    )


def _open_part(word: str) -> str:
    """`<name1>` of `<name1>은`."""
    return word[: word.index(">") + 1] if word.startswith("<") else word


def constructions(meaning: Meaning) -> set[str]:
    """The names of what a meaning is an example of: the lines of the table."""
    if meaning.greeting:
        return {"greetings and set phrases"}
    found = {"and, but": meaning.link in ("and", "but"), "that-clauses": meaning.link == "that"}
    found["because, when, if, before, after, to"] = meaning.link in LINKED
    clauses = list(meaning.clauses)
    phrases = [p for c in clauses for p in _phrases(c)]
    found["relative clauses"] = any(c.gap for c in clauses)
    found["be: noun"] = any(isinstance(c.predicate, Phrase) for c in clauses)
    found["be: adjective"] = any(isinstance(c.predicate, Adjective) for c in clauses)
    found["there is, have, be somewhere"] = any(isinstance(c.predicate, str) for c in clauses)
    found["negation"] = any(c.negative for c in clauses)
    found["yes-no questions"] = any(c.mood == "question" and not c.asked for c in clauses)
    found["who, what, where, when, why, how"] = any(c.asked for c in clauses)
    found["modals and wishes"] = any(c.modal for c in clauses)
    found["progressive"] = any(c.progressive for c in clauses)
    found["future"] = any(c.tense == "future" for c in clauses)
    found["orders, let's"] = any(c.mood in ("order", "proposal") for c in clauses)
    found["numbers and counters"] = any(p.count for p in phrases)
    found["possessives"] = any(p.owner for p in phrases)
    found["unknown names and nouns"] = any(p.noun.english[0].startswith("<") for p in phrases)
    found["times, days, hours"] = any(role in ("time", "hour") for c in clauses for role, _ in c.adverbials)
    roles = ("with", "source", "until", "vehicle", "tool", "about", "than")
    found["with, from, to, by, about, than"] = any(role in roles for c in clauses for role, _ in c.adverbials)
    plain = len(clauses) == 1 and isinstance(clauses[0].predicate, Verb) and not any(found.values())
    return {name for name, is_so in found.items() if is_so} | ({"plain statements"} if plain else set())


LINKED = ("because", "when", "while", "if", "before", "after", "to")


def _phrases(c: Clause) -> Iterator[Phrase]:
    for phrase in (c.subject, c.object, c.predicate, *(filler for _, filler in c.adverbials)):
        phrase = phrase.phrase if isinstance(phrase, Place) else phrase
        if isinstance(phrase, Phrase):
            yield phrase
            if phrase.owner:
                yield phrase.owner


def first(examples: Iterator[Example], number: int) -> list[Example]:
    """So many examples."""
    return list(islice(examples, number))

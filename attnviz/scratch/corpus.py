"""Sentences of the grammar, split so that what is tested was never trained on."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from random import Random

from attnviz.scratch import grammar, korean
from attnviz.scratch.grammar import Clause, Key, Meaning, Words
from attnviz.scratch.tokenizer import ENGLISH, KOREAN, vocabulary


@dataclass(frozen=True)
class Example:
    """A sentence and its translation; `keys` say which part of the meaning each word stands for."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    source_keys: tuple[Key, ...]
    target_keys: tuple[Key, ...]
    language: int  # the target's, ENGLISH or KOREAN

    @property
    def objects(self) -> list[tuple[int, int]]:
        """Where each verb of the source stands and where its object does."""
        place_of = {key: place for place, key in enumerate(self.source_keys) if key}
        return [
            (place_of[n, "verb"], place_of[n, "object"])
            for n in (0, 1)
            if (n, "verb") in place_of and (n, "object") in place_of
        ]


@dataclass(frozen=True)
class Corpus:
    """`unseen` holds the sentences with a verb-object pair that no sentence of `train`, `dev` or `test` has."""

    train: list[Meaning]
    dev: list[Meaning]
    test: list[Meaning]
    unseen: list[Meaning]


def mission() -> tuple[Meaning, Meaning]:
    """ "I ate an apple" and "그녀는 사과를 먹고 학교에 갔다": users try them first, so training never sees them."""
    words = grammar.lexicon()
    eat, go = (next(verb for verb in words.verbs if verb.base == base) for base in ("eat", "go"))
    apple, school = (next(noun for noun in words.nouns if noun.english == name) for name in ("apple", "school"))
    i, she = (next(noun for noun in grammar.SUBJECTS if noun.english == name) for name in ("I", "she"))
    ate = Clause(eat, apple)
    return Meaning(i, True, None, (ate,)), Meaning(she, True, None, (ate, Clause(go, place=school)))


def text(words: Words) -> str:
    """The words of a sentence as one string."""
    return " ".join(word for word, _ in words)


def draw_corpus(size: int = 40_000, held_out: int = 1_000, seed: int = 0) -> Corpus:
    """Different meanings, `size` to train on and `held_out` for each other part, the same for the same seed."""
    random = Random(seed)
    unseen_pairs = _unseen_pairs(random)
    said = {text(words) for meaning in mission() for words in (grammar.english(meaning), grammar.in_korean(meaning))}
    parts: dict[str, list[Meaning]] = {"known": [], "unseen": []}
    wanted = size + 2 * held_out
    while len(parts["known"]) < wanted or len(parts["unseen"]) < held_out:
        meaning = grammar.draw(random)
        in_english, in_korean = text(grammar.english(meaning)), text(grammar.in_korean(meaning))
        if in_english in said or in_korean in said:
            continue
        said |= {in_english, in_korean}
        parts["unseen" if meaning.pairs & unseen_pairs else "known"].append(meaning)
    known = iter(parts["known"])
    dev, test, train = (list(islice(known, n)) for n in (held_out, held_out, size))
    return Corpus(train, dev, test, parts["unseen"][:held_out])


def _unseen_pairs(random: Random) -> set[tuple[str, str]]:
    """One object in ten of every verb sense that has at least six, at random."""
    return {
        (verb.sense, noun.english)
        for verb in grammar.lexicon().verbs
        if len(verb.objects) >= 6
        for noun in random.sample(verb.objects, len(verb.objects) // 10 or 1)
    }


def examples(meanings: Iterable[Meaning], canonical: bool = False) -> list[Example]:
    """Both directions of each meaning: English to Korean, then Korean to English."""
    made = []
    for meaning in meanings:
        english, in_korean = grammar.english(meaning), grammar.in_korean(meaning)
        made.append(_example(english, in_korean, KOREAN))
        made.append(_example(grammar.in_korean(meaning, canonical), english, ENGLISH))
    return made


def _example(source: Words, target: Words, language: int) -> Example:
    (source_words, source_keys), (target_words, target_keys) = zip(*source, strict=True), zip(*target, strict=True)
    return Example(source_words, target_words, source_keys, target_keys, language)


def corpus_vocabulary() -> list[str]:
    """Every word that the grammar can write, and the pieces that other words fall to."""
    words = grammar.lexicon()
    english = {"a", "an", "and", "to"}
    hangul: set[str] = set()
    for pair in (*words.times, *words.past_times, *words.manners, *(p for ps in words.adjectives.values() for p in ps)):
        english |= set(pair[0].split())
        hangul.add(pair[1])
    for noun in words.nouns:
        english |= {noun.english, *noun.determiner.split()} - {"-"}
    for subject, (_, other) in grammar.PRONOUNS.items():
        english |= {subject, other}
    for verb in words.verbs:
        english_forms, korean_forms = grammar.verb_forms(verb)
        english |= english_forms
        hangul |= korean_forms
    for noun in (*words.nouns, *grammar.SUBJECTS):
        hangul |= {korean.with_particle(noun.korean, role) for role in grammar.roles(noun)}
    stems = sorted({noun.korean for noun in words.nouns})
    endings = {ending for pair in korean.PARTICLES.values() for ending in pair}
    return vocabulary(english | hangul, stems, endings)

"""What else a source may mean, where two verbs have a form in common: 안다 (knows, hugs), 듣다 (hears, listens to)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from attnviz.scratch import korean
from attnviz.scratch.korean_forms import form_of
from attnviz.scratch.lexicon import Verb, lexicon
from attnviz.scratch.meaning import Clause, Meaning
from attnviz.scratch.wording import Key


def other_readings(meaning: Meaning, source: tuple[str, ...], keys: tuple[Key, ...]) -> Iterator[Meaning]:
    """The meanings that `source` has as well: one of its verbs read as another that may have the same object."""
    word_of = dict(zip(keys, source, strict=True))
    for c in (meaning.clause, meaning.other):
        if c and isinstance(c.predicate, Verb) and (c.number, "verb") in word_of:
            word = word_of[c.number, "verb"]
            for verb in _read_alike(c.predicate, word):
                if _may_have(verb, c, word.isascii()):
                    other = replace(c, predicate=verb)
                    yield (replace(meaning, clause=other) if c is meaning.clause else replace(meaning, other=other))


def _read_alike(verb: Verb, word: str) -> list[Verb]:
    """The other verbs that a word is a form of, with the same words before or behind it."""
    if word.isascii():
        found = [other for other in lexicon().verbs if not set(other.english).isdisjoint(verb.english)]
    else:
        found = [other for other in _by_korean_form()[word] if _before(other) == _before(verb)]
    return [other for other in found if other != verb]


def _may_have(verb: Verb, c: Clause, in_english: bool) -> bool:
    """Whether the verb takes the object of the clause.

    Of an object that is not known Korean says nothing, and any verb may have it; English has a verb for these.
    """
    assert isinstance(c.predicate, Verb)
    if in_english and c.object is not None and c.object.noun.group == "pronoun":
        return any(noun.is_human for noun in verb.objects)  # call him: 그를 부르다, 그에게 전화하다
    if verb.takes != c.predicate.takes or c.object is None:
        return verb.takes == c.predicate.takes and not verb.objects
    is_open = c.object.noun.group in ("open", "thing pronoun", "pronoun")
    return bool(verb.objects) and not in_english if is_open else c.object.noun in verb.objects


def _before(verb: Verb) -> str:
    """비가 of 비가 오다."""
    return verb.korean[0].rpartition(" ")[0]


@cache
def _by_korean_form() -> dict[str, list[Verb]]:
    """The verbs that each Korean form is of."""
    found: dict[str, list[Verb]] = defaultdict(list)
    for verb in lexicon().verbs:
        lemma = verb.korean[0].split()[-1]
        for form in {form_of(lemma, ending, "quality" not in verb.notes) for ending in korean.VERB_ENDINGS}:
            found[form].append(verb)
    return found

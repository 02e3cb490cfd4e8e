"""Noun phrases, places and times of a meaning in English words."""

from attnviz.scratch import english
from attnviz.scratch.lexicon import PRONOUNS, Adverb
from attnviz.scratch.meaning import Phrase, Place
from attnviz.scratch.wording import Key, Wording, Words

NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
BEFORE = {"recipient": "to", "with": "with", "tool": "with", "vehicle": "by", "about": "about", "than": "than"}
BEFORE |= {"source": "from", "goal": "to", "until": "to"}


def plain(text: str) -> Words:
    """Words that stand for nothing of the meaning."""
    return [(word, None) for word in text.split()]


def keyed(text: str, key: Key) -> Words:
    """A phrase whose last word carries the key."""
    *little, last = text.split()
    return [*((word, None) for word in little), (last, key)]


def phrase(
    p: Phrase,
    key: Key,
    w: Wording,
    default: str,
    subject: bool = False,
    general: bool = False,
    predicate: bool = False,
    many: bool = False,
    own: str = "my",
) -> Words:
    """A noun phrase: `my friend's red bag`, `three apples that I bought`.

    `default` is the article of a plain noun; `own` stands before what is somebody's own: her mother, his hands.
    """
    noun = p.noun
    if noun.group in ("pronoun", "thing pronoun"):
        return [(noun.english[0] if subject else PRONOUNS[noun.english[0]][0], key)]
    name = w.loose(*noun.english)
    plural = (
        not noun.is_plural
        and noun.group not in ("date", "nationality")
        and (p.is_plural or many or (general and noun.determiner not in ("-", "my", "the")))
    )
    if general and not plural and (p.owner or p.pointed or p.count):
        general = False
    words: Words = []
    if p.adjective:
        words += keyed(w.loose(*p.adjective.english), (key[0], f"{key[1]} adjective") if key else None)
    if p.count and noun.measure:
        measure = english.plural(noun.measure) if p.count > 1 else noun.measure
        words = [*plain(f"{measure} of"), *words, *keyed(name, key)]
    else:
        words += keyed(english.plural(name) if plural else name, key)
    words = [*_determiner(p, key, w, default, words[0][0], plural or noun.is_plural, general, predicate, own), *words]
    if p.joined:
        assert key
        words += [("and", None), *phrase(p.joined, (key[0], "second"), w, default, own=own)]
    if p.relative:
        from attnviz.scratch.in_english import clause_words  # a clause has phrases, and a phrase may have a clause

        words += clause_words(p.relative, w)
    return words


def _determiner(
    p: Phrase,
    key: Key,
    w: Wording,
    default: str,
    next_word: str,
    plural: bool,
    general: bool,
    predicate: bool,
    own: str,
) -> Words:
    noun = p.noun
    if p.owner:
        role = (key[0], f"{key[1]} owner") if key else None
        if p.owner.noun.group == "pronoun":
            return [(PRONOUNS[p.owner.noun.english[0]][1], role)]
        return [*phrase(p.owner, role, w, "the"), ("'s", None)]
    if p.pointed:
        return [({"this": "these", "that": "those"}[p.pointed] if plural else p.pointed, None)]
    if p.plenty:
        return plain(w.loose("many", "many", "a lot of"))
    if p.count:
        number = NUMBERS[p.count]
        return [
            (
                w.accepted(number, article_of(next_word)) if p.count == 1 else number,
                (key[0], f"{key[1]} count") if key else None,
            )
        ]
    if noun.group in ("name", "country", "date"):
        return []
    if default == "none":
        return []
    if p.relative:
        return plain(w.either("the", article_of(next_word)) if predicate and not plural else "the")
    if general:
        return plain(w.either("", "the"))
    if noun.group == "open":
        return plain(w.loose("", "the", "a"))
    if noun.determiner == "my" and default != "a":
        return plain(w.either(own or "the", "the"))
    if noun.determiner == "-":
        return plain(w.either("", "the", "some") if default == "" else w.either("the", "") if default == "the" else "")
    if noun.group == "place":
        return plain(w.loose("the", ""))
    article = noun.determiner if default == "" else default
    if default == "" and noun.determiner == "the" and noun.group == "person":
        article = "the"
    if plural:
        return plain(w.loose("the", "") if article == "the" else w.either("", "the"))
    if article == "the":
        return plain(w.loose("the", "the", "the", ""))
    if predicate or default == "a":
        return plain(w.loose(article_of(next_word), article_of(next_word), ""))
    return plain(w.loose(w.either(article_of(next_word), "the"), w.either(article_of(next_word), "the"), ""))


def article_of(word: str) -> str:
    """`a` or `an`; an unknown word takes none."""
    return "" if word.startswith("<") else english.article(word)


def adverbial(role: str, filler: "Phrase | Place | Adverb | int", number: int, w: Wording, own: str = "my") -> Words:
    """`to my friend`, `in the park`, `on the desk`, `by bus`, `at seven`."""
    key = (number, role)
    if isinstance(filler, Adverb):
        return adverb(filler, key, w)
    if isinstance(filler, int):
        return _hour(role, filler, key, w)
    if isinstance(filler, Place):
        return _place(role, filler, key, w)
    if role == "vehicle":
        return [("by", None), *keyed(w.loose(*filler.noun.english), key)]
    return [(BEFORE[role], None), *phrase(filler, key, w, "a" if role == "tool" else "", own=own)]


def _hour(role: str, hour: int, key: Key, w: Wording) -> Words:
    before = {"source": "from", "until": "to"}.get(role, "at")
    said = w.loose(NUMBERS[hour], NUMBERS[hour], str(hour))
    return [*plain(before), (said, key), *plain(w.either("", "o'clock"))]


def _place(role: str, place: Place, key: Key, w: Wording) -> Words:
    noun = place.phrase.noun
    if place.position:
        return [*plain(w.either(*place.position.english)), *phrase(place.phrase, key, w, "the")]
    if noun.group == "open place":
        return [*plain({"goal": "to", "source": "from", "until": "to"}.get(role, "in")), (noun.english[0], key)]
    preposition, *the = noun.determiner.split() if noun.group in ("place", "country") else ["in", "the"]
    own = place.phrase.owner or place.phrase.pointed or place.phrase.adjective
    if role in ("goal", "source", "until"):
        preposition = BEFORE[role]
        if noun.english[0] == "home" and not own and role == "goal":
            preposition = ""
    elif preposition in ("at", "in") and the:
        preposition = w.either(preposition, "in" if preposition == "at" else "at")
    said = phrase(place.phrase, key, w, "the") if own or the else keyed(w.loose(*noun.english), key)
    return [*plain(preposition), *said]


def adverb(adverb: Adverb, key: Key, w: Wording) -> Words:
    """`on Monday`: its last word carries the key."""
    return keyed(w.loose(*adverb.english), key)

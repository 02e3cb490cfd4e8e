"""A meaning in English words, each with the part of the meaning that it stands for."""

from dataclasses import replace

from attnviz.scratch import english
from attnviz.scratch.english_phrases import adverb, adverbial, keyed, phrase, plain
from attnviz.scratch.english_verbs import finite
from attnviz.scratch.lexicon import PRONOUNS, Adjective, Adverb, Verb
from attnviz.scratch.meaning import Clause, Meaning, Phrase
from attnviz.scratch.wording import Wording, Words

ROLES = [
    "recipient", "manner", "about", "with", "tool", "source", "until", "goal", "in", "where", "vehicle", "hour",
    "time",
]  # fmt: skip
GIVING = {"give", "send", "show", "teach", "lend"}  # somebody something
WEATHER = {"cold", "hot", "warm", "cool", "cloudy", "clear"}  # it is
ORDER = {role: place for place, role in enumerate(ROLES)}
ASKED = {"subject": "who", "where": "where", "goal": "where", "in": "where", "time": "when", "why": "why", "how": "how"}


def in_english(meaning: Meaning, w: Wording) -> Words:
    """The words of a meaning; a question ends in "?"."""
    opening = plain(w.either(*meaning.opening.english)) if meaning.opening else []
    if meaning.greeting:
        return [*opening, *plain(w.either(*meaning.greeting.english))]
    return [*opening, *_sentence(meaning, w)]


def _sentence(meaning: Meaning, w: Wording) -> Words:
    clause, other, link = meaning.clause, meaning.other, meaning.link
    assert clause
    end: Words = [("?", None)] if clause.mood == "question" else []
    if other is None:
        return clause_words(clause, w) + end
    main = clause_words(clause, w)
    if link in ("and", "but"):
        shared = link == "and" and other.subject == clause.subject
        second = clause_words(clause, w, without_subject=True) if shared else main
        return [*clause_words(other, w), (link, None), *second, *end]
    if link == "that":
        return [*main, *plain(w.either("that", "")), *clause_words(other, w), *end]
    if link == "to":
        return [*main, ("to", None), *_rest(other, w, base=True), *end]
    first = clause_words(other, w)
    if link == "because" and w.either("because", "because", "so") == "so":
        return [*first, ("so", None), *main]
    if link in ("before", "after") and isinstance(other.predicate, Verb) and other.subject == clause.subject:
        first = w.loose(first, first, _rest(other, w, _ing(other)))
    linked = [(link, None), *first]
    return w.either([*main, *linked, *end], [*linked, *main, *end])


def clause_words(c: Clause, w: Wording, without_subject: bool = False) -> Words:
    """One clause: the words that are asked for or set in front, subject, verb, object, adverbials."""
    if c.mood == "order":
        please = plain(w.loose("", "", "please"))
        return [*please, *(plain("do not") if c.negative else []), *_rest(c, w, base=True)]
    if c.mood == "proposal":
        return [*plain("let 's"), *(plain("not") if c.negative else []), *_rest(c, w, base=True)]
    first, subject, time = _asked(c, w), _subject(c, w), c.adverbial("time")
    early = isinstance(time, Adverb) and c.mood == "statement" and not c.gap and not without_subject
    front: Words = []
    if early and w.either(False, False, True):
        assert isinstance(time, Adverb)
        front, c = adverb(time, (c.number, "time"), w), _without(c, "time")
    if c.gap:
        first = plain(w.either("that", "who" if c.gap == "subject" and c.subject and _human(c) else "that"))
        subject = [] if c.gap == "subject" else subject
    if without_subject or c.asked == "subject":
        subject = []
    auxiliary, middle = finite(c, w)
    none = c.negative and c.predicate in ("there", "have") and not c.modal and c.mood == "statement" and not c.gap
    if none and w.either(c.predicate == "there", True, c.predicate == "have"):
        return [*front, *first, *_without_any(c, subject, w)]
    inverted = c.mood == "question" and c.asked != "subject" and auxiliary is not None
    head = plain(auxiliary) if auxiliary else []
    often = c.adverbial("frequency") or c.adverbial("also")
    how_often = adverb(often, (c.number, "frequency"), w) if isinstance(often, Adverb) else []
    negation = plain("not") if c.negative else []
    before = [*head, *subject] if inverted else [*subject, *head]
    if c.predicate == "there":
        there = plain("there")
        before = [*head, *there] if inverted else [*there, *head]
    if c.adverbial("also") and w.either(False, True):
        return [*front, *first, *before, *negation, *_rest(c, w, middle), ("too", None)]
    return [*front, *first, *before, *negation, *how_often, *_rest(c, w, middle)]


def _ing(c: Clause) -> str:
    """The verb of a clause in -ing."""
    assert isinstance(c.predicate, Verb)
    verb, *others = c.predicate.english[0].split()
    return " ".join([english.ing(verb), *others])


def _without_any(c: Clause, subject: Words, w: Wording) -> Words:
    """`there is no milk`, `I have no money`."""
    auxiliary, middle = finite(replace(c, negative=False), w)
    head = plain(" ".join(part for part in (auxiliary, middle) if part))
    thing = c.subject if c.predicate == "there" else c.object
    assert thing
    role = "subject" if c.predicate == "there" else "thing"
    said = [*plain("no"), *phrase(thing, (c.number, role), w, "none")]
    return [*(plain("there") if c.predicate == "there" else subject), *head, *said, *_adverbials(c, w)]


def _without(c: Clause, role: str) -> Clause:
    return replace(c, adverbials=tuple(pair for pair in c.adverbials if pair[0] != role))


def _human(c: Clause) -> bool:
    return c.subject is not None and c.subject.noun.is_human


def _asked(c: Clause, w: Wording) -> Words:
    """What a question begins with: who, what, how many apples."""
    key = (c.number, c.asked)
    if c.asked == "object":
        return [("who" if c.object and c.object.noun.is_human else "what", key)]
    if c.asked == "count":
        counted = c.subject if c.predicate == "there" else c.object
        assert counted
        role = "subject" if c.predicate == "there" else "object"
        return [*plain("how many"), *keyed(english.plural(counted.noun.english[0]), (c.number, role))]
    if c.asked == "kind":
        assert c.object
        return [("what", None), *keyed(w.either(*c.object.noun.english), (c.number, "object"))]
    if c.asked == "hour":
        return plain("what time")
    if c.asked == "predicate":
        assert isinstance(c.predicate, Phrase)
        return [("who" if c.predicate.noun.is_human else "what", None)]
    if c.asked == "owner":
        assert isinstance(c.predicate, Phrase)
        return [("whose", None), *keyed(c.predicate.noun.english[0], (c.number, "predicate"))]
    if c.asked == "price":
        return plain("how much")
    if c.asked == "with":
        return [("who", key)]
    return [(ASKED[c.asked], key)] if c.asked else []


def _subject(c: Clause, w: Wording) -> Words:
    if c.subject is None:
        return plain("it")
    of_weather = c.subject.noun.english[0] == "weather" and isinstance(c.predicate, Adjective)
    if (
        of_weather
        and isinstance(c.predicate, Adjective)
        and c.predicate.english[0] in WEATHER
        and w.either(False, True)
    ):
        return [("it", (c.number, "subject"))]
    return phrase(c.subject, (c.number, "subject"), w, "the", subject=True)


def _rest(c: Clause, w: Wording, middle: str | None = None, base: bool = False) -> Words:
    """From the main verb on: verb, object, adverbials; or what somebody is."""
    n = c.number
    words: Words = []
    verb = c.predicate
    if isinstance(verb, Verb):
        said = verb.english[0] if base or middle is None else middle
        lemma = verb.english[0].split()
        place = len(said.split()) - len(lemma)
        words += [(word, (n, "verb") if i == place else None) for i, word in enumerate(said.split())]
        role = "object" if verb.takes == "를" else "complement"
        if c.object and c.asked not in ("object", "count", "kind") and c.gap != "object":
            general = "general" in verb.notes
            recipient = c.adverbial("recipient")
            giving = isinstance(recipient, Phrase) and lemma[0] in GIVING and not c.object.relative and not c.gap
            if giving and isinstance(recipient, Phrase) and w.either(False, True):
                words += phrase(recipient, (n, "recipient"), w, "", own=own_of(c))
                c = _without(c, "recipient")
            assert c.object
            article = "a" if verb.takes == "가" else ""
            words += phrase(c.object, (n, role), w, article, general=general, own=own_of(c))
    elif verb == "have":
        words += plain(middle or "have")
        if c.object and c.asked != "count":
            words += phrase(c.object, (n, "thing"), w, "a", own=own_of(c))
    else:
        words += plain(middle or "")
        words += _predicate(c, w)
    return words + _adverbials(c, w)


def _adverbials(c: Clause, w: Wording) -> Words:
    """When, where, how, with whom; of what is asked for only its preposition is left."""
    words: Words = []
    for role in sorted(c.fillers.keys() & ORDER.keys(), key=ORDER.__getitem__):
        if role == c.asked == "with":
            words += plain("with")
        elif role != c.asked:
            words += adverbial(role, c.fillers[role], c.number, w, own_of(c))
    return words


def _predicate(c: Clause, w: Wording) -> Words:
    n = c.number
    if isinstance(c.predicate, Adjective):
        degree, than = c.adverbial("degree"), c.adverbial("than")
        if c.asked == "how":
            return []
        words = adverb(degree, None, w) if isinstance(degree, Adverb) else []
        said = w.loose(*c.predicate.english)
        if isinstance(than, Phrase):
            compared = keyed(english.comparative(said), (n, "predicate"))
            return [*compared, ("than", None), *phrase(than, (n, "than"), w, "the")]
        return [*words, *keyed(said, (n, "predicate"))]
    if isinstance(c.predicate, Phrase):
        if c.asked in ("predicate", "owner", "time"):
            return []
        return phrase(
            c.predicate, (n, "predicate"), w, "a", predicate=True, many=bool(c.subject and c.subject.is_plural)
        )
    if c.predicate == "there" and c.subject and c.asked != "count":
        return phrase(c.subject, (n, "subject"), w, "a")
    return []


def own_of(c: Clause) -> str:
    """Whose a friend or a hand is where nothing is said: the subject's."""
    pronoun = c.subject.noun.pronoun if c.subject and c.asked != "subject" else "it"
    if c.mood == "proposal":
        pronoun = "we"
    if c.subject and c.subject.is_plural and pronoun == "it":
        pronoun = "they"
    return PRONOUNS[pronoun][1] if pronoun != "it" else ""

"""A meaning in Korean words (eojeols), each with the part of the meaning that it stands for."""

from attnviz.scratch import korean
from attnviz.scratch.korean_phrases import NUMBERS, adverb, phrase
from attnviz.scratch.korean_predicates import LEVELS, predicate
from attnviz.scratch.lexicon import Adjective, Adverb, Verb
from attnviz.scratch.meaning import Clause, Meaning, Phrase, Place
from attnviz.scratch.wording import Key, Wording, Words

ROLES = [
    "time", "hour", "frequency", "why", "with", "vehicle", "tool", "source", "until", "where", "goal", "in",
    "how", "about", "recipient",
]  # fmt: skip
ORDER = {role: place for place, role in enumerate(ROLES)}
PARTICLES = {"with": "와", "vehicle": "로", "tool": "로", "source": "에서", "until": "까지", "where": "에서"}
PARTICLES |= {"goal": "에", "in": "에", "recipient": "에게", "than": "보다"}


def in_korean(meaning: Meaning, w: Wording) -> Words:
    """The words of a meaning; a question ends in "?"."""
    opening = _set_phrase(meaning.opening, w) if meaning.opening else []
    if meaning.greeting:
        return [*opening, *_set_phrase(meaning.greeting, w)]
    return [*opening, *_sentence(meaning, w)]


def _set_phrase(said: Adverb, w: Wording) -> Words:
    return [(word, None) for word in w.either(*said.korean).replace("?", " ?").split()]


def _sentence(meaning: Meaning, w: Wording) -> Words:
    clause, other, link = meaning.clause, meaning.other, meaning.link
    assert clause
    level = w.loose("plain", "polite", "formal", "polite", "casual")
    end: Words = [("?", None)] if clause.mood == "question" else []
    if other is None:
        return clause_words(clause, w, level) + end
    same = other.subject == clause.subject
    if link == "that":
        subject, rest = _parts(clause, w, level)
        return [*subject, *clause_words(other, w, "that", "가"), *rest, *end]
    if same and clause.subject is not None:
        return [
            *_subject(clause, w, level),
            *clause_words(other, w, link, None),
            *clause_words(clause, w, level, None),
            *end,
        ]
    particle = "는" if link in ("and", "but") else "가"
    return [*clause_words(other, w, link, particle), *clause_words(clause, w, level), *end]


def clause_words(c: Clause, w: Wording, form: str, particle: str | None = "는") -> Words:
    """One clause in a form: a speech level, a link (and, because, …), or "noun" before a noun.

    `particle` is the subject's; None leaves the subject out.
    """
    subject, rest = _parts(c, w, form, particle)
    return [*subject, *rest]


def _parts(c: Clause, w: Wording, form: str, particle: str | None = "는") -> tuple[Words, Words]:
    """The subject, and the rest."""
    said = {*c.fillers, c.asked} & ORDER.keys()
    parts = [_filler(role, c, w) for role in sorted(said, key=ORDER.__getitem__)]
    if c.object and c.gap != "object":
        parts.append(_object(c, w))
    manner = c.adverbial("manner")
    if isinstance(manner, Adverb):
        parts.append(adverb(manner, (c.number, "manner"), w))
    subject = [] if particle is None else _subject(c, w, form, particle)
    words = predicate(c, w, form)
    if c.predicate in ("there",) and c.subject:
        counted = phrase(c.subject, (c.number, "subject"), "가", w, asked=c.asked == "count")
        subject, parts = [], [*parts, counted]
    if c.predicate == "have" and c.object:
        parts[-1] = phrase(c.object, (c.number, "thing"), "가", w, asked=c.asked == "count")
    parts = [part for part in parts if part]
    if particle is not None and subject:
        time = parts[0] if parts and c.adverbial("time") and c.asked != "time" else None
        if time and w.either(False, False, True):
            subject, parts = [*time, *subject], parts[1:]
        moved = w.shuffled([subject, *parts])
        if moved != [subject, *parts]:
            return [], [word for part in moved for word in part] + words
    else:
        parts = w.shuffled(parts)
    return subject, [word for part in parts for word in part] + words


def _subject(c: Clause, w: Wording, form: str, particle: str = "는") -> Words:
    if c.subject is None or c.gap == "subject" or c.mood in ("order", "proposal"):
        return []
    if c.asked == "subject":
        return [("누가", (c.number, "subject"))]
    noun = c.subject.noun
    dropped = (c.mood == "question" and noun.english[0] == "you") or noun.english[0] == "I"
    if (
        dropped
        and c.predicate != "have"
        and form in LEVELS
        and w.loose("", "", "drop")
        and len(c.adverbials) + bool(c.object)
    ):
        return []
    other = "가" if particle == "는" else "는"
    if c.gap or form not in LEVELS:
        other = particle
    if particle == "는" and form in LEVELS and noun.group in ("wind",):
        other = "가"
    if c.adverbial("also"):
        return phrase(c.subject, (c.number, "subject"), "도", w)
    honoured = "께서" if noun.group == "elder" else other
    ending = w.either(particle, w.loose(particle, other, honoured))
    return phrase(c.subject, (c.number, "subject"), ending, w)


def _object(c: Clause, w: Wording) -> Words:
    assert c.object
    takes = c.predicate.takes if isinstance(c.predicate, Verb) else "를"
    key = (c.number, "object" if takes == "를" else "complement")
    if c.asked == "object":
        human = c.object.noun.is_human
        asked = (
            ("누구를" if takes == "를" else korean.noun_form("누구", takes))
            if human
            else w.loose("무엇을", "뭐를", "뭘", "뭐")
        )
        return [(asked, key)]
    if c.asked == "kind":
        return [("무슨", None), (korean.noun_form(c.object.noun.korean[0], takes), key)]
    return phrase(c.object, key, takes, w, asked=c.asked == "count")


def _filler(role: str, c: Clause, w: Wording) -> Words:
    """The words in one adverbial role, or what asks for it."""
    key = (c.number, role)
    if role == c.asked:
        asked = {"time": "언제", "why": "왜", "how": "어떻게", "where": "어디에서", "goal": "어디에", "in": "어디에"}
        if role == "hour":
            return [("몇", None), ("시에", None)]
        if role == "with":
            return [(w.loose("누구와", "누구하고", "누구랑"), key)]
        if isinstance(c.predicate, Phrase | Adjective):
            return []
        return [(w.loose(asked[role], "어디서") if role == "where" else asked[role], key)]
    filler = c.adverbial(role)
    if filler is None:
        return []
    if isinstance(filler, Adverb):
        return adverb(filler, key, w)
    if isinstance(filler, int):
        return _hour(role, filler, key, w)
    if isinstance(filler, Place):
        particle = PARTICLES[role]
        if role == "goal":
            particle = w.loose("에", "에", "로")
        if filler.position:
            place = korean.noun_form(w.loose(*filler.position.korean), particle)
            return [*phrase(filler.phrase, key, "", w), (place, None)]
        return phrase(filler.phrase, key, particle, w)
    if role == "about":
        return [*phrase(filler, key, "", w, glue="에"), (w.loose("대해", "대해서", "관해"), None)]
    particle = PARTICLES[role]
    if role == "with":
        particle = w.loose("와", "하고", "랑")
    if role == "recipient":
        particle = w.loose("에게", "한테", "께" if filler.noun.group == "elder" else "에게")
    words = phrase(filler, key, particle, w)
    return [*words, (w.loose("함께", "같이"), None)] if role == "with" and w.loose(False, False, True) else words


def _hour(role: str, hour: int, key: Key, w: Wording) -> Words:
    particle = {"source": "부터", "until": "까지"}.get(role, "에")
    if w.loose(False, False, True):
        return [(f"{hour}시{particle}", key)]
    return [(NUMBERS[hour], key), (f"시{particle}", None)]

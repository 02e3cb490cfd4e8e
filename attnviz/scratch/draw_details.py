"""What is said beside a verb and its object, at random: tense, negation, when, where, with whom, and what is asked."""

from dataclasses import replace
from functools import cache
from random import Random

from attnviz.scratch.draw_phrases import chance, other_pronoun, place, someone, something
from attnviz.scratch.lexicon import Adverb, Verb, date, lexicon
from attnviz.scratch.meaning import Clause, Phrase, Place

ASKABLE = {
    "eat", "drink", "buy", "make", "read", "do", "see", "study", "learn", "teach", "sell", "like", "need", "write",
    "draw", "find", "hear", "cook", "know", "give", "send", "choose", "bring", "hate", "want",
}  # fmt: skip
"""Verbs that are asked "what?" of: the others say too little without their object."""
ASKED_WHO = {"meet", "help", "love", "invite", "hug", "wait for"}
KINDS = [
    "food", "fruit", "animal", "vegetable", "sports", "color", "book", "movie", "music", "song", "dance",
    "language", "subject", "flower",
]  # fmt: skip
PROGRESS_EXCLUDES = {"state", "event", "weather", "thing", "flower"}


def tensed(random: Random, c: Clause, verb: Verb) -> Clause:
    """Tense, progress, a modal, negation."""
    negative = chance(random, 0.18)
    if c.mood in ("order", "proposal"):
        return replace(c, negative=negative and c.mood == "order")
    tense = random.choices(("past", "present", "future"), (46, 34, 20))[0]
    restless = not PROGRESS_EXCLUDES & verb.notes
    if chance(random, 0.2) and not {"weather", "thing", "flower", "animal"} & verb.notes:
        modal = random.choices(("can", "want", "must", "may", "like"), (31, 29, 19, 11, 10))[0]
        if modal == "like" and (not restless or verb.english[0] == "like"):
            modal = "want"
        if modal == "may":
            return replace(c, modal="may", negative=c.mood == "statement" and chance(random, 0.7))
        if modal == "must":
            past = chance(random, 0.15)
            return replace(c, modal="must", mood="statement", tense="past" if past else "present")
        past = chance(random, 0.15)
        return replace(c, modal=modal, negative=negative, tense="past" if past else "present")
    if restless and tense != "future" and chance(random, 0.2):
        return replace(c, progressive=True, tense=tense, negative=negative and chance(random, 0.5))
    return replace(c, tense=tense, negative=negative)


def _times(c: Clause) -> tuple[Adverb, ...]:
    adverbs = lexicon().adverbs
    if c.progressive:
        return adverbs["time now"] if c.tense == "present" else adverbs["time past"]
    if c.mood in ("order", "proposal") or c.tense == "future" or c.modal in ("must", "want", "can"):
        return adverbs["time future"] + adverbs["time"] if c.tense != "past" else adverbs["time past"]
    if c.tense == "past":
        return adverbs["time past"] + adverbs["time past"] + adverbs["time"]
    return adverbs["time habit"] + adverbs["time"]


def _date(random: Random) -> Adverb:
    in_english, in_korean = date(random.randint(1, 12), random.randint(1, 31))
    return Adverb((f"on {in_english}",), (f"{in_korean}에",))


def with_adverbials(random: Random, c: Clause, p: float) -> Clause:
    """When, where, how, with whom: what the verb may have; `p` scales how often."""
    verb = c.predicate
    assert isinstance(verb, Verb)
    notes, found = verb.notes, dict[str, Phrase | Place | Adverb | int]()
    adverbs = lexicon().adverbs
    state = bool({"state", "weather"} & notes)
    if "to" in notes and chance(random, 0.45 * p):
        human = someone(random, c.subject, c.object)
        found["recipient"] = other_pronoun(random, c.subject) if human.noun.group == "pronoun" else human
    for role in ("goal", "in"):
        if f"{role}!" in notes or (role in notes and chance(random, 0.6)):
            inside = verb.english[0] in ("put", "sit", "lie", "stand", "leave")
            found[role] = place(random, at=inside)
    if "source" in notes and chance(random, 0.15 * p):
        found["source"] = place(random)
    if (("where" in notes or "where!" in notes) and chance(random, 0.35 * p) and "goal" not in found) or (
        not state and not {"goal", "in"} & found.keys() and chance(random, 0.08 * p)
    ):
        found["where"] = place(random)
    if "with" in notes and chance(random, 0.14 * p):
        human = someone(random, c.subject, c.object)
        found["with"] = other_pronoun(random, c.subject) if human.noun.group == "pronoun" else human
    if "vehicle" in notes and chance(random, 0.18 * p):
        found["vehicle"] = Phrase(random.choice(lexicon().of("transit", "car") + lexicon().of("mount")[:1]))
    if "tool" in notes and chance(random, 0.12 * p):
        found["tool"] = Phrase(random.choice(lexicon().of("tool", "pencil")))
    if "about" in notes and chance(random, 0.6):
        about = lexicon().of(
            "show", "book", "plan", "rule", "event", "health", "season", "problem", "country", "kin", "family"
        )
        found["about"] = something(random, random.choice(about), 0.4)
    if verb.english[0] in ("walk", "run", "travel") and not found and chance(random, 0.15):
        found |= {"source": place(random), "until": place(random)}
    if not state and not c.progressive and chance(random, 0.1 * p) and c.modal != "like":
        found["manner"] = random.choice(adverbs["manner"])
    if c.modal != "like" and chance(random, 0.24 * p):
        found["time"] = _date(random) if chance(random, 0.12) else random.choice(_times(c))
    if not state and not c.progressive and not c.modal:
        if chance(random, 0.05 * p):
            found["hour"] = random.randint(1, 12)
        elif (
            verb.english[0] in ("work", "study", "sleep", "play", "exercise")
            and chance(random, 0.06)
            and "source" not in found
        ):
            start = random.randint(1, 10)
            found |= {"source": start, "until": start + random.randint(1, 2)}
        if c.mood == "statement" and c.tense != "future" and not c.negative and chance(random, 0.07 * p):
            found["frequency"] = random.choice(adverbs["frequency"])
    return replace(c, adverbials=tuple(found.items()))


@cache
def tells_itself(verb: Verb) -> bool:
    """Whether a verb is translated alike whatever its object, or is what its word means where the object is open."""
    verbs = [other for other in lexicon().verbs if other.objects]
    if verb.takes != "를":
        return False
    if verb.english[0] in ASKABLE | ASKED_WHO:
        return next(other for other in verbs if other.english[0] == verb.english[0]) is verb
    alike = [other for other in verbs if other.english[0] == verb.english[0] or other.korean[0] == verb.korean[0]]
    return alike == [verb]


def asking(random: Random, c: Clause, verb: Verb) -> Clause:
    """The clause as a question for one of its parts."""
    said = dict(c.adverbials)
    roles = ["why", "time", "why", "time"]
    plain = c.object is not None and c.object == Phrase(c.object.noun, adjective=c.object.adjective)
    plain = plain and c.object is not None and c.object.noun.group != "thing pronoun"
    name = verb.english[0]
    if plain and c.object and (name in ASKED_WHO if c.object.noun.is_human else name in ASKABLE and tells_itself(verb)):
        roles += ["object"] * 6
    if (
        plain
        and c.object
        and c.object.noun.counter != "-"
        and not c.object.noun.measure
        and "general" not in verb.notes
    ):
        roles += ["count"] * 3
    if plain and c.object and c.object.noun.english[0] in KINDS:
        roles += ["kind"] * 8
    if c.subject and c.subject.noun.is_human and not c.negative:
        roles += ["subject"] * 2
    for role in ("where", "goal", "in"):
        if role in verb.notes or f"{role}!" in verb.notes:
            roles += [role] * (6 if role in said or f"{role}!" in verb.notes else 1)
    if "goal" in said or "goal!" in verb.notes:
        roles += ["how"] * 3
    if "with" in said:
        roles += ["with"] * 6
    if "time" not in said and name in ("get up", "sleep", "go", "come", "start", "end", "eat", "leave", "arrive"):
        roles += ["hour"] * 2
    asked = random.choice(roles)
    if asked in ("time", "hour"):
        said = {role: filler for role, filler in said.items() if role not in ("time", "hour")}
    if asked == "how":
        said = {role: filler for role, filler in said.items() if role not in ("vehicle", "manner")}
    if asked in ("where", "in"):
        said = {role: filler for role, filler in said.items() if role not in ("where", "in", "goal")}
    if asked == "goal":
        said = {role: filler for role, filler in said.items() if role not in ("goal", "where", "until")}
    if asked in ("object", "count", "kind") and c.object:
        c = replace(c, object=Phrase(c.object.noun))
    if asked == "subject":
        c = replace(c, subject=Phrase(lexicon().noun("person")))
    negative = c.negative and asked in ("why", "")
    return replace(c, asked=asked, adverbials=tuple(said.items()), negative=negative)

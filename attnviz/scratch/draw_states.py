"""What somebody or something is, is like, has, and where it is, at random."""

from dataclasses import replace
from functools import cache
from random import Random

from attnviz.scratch.draw_phrases import chance, described, open_noun, owner, place, someone, something
from attnviz.scratch.lexicon import SUBJECTS, Adverb, Noun, date, lexicon
from attnviz.scratch.meaning import Clause, Phrase, Place


def adjectival(random: Random, number: int, mood: str, subject: Phrase | None) -> Clause:
    """He is tall; this bag is not expensive; the weather is good today; he is taller than Minsu."""
    words = lexicon()
    if subject is None or subject.noun.adjectives == "-":
        described = random.choice(_describable())
        subject = subject or (someone(random) if chance(random, 0.55) else something(random, described, 0.9))
        if chance(random, 0.06) and number == 0:
            subject = Phrase(words.noun("weather"))
        elif chance(random, 0.04):
            subject = Phrase(random.choice(SUBJECTS[6:9]))
    human = subject.noun.is_human
    kind = "person" if human else "weather" if subject.noun.english[0] == "weather" else subject.noun.adjectives
    adjective = random.choice(words.adjectives.get(kind, words.adjectives["thing"]))
    subject = replace(subject, adjective=None, count=0)
    found = dict[str, Phrase | Place | Adverb | int]()
    tense = random.choices(("past", "present", "future"), (25, 70, 5))[0]
    negative = chance(random, 0.15)
    if (
        subject.noun.group != "thing pronoun"
        and kind not in ("weather", "text", "fun")
        and chance(random, 0.12)
        and not negative
    ):
        other = (
            someone(random, subject)
            if human
            else Phrase(random.choice([n for n in words.nouns if n.group == subject.noun.group]))
        )
        if other.noun != subject.noun:
            found["than"] = replace(other, adjective=None, many=False)
    elif not negative and chance(random, 0.2):
        found["degree"] = random.choice(words.adverbs["degree"])
    if kind in ("weather", "person") and chance(random, 0.15):
        times = {"past": "time past", "present": "time", "future": "time future"}
        found["time"] = words.adverbs["time"][0] if tense == "present" else random.choice(words.adverbs[times[tense]])
    asked = "why" if mood == "question" and human and chance(random, 0.15) and not found else ""
    return Clause(
        number, subject, adjective, None, tuple(found.items()), tense, negative=negative, mood=mood, asked=asked
    )


@cache
def _describable() -> tuple[Noun, ...]:
    """The things that an adjective can be said of."""
    words = lexicon()
    return tuple(noun for noun in words.nouns if noun.adjectives in words.adjectives and not noun.is_human)


def nominal(random: Random, number: int, mood: str, subject: Phrase | None) -> Clause:
    """I am a student; this is my bag; what is this?; my name is Anna; today is Monday."""
    from attnviz.scratch.draw_clauses import relative as draw_relative  # which may have such a clause in it

    words = lexicon()
    asked = ""
    kind = random.random()
    tense = random.choices(("past", "present"), (15, 85))[0]
    if subject or kind < 0.5:
        subject = subject or someone(random)
        person = Phrase(random.choice(words.of("person", "person", "kin", "family", "nationality")))
        person = described(random, person, 0.25)
        if person.noun.group == "kin":
            person = replace(person, owner=owner(random), adjective=None)
        if person.noun.group in ("person", "kin") and chance(random, 0.04):
            relative = draw_relative(random, person.noun, number + 2)
            person = replace(person, relative=relative) if relative else person
        predicate = person if person.noun.group != "family" else Phrase(words.noun("student"))
        if mood == "question" and chance(random, 0.2):
            asked, tense = "predicate", "present"
    elif kind < 0.85:
        subject = Phrase(random.choice(SUBJECTS[7:9]))
        noun = random.choice(
            words.of(
                "bag",
                "book",
                "toy",
                "umbrella",
                "device",
                "pencil",
                "photo",
                "gift",
                "key",
                "room",
                "fruit",
                "tree",
                "flower",
                "clothes",
                "headwear",
                "chair",
                "house",
                "dish",
                "plan",
                "question",
                "pet",
                "song",
            )
        )
        predicate = something(random, noun)
        predicate = replace(predicate, count=0, pointed="")
        if predicate.owner is None and chance(random, 0.25):
            relative = draw_relative(random, noun, number + 2)
            predicate = replace(predicate, relative=relative) if relative else predicate
        tense = "present"
        if mood == "question" and chance(random, 0.4):
            asked = random.choice(("predicate", "owner"))
            predicate = Phrase(noun)
    elif kind < 0.90:
        subject = Phrase(words.noun("name"), owner=owner(random))
        noun = open_noun("name", random) if chance(random, 0.6) else random.choice(words.of("name"))
        predicate, tense = Phrase(noun), "present"
        if mood == "question":
            asked = "predicate"
            predicate = Phrase(words.noun("book"))
    else:
        return _of_time_or_price(random, number, mood)
    negative = not asked and chance(random, 0.2)
    if asked:
        tense = "present"
    return Clause(number, subject, predicate, None, (), tense, negative=negative, mood=mood, asked=asked)


def _of_time_or_price(random: Random, number: int, mood: str) -> Clause:
    """Today is Monday; my birthday is May 3; I am ten years old; when is the party?; how much is this bag?"""
    words = lexicon()
    kind = random.choice(("day", "age", "date", "when", "price"))
    asked = ""
    predicate = Phrase(words.noun("book"))
    if kind == "day":
        day = random.choice(words.adverbs["day"])
        subject, predicate = Phrase(Noun(("today",), ("오늘",), "date")), Phrase(Noun(day.english, day.korean, "date"))
    elif kind == "age":
        age = random.choice(words.adverbs["age"])
        subject, predicate = someone(random), Phrase(Noun(age.english, age.korean, "date"))
    elif kind == "price":
        things = words.of("bag", "book", "clothes", "fruit", "umbrella", "device", "footwear", "dish", "watch", "toy")
        subject, mood, asked = (
            Phrase(random.choice(things), pointed=random.choice(("this", "that"))),
            "question",
            "price",
        )
    else:
        event = words.noun(random.choice(("birthday", "birthday", "party", "test", "wedding", "meeting")))
        subject = Phrase(event, owner=owner(random) if event.english[0] == "birthday" or chance(random, 0.4) else None)
        in_english, in_korean = date(random.randint(1, 12), random.randint(1, 31))
        predicate = Phrase(Noun((in_english,), (in_korean,), "date"))
        if kind == "when":
            mood, asked = "question", "time"
    negative = not asked and chance(random, 0.1)
    return Clause(
        number, subject, predicate if asked != "price" else "price", negative=negative, mood=mood, asked=asked
    )


def existential(random: Random, number: int, kind: str, mood: str, subject: Phrase | None) -> Clause:
    """There is a book on the desk; I have a book; the cat is under the chair."""
    words = lexicon()
    tense = random.choices(("past", "present", "future"), (25, 72, 3))[0]
    negative = chance(random, 0.2)
    groups = (
        "book",
        "bag",
        "umbrella",
        "device",
        "pencil",
        "car",
        "toy",
        "key",
        "fruit",
        "drink",
        "pet",
        "money",
        "time",
        "kin",
        "map",
        "ball",
        "watch",
        "chair",
        "photo",
        "problem",
        "question",
        "lesson",
        "exam",
        "person",
        "tree",
        "flower",
        "plan",
        "rule",
        "dream",
        "kitchenware",
        "vegetable",
        "staple",
    )
    noun = random.choice(words.of(*groups))
    if kind == "have":
        thing = something(random, noun if noun.group != "person" else words.noun("time"), 1.3)
        thing = replace(thing, owner=None, pointed="")
        if noun.group == "kin" and chance(random, 0.5):
            thing = replace(thing, count=random.randint(1, 4))
        asked = (
            "count"
            if mood == "question" and thing.noun.counter != "-" and not thing.noun.measure and chance(random, 0.3)
            else ""
        )
        thing = replace(thing, count=0 if asked else thing.count, adjective=None if asked else thing.adjective)
        return Clause(
            number,
            subject or someone(random),
            "have",
            thing,
            (),
            tense if tense != "future" else "present",
            negative=negative and not asked,
            mood=mood,
            asked=asked,
        )
    if kind == "there":
        while noun.group in ("kin", "time", "money", "dream", "plan", "rule"):
            noun = random.choice(words.of(*groups))
        thing = something(random, noun, 1.3)
        thing = replace(thing, owner=None, pointed="")
        if noun.group == "person" and chance(random, 0.4):
            thing = replace(thing, count=random.randint(2, 9), adjective=None)
        adverbials = (("in", place(random, countries=False, at=not noun.is_human)),) if chance(random, 0.85) else ()
        asked = (
            "count" if mood == "question" and noun.counter != "-" and not noun.measure and chance(random, 0.35) else ""
        )
        thing = replace(
            thing,
            count=0 if asked or negative else thing.count,
            many=bool(asked),
            adjective=None if asked else thing.adjective,
        )
        return Clause(
            number, thing, "there", None, adverbials, tense, negative=negative and not asked, mood=mood, asked=asked
        )
    asked = "in" if mood == "question" and chance(random, 0.6) else ""
    moved = subject or (
        someone(random)
        if chance(random, 0.4)
        else replace(
            something(
                random,
                random.choice(
                    words.of("book", "bag", "umbrella", "pet", "key", "place", "kin", "room", "chair", "device")
                ),
                0.8,
            ),
            count=0,
        )
    )
    adverbials = () if asked else (("in", place(random, at=not moved.noun.is_human)),)
    return Clause(
        number,
        moved,
        "at",
        None,
        adverbials,
        tense if not asked else random.choice(("present", "present", "past")),
        negative=negative and not asked,
        mood=mood,
        asked=asked,
    )

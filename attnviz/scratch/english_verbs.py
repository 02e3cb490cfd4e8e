"""The finite verb of an English clause, and what it agrees with."""

from dataclasses import replace

from attnviz.scratch import english
from attnviz.scratch.lexicon import Verb
from attnviz.scratch.meaning import Clause
from attnviz.scratch.wording import Wording


def third(c: Clause) -> bool:
    """Whether the verb takes -s: he, my friend, it."""
    if c.subject is None or c.asked == "subject":
        return True
    return c.subject.noun.english[0] not in ("I", "you") and not c.subject.is_plural


def _be(c: Clause) -> str:
    first = c.subject is not None and c.subject.noun.english[0] == "I" and c.asked != "subject"
    if c.tense == "past":
        return "was" if first or third(c) else "were"
    return "am" if first else "is" if third(c) else "are"


def finite(c: Clause, w: Wording) -> tuple[str | None, str]:
    """The auxiliary that is inverted and negated, and the head of the rest: ("do", "eat"), (None, "ate").

    A verb that is not said here is left to `_rest` as "": for the predicates that have none.
    """
    verb = c.predicate if isinstance(c.predicate, Verb) else None
    base = verb.english[0] if verb else "have" if c.predicate == "have" else "be"
    if base == "become" and (c.modal or c.tense == "future"):
        base = w.loose("become", "be")
    if c.tense == "future":
        return ("will", base) if w.loose(True, True, False) else (_be(replace(c, tense="present")), f"going to {base}")
    if c.modal == "can":
        return "could" if c.tense == "past" else "can", base
    must = w.loose("must", "have to", "have to", "should") if c.modal == "must" else ""
    if (c.modal == "may" or must in ("must", "should")) and c.tense == "present":
        return must or ("must" if c.negative else "may"), base
    if c.modal == "want" and c.tense == "present" and not c.negative and w.loose(False, False, True):
        return "would", f"like to {base}"
    if base == "be":
        return _be(c), ""
    if c.progressive:
        first, *others = base.split()
        return _be(c), " ".join([english.ing(first), *others])
    after = {"want": "want to", "like": "like to", "must": "have to"}.get(c.modal)
    lexical = f"{after} {base}" if after else base
    if c.modal == "like" and w.loose(False, True):
        lexical = " ".join(["like", english.ing(base.split()[0]), *base.split()[1:]])
    if c.negative or (c.mood == "question" and c.asked != "subject"):
        return ("did" if c.tense == "past" else "does" if third(c) else "do"), lexical
    first, *others = lexical.split()
    if c.tense == "past":
        pasts = {"want": "wanted", "like": "liked", "have": "had"}
        if verb and not after:
            return None, verb.past
        return None, " ".join([pasts[first], *others])
    return None, " ".join([english.third_person(first) if third(c) else first, *others])

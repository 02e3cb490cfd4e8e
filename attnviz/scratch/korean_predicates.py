"""The predicate of a clause in Korean words.

It is a chain: the verb first, then what makes it a wish, a negation, a future; each is a verb itself, and gives the one
before it its ending: 먹고 싶지 않다.
"""

from dataclasses import dataclass

from attnviz.scratch import korean
from attnviz.scratch.korean_forms import form_of
from attnviz.scratch.korean_phrases import adverb, phrase
from attnviz.scratch.lexicon import Adjective, Adverb, Verb
from attnviz.scratch.meaning import Clause, Phrase
from attnviz.scratch.wording import Key, Wording, Words

COPULA = {  # the copula's ending for a verb's
    "다": "이다", "어요": "이에요", "습니다": "입니다", "었다": "이었다", "었어요": "이었어요",
    "었습니다": "이었습니다", "니": "이니", "습니까": "입니까", "었니": "이었니", "었습니까": "이었습니까",
    "고": "이고", "지만": "이지만", "면": "이면", "어서": "이라서", "ㄴ": "인", "ㄹ": "일", "다고": "이라고",
    "었을": "이었을", "었다고": "이었다고",
    "어": "이에요", "었어": "이었어요", "었지만": "이었지만", "은지": "인지", "나요": "인가요",
}  # fmt: skip
LEVELS = {  # speech level: statement, question, order, proposal
    "plain": ("다", "니", "어라", "자"),
    "polite": ("어요", "어요", "세요", "ㅂ시다"),
    "formal": ("습니다", "습니까", "십시오", "ㅂ시다"),
    "casual": ("어", "어", "어라", "자"),
}
MOODS = ("statement", "question", "order", "proposal")


@dataclass(frozen=True)
class _Link:
    """A verb of the chain: its words, its last lemma, and whether it is of action (먹는다) or of state (크다)."""

    before: Words
    lemma: str
    is_action: bool
    key: Key = None
    noun: str = ""  # of the copula


def predicate(c: Clause, w: Wording, form: str) -> Words:
    """The chain of the predicate, each verb with the ending that the next one asks for."""
    words = _degree(c, w)
    link = _first(c, w)
    honoured = (
        form in LEVELS
        and form != "casual"
        and isinstance(c.predicate, Verb)
        and c.subject is not None
        and c.subject.noun.group == "elder"
        and w.loose(False, True)
    )
    negative = c.negative
    if isinstance(c.predicate, Verb) and c.predicate.negation and negative and not c.modal:
        negative, link = False, _Link([], c.predicate.negation, True, link.key)
    cannot = w.loose("", "", "못", "못하다") if c.modal == "can" and negative else ""
    if cannot == "못":
        return [*words, *link.before, ("못", None), *_end(link, c, w, form, honoured)]
    if cannot == "못하다":
        return [*words, *_inflected(link, "지"), *_end(_Link([], "못하다", True), c, w, form, honoured)]
    before, link = _modal(c, link, w)
    words += before
    if c.progressive and not c.modal and form != "while":
        words += _inflected(link, "고")
        link = _Link([], w.loose("있다", "있다", "계시다" if honoured else "있다"), False)
        honoured = False
    if negative:
        before, link = _negated(c, link, w)
        words += before
    if c.tense == "future" and (form in LEVELS or form == "that") and c.mood in ("statement", "question"):
        if form != "that" and w.loose(False, False, True):
            return words + _would(link, c, form, w)
        words += _inflected(link, "ㄹ")
        link = _Link([], "것", False, None, noun="것")
    return words + link.before + _end(link, c, w, form, honoured)


def _degree(c: Clause, w: Wording) -> Words:
    words: Words = []
    than, degree = c.adverbial("than"), c.adverbial("degree")
    if isinstance(than, Phrase):
        words += phrase(than, (c.number, "than"), "보다", w)
        words += w.either([], [("더", None)])
    if isinstance(degree, Adverb):
        words += adverb(degree, None, w)
    return words


def _first(c: Clause, w: Wording) -> _Link:
    """The predicate itself."""
    n = c.number
    if isinstance(c.predicate, Verb):
        *before, lemma = w.loose(*c.predicate.korean).split()
        return _Link([(word, None) for word in before], lemma, "quality" not in c.predicate.notes, (n, "verb"))
    if isinstance(c.predicate, Adjective):
        *before, lemma = w.loose(*c.predicate.korean).split()
        return _Link([(word, None) for word in before], lemma, c.predicate.is_action, (n, "predicate"))
    if isinstance(c.predicate, Phrase):
        key = (n, "predicate")
        if c.asked == "predicate":
            noun = "누구" if c.predicate.noun.is_human else w.loose("무엇", "뭐")
            return _Link([], noun, False, None, noun=noun)
        if c.asked == "time":
            return _Link([], "언제", False, None, noun="언제")
        if c.asked == "owner":
            return _Link([("누구의", None)], "", False, key, noun=c.predicate.noun.korean[0])
        words = phrase(c.predicate, key, "", w)
        return _Link(words[:-1], words[-1][0], False, key, noun=words[-1][0])
    if c.asked == "price":
        return _Link([], "얼마", False, None, noun="얼마")
    if c.predicate == "at" and c.asked == "in":
        return _Link([], "있다", False, None)
    return _Link([], "있다", False, (n, "verb") if c.predicate == "have" else None)


def _inflected(link: _Link, ending: str) -> Words:
    if link.noun:
        return [*link.before, (korean.noun_form(link.noun, COPULA[ending]), link.key)]
    return [*link.before, (form_of(link.lemma, ending, link.is_action), link.key)]


def _modal(c: Clause, link: _Link, w: Wording) -> tuple[Words, _Link]:
    """can: -ㄹ 수 있다; want: -고 싶다; must: -어야 한다; may not: -면 안 된다; like: -는 것을 좋아한다."""
    if c.modal == "can":
        return [*_inflected(link, "ㄹ"), ("수", None)], _Link([], "있다", False)
    if c.modal == "want":
        first_person = c.subject is not None and c.subject.noun.english[0] in ("I", "we")
        asked_you = c.subject is not None and c.subject.noun.english[0] == "you"
        if first_person or asked_you or w.either(False, True):
            return _inflected(link, "고"), _Link([], "싶다", False)
        return [*_inflected(link, "고"), ("싶어", None)], _Link([], "하다", True)
    if c.modal == "must":
        return _inflected(link, "어야"), _Link([], w.loose("하다", "하다", "되다"), True)
    if c.modal == "may":
        if not c.negative:
            return _inflected(link, "어도"), _Link([], "되다", True)
        return [*_inflected(link, "면"), ("안", None)], _Link([], "되다", True)
    if c.modal == "like":
        thing = w.either([*_inflected(link, "는"), ("것을", None)], _inflected(link, "기"))
        if len(thing) == 1 + len(link.before):
            thing = [*thing[:-1], (thing[-1][0] + "를", link.key)]
        return thing, _Link([], "좋아하다", True)
    return [], link


def _negated(c: Clause, link: _Link, w: Wording) -> tuple[Words, _Link]:
    """-지 않다, or 안 before the verb; 없다 for 있다, 아니다 for 이다; in orders -지 말다."""
    if c.modal == "may":
        return [], link
    if c.mood in ("order", "proposal"):
        return _inflected(link, "지"), _Link([], "말다", True)
    if link.noun:
        return [*link.before, (korean.noun_form(link.noun, "가"), link.key)], _Link([], "아니다", False)
    if link.lemma == "있다" and (c.modal == "can" or c.predicate in ("there", "have", "at")):
        return [], _Link(link.before, "없다", False, link.key)
    if not c.modal and not c.progressive and w.either(False, False, True):
        return [], _Link([*link.before, ("안", None)], link.lemma, link.is_action, link.key)
    return _inflected(link, "지"), _Link([], "않다", link.is_action)


def _would(link: _Link, c: Clause, form: str, w: Wording) -> Words:
    """Another future, which is read only: 먹겠다, 먹을게요, 먹을까요."""
    if link.noun:
        return [*_inflected(link, "ㄹ"), ("거예요", None)]
    if c.mood == "question" and form in ("polite", "formal"):
        return _inflected(link, "ㄹ까요")
    return _inflected(
        link, {"plain": "겠다", "formal": "겠습니다"}.get(form, "겠어요") if c.mood != "question" else "ㄹ까요"
    )


def _end(link: _Link, c: Clause, w: Wording, form: str, honoured: bool) -> Words:
    """The last verb of the chain, in the form that is asked for, with the words behind it."""
    past = c.tense == "past"
    if form in LEVELS:
        ending = LEVELS[form][MOODS.index(c.mood)]
        if c.mood in ("order", "proposal"):
            if link.lemma == "말다":
                return [(w.loose("마라", "마") if form in ("plain", "casual") else w.loose("마세요", "마십시오"), None)]
            if c.mood == "order" and form == "polite" and w.loose(False, False, True):
                return [*_forms(link, "어", w), ("주세요", None)]
            return _forms(link, ending, w)
        ending = f"었{ending}" if past else ending
        if c.mood == "question" and not link.noun:
            ending = w.loose(ending, {"어요": "나요", "었어요": "었나요"}.get(ending, ending))
        if link.noun == "것":
            return (
                [(korean.noun_form("거", "이에요"), None)] if form in ("polite", "casual") else _forms(link, ending, w)
            )
        if honoured and link.key and not link.noun:
            return _honoured(link, c, ending)
        return _forms(link, "는다" if ending == "다" else ending, w)
    if form == "noun":
        present = "는" if link.is_action else "ㄴ"
        ending = "ㄹ" if c.tense == "future" else "ㄴ" if past and link.is_action else present
        return _forms(link, ending, w)
    if form == "that":
        if past:
            return _forms(
                link,
                w.loose("다고", "다고", "었다고")
                if link.noun or not link.is_action
                else w.loose("는다고", "는다고", "었다고"),
                w,
            )
        return _forms(link, "다고" if link.noun or not link.is_action else "는다고", w)
    return _linked(link, c, w, form, past)


def _linked(link: _Link, c: Clause, w: Wording, form: str, past: bool) -> Words:
    """The last verb of a clause that another follows."""
    if form == "and":
        return _forms(link, w.loose("고", "고", "고"), w)
    if form == "but":
        return _forms(link, "었지만" if past else "지만", w)
    if form == "because":
        if link.noun or w.either(False, False, True) is False:
            return _forms(link, "어서", w)
        return [*_forms(link, "었기" if past else "기", w), ("때문에", None)]
    if form == "when":
        return [*_forms(link, "었을" if past else "ㄹ", w), ("때", None)]
    if form == "if":
        return _forms(link, "면", w)
    if form in ("to", "while"):
        return _forms(link, "러" if form == "to" else "면서", w)
    if form == "before":
        return [*_forms(link, "기", w), ("전에", None)]
    return [*_forms(link, "ㄴ", w), (w.loose("후에", "뒤에"), None)]


def _forms(link: _Link, ending: str, w: Wording) -> Words:
    if link.noun:
        said = korean.noun_form(link.noun, COPULA["다" if ending == "는다" else ending])
        if korean.final(link.noun) == 0 and ending in ("는다", "다", "니"):
            said = w.either(said, link.noun + ending[-1])
        return [(said, link.key)]
    return [(form_of(link.lemma, ending, link.is_action), link.key)]


def _honoured(link: _Link, c: Clause, ending: str) -> Words:
    """드신다, 읽으셨다; the politest words of some verbs stand in the lexicon."""
    polite = c.predicate.polite if isinstance(c.predicate, Verb) and link.key else ""
    if ending == "어요":
        stem = f"{polite.removesuffix('시')}세요" if polite else korean.verb_form(link.lemma, "세요")
        return [(stem, link.key)]
    if polite:
        return [(form_of(f"{polite}다", "는다" if ending == "다" else ending, link.is_action), link.key)]
    return [
        (
            form_of(link.lemma, "시는다" if ending == "다" and link.is_action else f"시{ending}", link.is_action),
            link.key,
        )
    ]

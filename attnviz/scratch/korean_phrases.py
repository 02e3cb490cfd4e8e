"""Noun phrases of a meaning in Korean words: owners, numbers and counters, the ending of the last noun."""

from dataclasses import replace

from attnviz.scratch import korean
from attnviz.scratch.korean_forms import form_of
from attnviz.scratch.lexicon import Adverb, Noun
from attnviz.scratch.meaning import Phrase
from attnviz.scratch.wording import Key, Wording, Words

NUMBERS = ["영", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두"]
_SUBJECT_FORMS = {"나": "내가", "저": "제가", "너": "네가"}


def phrase(p: Phrase, key: Key, ending: str, w: Wording, asked: bool = False, glue: str = "") -> Words:
    """A noun phrase with the ending of its last noun: 내 친구의 빨간 가방을, 사과 세 개를, 내가 어제 산 책을."""
    if p.joined:
        assert key
        first, second = replace(p, joined=None), (key[0], "second")
        return [*phrase(first, key, w.loose("와", "와", "하고"), w), *phrase(p.joined, second, ending, w)]
    noun = p.noun
    words: Words = []
    if p.owner:
        words += _owner(p, key, w)
    elif noun.group in ("kin", "elder", "family") and key and key[1] == "subject" and not p.relative:
        words += w.either([], [(w.loose("내", "나의", "제", "우리"), None)])
    if p.pointed:
        words.append(({"this": "이", "that": w.either("저", "그")}[p.pointed], None))
    if p.relative:
        from attnviz.scratch.in_korean import clause_words  # a clause has phrases, and a phrase may have a clause

        words += clause_words(p.relative, w, "noun", "가")
    if p.plenty:
        words.append(("많은", None))
    if p.adjective:
        *before, lemma = w.loose(*p.adjective.korean).split()
        form = form_of(lemma, "ㄴ", False)
        words += [*((word, None) for word in before), (form, (key[0], f"{key[1]} adjective") if key else None)]
    *little, last = w.loose(*noun.korean).split()
    words += [(word, None) for word in little]
    ending = glue or ending
    if asked or p.count:
        return words + _counted(p, last, key, ending, w, asked)
    if noun.group in ("pronoun", "thing pronoun"):
        return [(_pronoun(noun, last, ending, w), key)]
    if p.many and f"들{korean.NOUN_ENDINGS[ending][0]}" in korean.NOUN_ENDINGS:
        return [*words, (korean.noun_form(last, f"들{korean.NOUN_ENDINGS[ending][0]}"), key)]
    return [*words, (korean.noun_form(last, ending), key)]


def _owner(p: Phrase, key: Key, w: Wording) -> Words:
    role = (key[0], f"{key[1]} owner") if key else None
    assert p.owner
    word = p.owner.noun.english[0]
    if word == "I":
        return [(w.either("내", w.loose("나의", "제", "저의")), role)]
    if word == "we":
        return [(w.loose("우리", "우리의", "저희"), role)]
    if word == "you":
        return [(w.either("너의", "네"), role)]
    return phrase(p.owner, role, "의", w)


def _counted(p: Phrase, last: str, key: Key, ending: str, w: Wording, asked: bool) -> Words:
    """사과 세 개를, 사과를 세 개; 커피 한 잔을; 사과 몇 개를."""
    noun = p.noun
    number = "몇" if asked else NUMBERS[p.count]
    counter = "명" if noun.counter == "-" and noun.is_human else noun.counter
    count = (key[0], f"{key[1]} count") if key and not asked else None
    before = [(korean.noun_form(last, ending), key), (number, count), (counter, None)]
    after = [(last, key), (number, count), (korean.noun_form(counter, ending), None)]
    if ending not in ("를", "가"):
        return after
    return w.either(before if asked else after, after if asked else before)


def _pronoun(noun: Noun, last: str, ending: str, w: Wording) -> str:
    if ending == "가" and last in _SUBJECT_FORMS:
        return _SUBJECT_FORMS[last]
    return korean.noun_form(last, ending)


def adverb(adverb: Adverb, key: Key, w: Wording) -> Words:
    """월요일에: its last word carries the key."""
    *little, last = w.loose(*adverb.korean).split()
    return [*((word, None) for word in little), (last, key)]

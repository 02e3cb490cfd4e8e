"""Every word that the corpus can write, with its stem and its ending: what the tokenizer is made of."""

from collections import defaultdict
from collections.abc import Iterator

from attnviz.scratch import english, english_phrases, korean, korean_forms, korean_phrases
from attnviz.scratch.lexicon import OPEN, PRONOUNS, Adverb, Noun, lexicon, open_name
from attnviz.scratch.tokenizer import PUNCTUATION, SPECIALS, Tokenizer

Word = tuple[str, str, str]  # as it is written, its stem, its ending

ENGLISH_WORDS = [
    "would", "should", "going", "also", "too", "while", "lot",
    "a", "an", "the", "some", "and", "but", "because", "so", "when", "if", "before", "after", "that", "who",
    "what", "where", "why", "how", "whose", "do", "does", "did", "not", "will", "may", "can", "could", "must",
    "want", "wants", "wanted", "like", "likes", "liked", "have", "has", "had", "to", "be", "am", "is", "are",
    "was", "were", "'s", "let", "please", "there", "than", "these", "those", "this", "of", "from", "with", "by",
    "about", "at", "in", "on", "under", "next", "front", "behind", "near", "many", "much", "time", "o'clock",
    "it", "no", "of",
]  # fmt: skip
KOREAN_WORDS = [
    "내", "제", "네", "내가", "제가", "네가", "누가", "이", "저", "그", "수", "안", "못", "더", "싶어", "때",
    "때문에", "전에", "후에", "뒤에", "대해", "대해서", "관해", "함께", "같이", "무슨", "몇", "많은", "언제", "왜",
    "어떻게", "마라", "마", "마세요", "마십시오", "거예요", "주세요", "뭘",
]  # fmt: skip
AUXILIARIES = {"있다": False, "없다": False, "싶다": False, "아니다": False, "않다": True, "하다": True, "되다": True}
AUXILIARIES |= {"말다": True, "못하다": True, "좋아하다": True, "계시다": False, "모르다": True}
BARE = "bare"  # of a word without forms: where another word is written alike, it is that one
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def make_tokenizer() -> Tokenizer:
    """The tokenizer of the corpus: the same each time."""
    analyses: dict[str, list[tuple[str, str]]] = defaultdict(list)
    words = list(_in_one_case(list(_all_words())))
    for text, stem, ending in words:
        if (stem, ending) not in analyses[text] and ending != BARE:
            analyses[text].append((stem, ending))
    for text, stem, _ in words:
        if not analyses[text]:
            analyses[text].append((stem, ""))
    single = {text: found[0] if len(found) == 1 else (text, "") for text, found in analyses.items()}
    stems = list(dict.fromkeys([*SPECIALS, *PUNCTUATION, *(stem for stem, _ in single.values())]))
    endings = list(dict.fromkeys(["", *(ending for _, ending in single.values())]))
    stem_of, ending_of = ({part: i for i, part in enumerate(parts)} for parts in (stems, endings))
    entries = [(token, stem_of[token], 0) for token in (*SPECIALS, *PUNCTUATION)]
    entries += [(text, stem_of[stem], ending_of[ending]) for text, (stem, ending) in single.items()]
    return Tokenizer(stems, endings, sorted(entries, key=lambda entry: entry[1]))


def _in_one_case(words: list[Word]) -> Iterator[Word]:
    """The words, those that differ from another in their capital alone (New York, May) as that: case is not read."""
    in_lower_case = {text for text, _, _ in words if text.islower()} - set(CHARACTERS)
    for text, stem, ending in words:
        small = text.lower()
        yield (small, stem.lower(), ending) if small in in_lower_case else (text, stem, ending)


def _all_words() -> Iterator[Word]:
    yield from _english()
    yield from _korean()
    for character in CHARACTERS:
        yield f"##{character}", f"##{character}", ""
        yield character, character, ""


def _english() -> Iterator[Word]:
    words = lexicon()
    for number in range(1, OPEN + 1):
        yield open_name(number), open_name(number), ""
    for word in [*ENGLISH_WORDS, *english_phrases.NUMBERS, *map(str, range(1, 32))]:
        yield word, *_function_word(word)
    for subject, (other, owner, _) in PRONOUNS.items():
        for word in (subject, other, owner):
            yield word, word, ""
    for noun in words.nouns:
        for name in noun.english:
            *before, last = name.split()
            yield from _bare(before)
            yield last, *_base(last, noun)
            if noun.group not in ("name", "country"):
                yield english.plural(last), *_plural(last)
        for word in f"{noun.determiner} {noun.measure}".replace("-", "").split():
            yield word, word, ""
        if noun.measure:
            yield english.plural(noun.measure), noun.measure, "-s"
    for verb in words.verbs:
        for base in verb.english:
            first, *rest = base.split()
            yield from _bare(rest)
            yield first, first, ""
            yield english.third_person(first), first, "-s"
            yield english.ing(first), first, "-ing"
            yield verb.past.split()[0], verb.english[0].split()[0], "-ed"
    for kind in words.adjectives.values():
        for adjective in kind:
            for word in adjective.english:
                yield word, word, ""
                compared = english.comparative(word)
                if " " not in compared:
                    yield compared, word, "-er"
                yield "more", "more", ""
    for adverb in _adverbs():
        for phrase in adverb.english:
            yield from _bare(word for word in phrase.split() if word != "?")


def _function_word(word: str) -> tuple[str, str]:
    return {
        "an": ("a", "-n"), "does": ("do", "-s"), "did": ("do", "-ed"), "has": ("have", "-s"), "had": ("have", "-ed"),
        "wants": ("want", "-s"), "wanted": ("want", "-ed"), "likes": ("like", "-s"), "liked": ("like", "-ed"),
    }.get(word, (word, ""))  # fmt: skip


def _base(name: str, noun: Noun) -> tuple[str, str]:
    """The stem of a noun as it stands in the lexicon: hands is hand + -s."""
    if noun.is_plural and english.plural(name[:-1]) == name:
        return name[:-1], "-s"
    return {"feet": "foot", "teeth": "tooth"}.get(name, name), "-s" if name in ("feet", "teeth") else ""


def _plural(name: str) -> tuple[str, str]:
    return name, "-s" if english.plural(name) != name else ""


def _bare(words: "Iterator[str] | list[str]") -> Iterator[Word]:
    """Words that have no forms; where a word with forms is written alike it is that word."""
    for word in words:
        yield word, word, BARE


def _adverbs() -> Iterator[Adverb]:
    for kind in lexicon().adverbs.values():
        yield from kind
    yield from lexicon().greetings


def _korean() -> Iterator[Word]:
    words = lexicon()
    people = [open_name(number) for number in range(1, OPEN + 1)] + ["누구", "저희", "명"]
    animals = ("pet", "wild", "beast", "bug", "family")
    people += [name.split()[-1] for n in words.nouns if n.is_human or n.group in animals for name in n.korean]
    nouns = [noun_word.split()[-1] for noun in words.nouns for noun_word in noun.korean]
    people += [pronoun for _, _, forms in PRONOUNS.values() for pronoun in forms]
    nouns += [noun.counter for noun in words.nouns if noun.counter != "-"]
    nouns += ["무엇", "뭐", "어디", "언제", "얼마", "것", "거", "시"]
    nouns += [f"{hour}시" for hour in range(1, 13)] + [f"{month}월" for month in range(1, 13)]
    nouns += [f"{day}일" for day in range(1, 32)] + ["오늘", "살", *(day.korean[0] for day in words.adverbs["day"])]
    nouns += [side for adverb in words.adverbs["position"] for side in adverb.korean]
    for noun in dict.fromkeys([*people, *nouns]):
        for ending in korean.NOUN_ENDINGS:
            if ending in korean.OF_PEOPLE and noun not in people:
                continue
            yield korean.noun_form(noun, ending), noun, ending
            if korean.final(noun) == 0 and ending in ("이다", "이니"):
                yield noun + ending[-1], noun, ending
    for entry in words.nouns:
        for name in entry.korean:
            yield from _bare(name.split()[:-1])
    yield from _verbs()
    for number in korean_phrases.NUMBERS:
        yield number, number, ""
    for word in KOREAN_WORDS:
        yield word, word, BARE
    yield "어디서", "어디", "에서"
    for adverb in _adverbs():
        for phrase in adverb.korean:
            yield from _bare(phrase.replace("?", "").split())


def _verbs() -> Iterator[Word]:
    words = lexicon()
    lemmas = [(lemma, "quality" not in verb.notes) for verb in words.verbs for lemma in verb.korean]
    lemmas += [
        (lemma, adjective.is_action)
        for kind in words.adjectives.values()
        for adjective in kind
        for lemma in adjective.korean
    ]
    for phrase, is_action in dict.fromkeys((*lemmas, *AUXILIARIES.items())):
        *before, lemma = phrase.split()
        yield from _bare(before)
        yield from _forms(lemma, lemma, is_action)
    yield from _forms("않다", "않다", False)
    for verb in words.verbs:
        if verb.polite:
            yield from _forms(f"{verb.polite}다", verb.korean[0].split()[-1], True, "시")
            yield f"{verb.polite.removesuffix('시')}세요", verb.korean[0].split()[-1], "세요"


def _forms(lemma: str, stem: str, is_action: bool, before: str = "") -> Iterator[Word]:
    for ending in korean.VERB_ENDINGS:
        if before and ending.startswith("시"):
            continue
        if not is_action and ending in ("는다", "는다고", "어라", "자", "ㅂ시다", "세요", "십시오", "러"):
            continue
        yield korean_forms.form_of(lemma, ending, is_action), stem, before + ending
        if ending == "기":
            yield korean_forms.form_of(lemma, ending, is_action) + "를", stem, before + "기를"
    for ending in ("었다", "었어요", "었습니다", "었니", "어요", "어서", "어라"):
        form = korean.uncontracted(lemma, ending)
        if form:
            yield form, stem, before + ending

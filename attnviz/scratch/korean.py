"""Korean morphology: particles by the last sound of a noun, the forms of verbs and of the copula by rule.

A verb's form is its stem and an ending, joined in one of three ways: the ending stands behind the stem as it is (먹고),
after 으 where the stem ends in a consonant (먹으면, 가면), or after 아 or 어 (먹어요, 가요). What is irregular by the
stem's last sound is a rule here; the few stems that a rule does not fit stand in the sets below.
"""

from functools import cache

FIRST_SYLLABLE, FINALS, VOWELS = 0xAC00, 28, 21  # Unicode orders syllables by initial, vowel, and one of 28 finals
NIEUN, DIGEUT, RIEUL, BIEUP, SIOT, SSANG_SIOT, HIEUT = 4, 7, 8, 17, 19, 20, 27  # finals
VOWEL_LETTERS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"  # in Unicode's order
RIEUL_INITIAL = 5

TURNS_TO_RIEUL = {"듣", "걷", "묻", "싣", "깨닫"}  # 듣다: 들어요
KEEPS_BIEUP = ("입", "잡", "접", "씹", "뽑", "좁", "업", "집", "뵙", "꼽")  # 입다: 입어요; others: 춥다, 추워요
DROPS_SIOT = {"짓", "낫", "긋", "붓", "잇"}  # 짓다: 지어요
KEEPS_HIEUT = {"좋", "넣", "놓", "쌓", "낳", "않", "싫", "많", "괜찮", "잃", "끓", "옳", "끊", "귀찮", "점잖"}
REGULAR_REU = ("따르", "들르", "치르")  # 따르다: 따라요; others: 부르다, 불러요

NOUN_ENDINGS = {  # ending: (after a consonant, after a vowel); after ㄹ as after a vowel where the first begins with 으
    "": ("", ""),
    "는": ("은", "는"),
    "들": ("들", "들"),
    "가": ("이", "가"),
    "를": ("을", "를"),
    "와": ("과", "와"),
    "로": ("으로", "로"),
    "랑": ("이랑", "랑"),
    "들은": ("들은", "들은"),
    "들이": ("들이", "들이"),
    "들을": ("들을", "들을"),
    "들에게": ("들에게", "들에게"),
    "들과": ("들과", "들과"),
    "들의": ("들의", "들의"),
    "께서": ("께서", "께서"),
    "께서는": ("께서는", "께서는"),
    "에서는": ("에서는", "에서는"),
    "에는": ("에는", "에는"),
    **{
        same: (same, same)
        for same in ["에", "에서", "에게", "의", "도", "부터", "까지", "보다", "하고", "한테", "께", "마다"]
    },
    "이다": ("이다", "이다"),
    "이에요": ("이에요", "예요"),
    "입니다": ("입니다", "입니다"),
    "이었다": ("이었다", "였다"),
    "이었어요": ("이었어요", "였어요"),
    "이었습니다": ("이었습니다", "였습니다"),
    "이니": ("이니", "니"),
    "입니까": ("입니까", "입니까"),
    "이었니": ("이었니", "였니"),
    "이었습니까": ("이었습니까", "였습니까"),
    "이고": ("이고", "고"),
    "이지만": ("이지만", "지만"),
    "이면": ("이면", "면"),
    "이라서": ("이라서", "라서"),
    "인": ("인", "인"),
    "일": ("일", "일"),
    "이라고": ("이라고", "라고"),
    "이었을": ("이었을", "였을"),
    "이었다고": ("이었다고", "였다고"),
    "이었지만": ("이었지만", "였지만"),
    "인지": ("인지", "인지"),
    "인가요": ("인가요", "인가요"),
}
OF_PEOPLE = [
    "들", "들은", "들이", "들을", "들에게", "들과", "들의", "께서", "께서는", "에게", "한테", "께", "랑",
]  # fmt: skip
"""Noun endings that go with people (and animals) only."""
PLAIN = ["다", "고", "지만", "지", "기", "겠다", "겠어요", "겠습니다", "자", "거나"]
PLAIN += ["니", "는", "나요", "는지", "냐"]  # before these ㄹ falls: 만드니
AFTER_EU = ["면", "니까", "러", "면서", "세요", "십시오", "ㄴ", "ㄹ", "ㄹ까요", "ㄹ게요", "ㅂ시다"]
HONORIFIC = [
    "는다", "다", "고", "지만", "습니다", "습니까", "니", "면", "었다", "었어요", "었습니다", "었습니까",
    "었니", "어서", "나요", "었나요",
]  # fmt: skip
AFTER_EO = ["어", "어요", "어서", "어야", "어라", "어도"]
AFTER_PAST = [
    "다", "어요", "습니다", "습니까", "니", "지만", "고", "을", "기", "다고", "는지", "어", "나요", "냐",
    "으면", "는데",
]  # fmt: skip
VERB_ENDINGS = (
    *PLAIN,
    *AFTER_EU,
    *AFTER_EO,
    *(f"었{ending}" for ending in AFTER_PAST),
    *(f"시{ending}" for ending in HONORIFIC),
    *("는다", "는다고", "다고", "습니다", "습니까", "은지"),
)


def vowel(syllable: str) -> str:
    """The vowel of a syllable: 먹 → ㅓ."""
    return VOWEL_LETTERS[(ord(syllable) - FIRST_SYLLABLE) // FINALS % VOWELS]


def final(word: str) -> int:
    """The final consonant of a word's last syllable as its place in Unicode's order; 0 for none.

    After a digit or a Latin letter, by how its last letter mostly sounds: a vowel, l as ㄹ, or a consonant.
    """
    last = word[-1].lower()
    if "가" <= last <= "힣":
        return (ord(last) - FIRST_SYLLABLE) % FINALS
    if last in "l178":
        return RIEUL
    return 0 if last in "aeiouyw2459" else NIEUN


def with_final(syllable: str, consonant: int) -> str:
    """A syllable with another final: 가, ㄴ → 간."""
    return chr(ord(syllable) - (ord(syllable) - FIRST_SYLLABLE) % FINALS + consonant)


def with_vowel(syllable: str, other: str) -> str:
    """An open syllable with another vowel: 시, ㅕ → 셔."""
    return chr(ord(syllable) + (VOWEL_LETTERS.index(other) - VOWEL_LETTERS.index(vowel(syllable))) * FINALS)


@cache
def noun_form(noun: str, ending: str) -> str:
    """사과, 를 → 사과를; 책, 를 → 책을; 지하철, 로 → 지하철로."""
    after_consonant, after_vowel = NOUN_ENDINGS[ending]
    closed = final(noun)
    if closed == RIEUL and after_consonant.startswith("으"):
        closed = 0
    return noun + (after_consonant if closed else after_vowel)


def verb_form(lemma: str, ending: str) -> str:
    """먹다, 었다 → 먹었다; 만들다, 는다 → 만든다; 춥다, 어요 → 추워요. Words before the verb stay: 키가 크다."""
    *before, verb = lemma.split()
    return " ".join([*before, _form(verb.removesuffix("다"), ending)])


def _form(stem: str, ending: str) -> str:
    if ending in ("는다", "는다고"):
        rest = ending.removeprefix("는")
        return f"{stem}는{rest}" if final(stem) not in (0, RIEUL) else _after_eu(stem, "ㄴ") + rest
    if ending in ("습니다", "습니까"):
        return stem + ending if final(stem) not in (0, RIEUL) else _after_eu(stem, "ㅂ") + ending[1:]
    if ending.startswith("시"):
        return _form(_after_eu(stem, "시"), ending[1:])
    if ending == "은지":
        return _after_eu(stem, "ㄴ") + ending[1:]
    if ending.startswith("었"):
        return _past(stem) + ending[1:]
    if ending in AFTER_EO:
        return _infinitive(stem) + ending[1:]
    if ending in AFTER_EU:
        return _after_eu(stem, ending)
    if ending in ("니", "는", "나요", "는지", "냐") and final(stem) == RIEUL:
        stem = stem[:-1] + with_final(stem[-1], 0)
    return stem + ending


def _after_eu(stem: str, ending: str) -> str:
    """(으)면, (으)ㄴ: 먹으면, 가면, 만들면, 도우면, 지으면; 먹은, 간, 만든, 도운, 지은, 빨간."""
    stem, needs_eu = _before_vowel(stem)
    if needs_eu:
        stem += "으"
    if final(stem) == RIEUL and ending[0] in "ㄴㄹㅂ니세신시셨십":
        stem = stem[:-1] + with_final(stem[-1], 0)
    jamo = {"ㄴ": NIEUN, "ㄹ": RIEUL, "ㅂ": BIEUP}.get(ending[0])
    return stem + ending if jamo is None else stem[:-1] + with_final(stem[-1], jamo) + ending[1:]


def _before_vowel(stem: str) -> tuple[str, bool]:
    """The stem as it stands before 으, and whether 으 follows it: 듣 → 들, 돕 → 도우, 짓 → 지, 빨갛 → 빨가."""
    last, closed = stem[-1], final(stem)
    if stem in TURNS_TO_RIEUL:
        return stem[:-1] + with_final(last, RIEUL), True
    if closed == BIEUP and last not in KEEPS_BIEUP:
        return stem[:-1] + with_final(last, 0) + "우", False
    if stem in DROPS_SIOT:
        return stem[:-1] + with_final(last, 0), True
    if closed == HIEUT and stem not in KEEPS_HIEUT:
        return stem[:-1] + with_final(last, 0), False
    return stem, closed not in (0, RIEUL)


def _infinitive(stem: str) -> str:
    """The form in 아 or 어: 먹어, 가, 마셔, 해, 봐, 들어, 추워, 도와, 지어, 불러, 써, 빨개."""
    last, closed = stem[-1], final(stem)
    if last == "하":
        return stem[:-1] + "해"
    if closed == BIEUP and last not in KEEPS_BIEUP:
        return stem[:-1] + with_final(last, 0) + ("와" if stem in ("돕", "곱") else "워")
    if closed == HIEUT and stem not in KEEPS_HIEUT:
        return stem[:-1] + with_vowel(with_final(last, 0), "ㅐ")
    if closed:
        stem, _ = _before_vowel(stem)
        return stem + ("아" if vowel(last) in "ㅏㅗ" else "어")
    if last == "르" and stem not in REGULAR_REU and len(stem) > 1:
        bright = vowel(stem[-2]) in "ㅏㅗ"
        return stem[:-2] + with_final(stem[-2], RIEUL) + ("라" if bright else "러")
    if vowel(last) == "ㅡ":
        bright = len(stem) > 1 and vowel(stem[-2]) in "ㅏㅗ"
        return stem[:-1] + with_vowel(last, "ㅏ" if bright else "ㅓ")
    joined = {
        "ㅗ": "ㅘ",
        "ㅜ": "ㅝ",
        "ㅣ": "ㅕ",
        "ㅚ": "ㅙ",
    }.get(vowel(last))
    if vowel(last) == "ㅟ":
        return stem + "어"
    return stem if joined is None else stem[:-1] + with_vowel(last, joined)


def _past(stem: str) -> str:
    """먹었, 갔, 마셨, 했."""
    infinitive = _infinitive(stem)
    return infinitive[:-1] + with_final(infinitive[-1], SSANG_SIOT)


def uncontracted(lemma: str, ending: str) -> str:
    """The long form beside a contracted one: 주었다 beside 줬다, 보아요 beside 봐요; "" where there is none."""
    stem = lemma.removesuffix("다")
    if final(stem) or vowel(stem[-1]) not in "ㅗㅜㅚ" or stem == "오":
        return ""
    joined = stem + ("아" if vowel(stem[-1]) == "ㅗ" else "어")
    if ending.startswith("었"):
        return joined[:-1] + with_final(joined[-1], SSANG_SIOT) + ending[1:]
    return joined + ending[1:]


_INITIALS = ["g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "_", "j", "jj", "ch", "k", "t", "p", "h"]
_VOWELS = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi", "yu",
    "eu", "ui", "i",
]  # fmt: skip
_FINALS = [
    "_", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t", "t",
    "ng", "t", "t", "k", "t", "p", "t",
]  # fmt: skip


def romanize(word: str) -> str:
    """A Korean name in Latin letters, syllable by syllable (Revised Romanization, 2000): 지훈 → Jihun."""
    letters = ""
    for syllable in word:
        if not "가" <= syllable <= "힣":
            letters += syllable
            continue
        index = ord(syllable) - FIRST_SYLLABLE
        parts = (
            _INITIALS[index // (FINALS * VOWELS)],
            _VOWELS[VOWEL_LETTERS.index(vowel(syllable))],
            _FINALS[index % FINALS],
        )
        letters += "".join(part for part in parts if part != "_")
    return letters[:1].upper() + letters[1:]

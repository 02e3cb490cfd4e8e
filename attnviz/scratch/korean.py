"""The little Korean morphology that the corpus needs: particles by final consonant, honorific and -고 forms."""

FIRST_SYLLABLE, FINALS = 0xAC00, 28  # Unicode orders Hangul syllables by initial, vowel, then one of 28 finals
NIEUN, RIEUL = 4, 8  # the finals ㄴ and ㄹ

PARTICLES = {  # role: (after a consonant, after a vowel)
    "topic": ("은", "는"),
    "object": ("을", "를"),
    "to": ("에게", "에게"),
    "goal": ("에", "에"),
    "where": ("에서", "에서"),
    "honored topic": ("께서", "께서"),
    "honored to": ("께", "께"),
}


def final(word: str) -> int:
    """The final consonant of a word's last syllable as its place in Unicode's order; 0 for none."""
    return (ord(word[-1]) - FIRST_SYLLABLE) % FINALS


def with_particle(noun: str, role: str) -> str:
    """사과, object → 사과를; 책, object → 책을."""
    after_consonant, after_vowel = PARTICLES[role]
    return noun + (after_consonant if final(noun) else after_vowel)


def honorific(stem: str) -> str:
    """The stem with -(으)시: 읽 → 읽으시, 가 → 가시, 만들 → 만드시. Irregular stems stand in the lexicon."""
    if final(stem) == 0:
        return stem + "시"
    if final(stem) == RIEUL:
        return stem[:-1] + chr(ord(stem[-1]) - RIEUL) + "시"
    return stem + "으시"


def past(past_stem: str) -> str:
    """먹었 → 먹었다."""
    return past_stem + "다"


def present(stem: str) -> str:
    """먹 → 먹는다, 가 → 간다, 만들 → 만든다."""
    if final(stem) == 0:
        return stem[:-1] + chr(ord(stem[-1]) + NIEUN) + "다"
    if final(stem) == RIEUL:
        return stem[:-1] + chr(ord(stem[-1]) - RIEUL + NIEUN) + "다"
    return stem + "는다"


def and_then(stem: str) -> str:
    """먹 → 먹고, "eat and …", of any time."""
    return stem + "고"


def honored_past_stem(honorific_stem: str) -> str:
    """드시 → 드셨 (시 + 었)."""
    return honorific_stem.removesuffix("시") + "셨"

"""English morphology: the forms of nouns, verbs and adjectives by rule, what is irregular by table."""

PLURALS = dict(
    pair.split("=")
    for pair in [
        "child=children",
        "man=men",
        "woman=women",
        "person=people",
        "foot=feet",
        "tooth=teeth",
        "mouse=mice",
        "sheep=sheep",
        "fish=fish",
        "deer=deer",
        "knife=knives",
        "leaf=leaves",
        "wolf=wolves",
        "shelf=shelves",
        "scarf=scarves",
        "hero=heroes",
        "potato=potatoes",
        "tomato=tomatoes",
        "mango=mangoes",
        "businessman=businessmen",
        "policeman=policemen",
        "fireman=firemen",
        "wife=wives",
        "snowman=snowmen",
        "half=halves",
        "thief=thieves",
    ]
)
COMPARATIVES = {"good": "better", "bad": "worse", "far": "farther", "fun": "more fun", "tired": "more tired"}
SOUNDS_LIKE_A_CONSONANT = ("uni", "use", "eu", "one")
SILENT_H = ("hour", "honest")


def _ends_in_consonant_y(word: str) -> bool:
    return len(word) > 1 and word[-1] == "y" and word[-2] not in "aeiou"


def with_s(word: str) -> str:
    """watch → watches, study → studies, play → plays, go → goes."""
    if _ends_in_consonant_y(word):
        return word[:-1] + "ies"
    if word.endswith(("s", "sh", "ch", "x", "z")) or word in ("go", "do"):
        return word + "es"
    return word + "s"


def plural(noun: str) -> str:
    """apple → apples, child → children; of several words the last: bus stops."""
    *before, last = noun.split()
    return " ".join([*before, PLURALS.get(last) or with_s(last)])


def third_person(verb: str) -> str:
    """eat → eats, have → has."""
    return {"have": "has", "be": "is"}.get(verb) or with_s(verb)


def past(verb: str) -> str:
    """The past of a regular verb: play → played, like → liked, study → studied, stop → stopped."""
    if verb.endswith("e"):
        return verb + "d"
    if _ends_in_consonant_y(verb):
        return verb[:-1] + "ied"
    return doubled(verb) + "ed"


def ing(verb: str) -> str:
    """eat → eating, make → making, run → running, lie → lying."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee") and verb != "be":
        return verb[:-1] + "ing"
    return doubled(verb) + "ing"


def doubled(word: str) -> str:
    """A short word that ends in one vowel and one consonant doubles it: run → runn, big → bigg."""
    vowels = [letter in "aeiou" for letter in word]
    short = sum(vowels) == 1 and len(word) > 2 and vowels[-2] and not vowels[-1] and word[-1] not in "wxy"
    return word + word[-1] if short or word in ("begin", "forget", "admit", "prefer") else word


def comparative(adjective: str) -> str:
    """tall → taller, big → bigger, happy → happier, expensive → more expensive."""
    if adjective in COMPARATIVES:
        return COMPARATIVES[adjective]
    if _ends_in_consonant_y(adjective) and len(adjective) < 8:
        return adjective[:-1] + "ier"
    groups = sum(a in "aeiouy" and b not in "aeiouy" for a, b in zip(adjective, adjective[1:] + "-", strict=True))
    if adjective.endswith("e"):
        return adjective + "r" if groups <= 2 else f"more {adjective}"
    return doubled(adjective) + "er" if groups == 1 else f"more {adjective}"


def article(word: str) -> str:
    """`a` or `an`, by the sound that the next word begins with."""
    if word.startswith(SOUNDS_LIKE_A_CONSONANT):
        return "a"
    return "an" if word[0].lower() in "aeiou" or word.startswith(SILENT_H) else "a"

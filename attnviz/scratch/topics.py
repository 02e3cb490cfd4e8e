"""The words of the corpus by topic, each in English and Korean."""

from collections.abc import Iterable

from attnviz.scratch.lexicon import Adjective, Adverb, Noun, Verb, lexicon

_Word = Noun | Verb | Adjective | Adverb

NOUNS = {
    "food": ("fruit", "dish", "vegetable", "egg", "staple", "meal"),
    "drinks and medicine": ("drink", "medicine"),
    "what people wear": (
        *("clothes", "footwear", "headwear", "glasses", "handwear", "tied", "watch", "jewelry"),
        *("bag", "luggage", "umbrella"),
    ),
    "family and friends": ("kin", "elder", "family"),
    "people": ("person", "nationality"),
    "the body": ("body", "hands", "hair", "teeth", "eyes", "nails"),
    "animals": ("pet", "wild", "beast", "bug"),
    "plants, the sky, the weather, seasons": ("flower", "tree", "sky", "sight", "snow", "wind", "season"),
    "music and shows": ("music", "song", "sound", "struck", "blown", "bowed", "show", "photo", "painting"),
    "sports and games": ("sport", "sports", "racket", "match", "game", "board", "toy", "kite", "ball", "prize"),
    "school and study": ("lesson", "exam", "subject", "skill", "problem", "pencil", "branch", "paper", "circle"),
    "books, letters and words": ("book", "writing", "story", "saying", "word", "map"),
    "work and every day": ("work", "chore", "routine", "nap", "plan", "event", "error", "dream", "gift"),
    "at home": (
        *("house", "room", "roof", "wall", "door", "surface", "chair", "container", "kitchenware", "mirror", "vase"),
        *("candle", "light", "curtain", "blanket", "button"),
    ),
    "tools and other things": ("tool", "device", "rope", "key", "money", "flag", "collection"),
    "travel and the street": ("transit", "car", "mount", "building", "way"),
    "places": ("place",),
    "countries": ("country",),
    "life, time and ideas": ("health", "time", "rule", "fact"),
    "names": ("name",),
}
"""By topic, the groups of nouns in lexicon/nouns.txt."""
PHRASES = {
    "when": ("time now", "time", "time past", "time future", "time habit"),
    "days": ("day",),
    "how and how often": ("manner", "frequency", "degree"),
    "ages": ("age",),
    "near what": ("position",),
}
"""By topic, the kinds of phrases in lexicon/phrases.txt."""


def words_by_topic() -> dict[str, list[tuple[str, str]]]:
    """The words of the lexicon, each in English and Korean, with a slash between words for the same.

    An English word comes once in a topic, with all that Korean says for it: take 먹다/타다/찍다. Set phrases are in
    their first form.
    """
    words = lexicon()
    topics: dict[str, Iterable[_Word]] = {"what people do": words.verbs}
    topics["how people and things are"] = (one for kind in words.adjectives.values() for one in kind)
    topics |= {topic: words.of(*groups) for topic, groups in NOUNS.items()}
    topics |= {topic: [one for kind in kinds for one in words.adverbs[kind]] for topic, kinds in PHRASES.items()}
    topics["set phrases"] = (_first_form(said) for said in words.greetings)
    return {topic: _pairs(some) for topic, some in topics.items()}


def _first_form(said: Adverb) -> Adverb:
    return Adverb((said.english[0].replace(" ?", "?"),), said.korean[:1])


def _pairs(words: Iterable[_Word]) -> list[tuple[str, str]]:
    korean_of: dict[tuple[str, ...], dict[str, None]] = {}
    for word in words:
        korean_of.setdefault(word.english, {}).update(dict.fromkeys(word.korean))
    return [("/".join(in_english), "/".join(in_korean)) for in_english, in_korean in korean_of.items()]

"""English forms, each against the one that a grammar book gives."""

import pytest

from attnviz.scratch import english


@pytest.mark.parametrize(
    ("form", "word", "written"),
    [
        *((english.plural, "apple", "apples"), (english.plural, "child", "children"), (english.plural, "bus", "buses")),
        *(
            (english.plural, "story", "stories"),
            (english.plural, "bus stop", "bus stops"),
            (english.plural, "toy", "toys"),
        ),
        *((english.third_person, "go", "goes"), (english.third_person, "study", "studies")),
        *((english.third_person, "have", "has"), (english.third_person, "watch", "watches")),
        *((english.past, "play", "played"), (english.past, "like", "liked"), (english.past, "study", "studied")),
        *((english.past, "stop", "stopped"), (english.past, "visit", "visited"), (english.past, "listen", "listened")),
        *((english.ing, "eat", "eating"), (english.ing, "make", "making"), (english.ing, "run", "running")),
        *((english.ing, "lie", "lying"), (english.ing, "see", "seeing"), (english.ing, "play", "playing")),
        *((english.comparative, "tall", "taller"), (english.comparative, "big", "bigger")),
        *((english.comparative, "happy", "happier"), (english.comparative, "expensive", "more expensive")),
        *((english.comparative, "good", "better"), (english.comparative, "large", "larger")),
        *((english.article, "apple", "an"), (english.article, "book", "a"), (english.article, "hour", "an")),
        *((english.article, "university", "a"), (english.article, "umbrella", "an")),
    ],
)
def test_a_form(form, word, written):
    assert form(word) == written

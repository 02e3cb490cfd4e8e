"""Words by topic, in lines that fit the terminal."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from attnviz.render.terminal.word_lists import WordLists

TOPICS = {
    "food": [("apple", "사과"), ("egg", "달걀/계란"), ("ice cream", "아이스크림")],
    "days": [("Monday", "월요일")],
}


def printed(width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, _environ={}, highlight=False).print(WordLists(TOPICS))
    return file.getvalue().splitlines()


def test_words_stand_below_the_name_of_their_topic():
    assert printed(80) == [
        "food  3",
        "apple 사과  egg 달걀/계란  ice cream 아이스크림",
        "",
        "days  1",
        "Monday 월요일",
    ]


@pytest.mark.parametrize("width", [22, 40])
def test_no_line_is_too_wide_and_no_word_is_parted_from_what_it_is_in_the_other_language(width):
    lines = printed(width)
    assert max(map(cell_len, lines)) <= width
    pairs = [f"{one} {other}" for words in TOPICS.values() for one, other in words]
    assert [pair for line in lines if line for pair in line.split("  ") if " " in pair] == pairs

"""Running text: words stay whole, and lines end where those of the text do."""

from attnviz.attention import Token
from attnviz.render.text_layout import flow, line_ends

TEXT = "The cat.\nIt sat\n\n\ndown"


def token(word: str, after: int = 0) -> Token:
    start = TEXT.index(word, after)
    return Token(0, word, (start, start + len(word)))


TOKENS = [Token(1, "[CLS]", special=True), *map(token, ["The", "cat", ".", "It", "sat", "down"])]


def test_lines_end_between_the_tokens_where_they_end_in_the_text() -> None:
    assert line_ends(TOKENS, TEXT) == [0, 0, 0, 0, 1, 0, 3]


def test_a_line_end_that_is_a_token_ends_the_line_behind_it() -> None:
    tokens = [token("cat"), token("."), Token(2, "⏎", (8, 9)), token("It")]
    assert line_ends(tokens, TEXT) == [0, 0, 0, 1]


def test_a_line_begins_after_a_line_end_and_an_empty_one_stands_after_more() -> None:
    places = flow([1.0] * 7, [False] * 7, 100.0, 0.5, line_ends(TOKENS, TEXT))
    assert [line for line, _ in places] == [0, 0, 0, 0, 1, 1, 3]
    assert [x for _, x in places] == [0.0, 1.5, 3.0, 4.5, 0.0, 1.5, 0.0]


def test_a_word_that_does_not_fit_begins_a_line() -> None:
    assert flow([2.0, 2.0, 2.0], [False, False, True], 5.0, 0.5) == [(0, 0.0), (1, 0.0), (1, 2.0)]

"""Running text: words stay whole, and lines end where lines of the text end."""

from attnviz.attention import Token
from attnviz.render.text_layout import flow, line_ends

TEXT = "The cat.\nIt sat\n\n\ndown"


def token(word: str, after: int = 0) -> Token:
    start = TEXT.index(word, after)
    return Token(0, word, (start, start + len(word)))


TOKENS = [Token(1, "[CLS]", special=True), *map(token, ["The", "cat", ".", "It", "sat", "down"])]


def test_lines_of_tokens_end_where_lines_of_the_text_end() -> None:
    assert line_ends(TOKENS, TEXT) == [0, 0, 0, 0, 1, 0, 3]


def test_a_token_that_is_a_line_end_ends_its_line() -> None:
    tokens = [token("cat"), token("."), Token(2, "⏎", (8, 9)), token("It")]
    assert line_ends(tokens, TEXT) == [0, 0, 0, 1]


def test_one_line_end_starts_a_line_and_more_leave_an_empty_one() -> None:
    places = flow([1.0] * 7, [False] * 7, 100.0, 0.5, line_ends(TOKENS, TEXT))
    assert [line for line, _ in places] == [0, 0, 0, 0, 1, 1, 3]
    assert [x for _, x in places] == [0.0, 1.5, 3.0, 4.5, 0.0, 1.5, 0.0]


def test_a_word_that_does_not_fit_begins_a_line() -> None:
    assert flow([2.0, 2.0, 2.0], [False, False, True], 5.0, 0.5) == [(0, 0.0), (1, 0.0), (1, 2.0)]

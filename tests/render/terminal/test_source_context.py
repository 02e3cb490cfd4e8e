"""A source between the words around it: never wider than its column, never a broken letter."""

import pytest
from rich.cells import cell_len

from attnviz.attention import Token
from attnviz.render.terminal.source_context import in_context

TEXT = "Anna lives in Oslo.\n\nBoris lives in Madrid and has two dogs."
MADRID = Token(0, "Madrid", (TEXT.index("Madrid"), TEXT.index("Madrid") + 6))


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "Anna lives in Oslo. Boris lives in [Madrid] and has two dogs."),
        (30, "… lives in [Madrid] and has …"),
        (12, "… [Madrid]…"),
        (8, "[Madrid]"),
    ],
)
def test_the_words_around_a_source_are_cut_to_the_column(width, shown) -> None:
    context = in_context(MADRID, TEXT, width, styled=False).plain
    assert context == shown
    assert cell_len(context) <= width


def test_a_source_at_an_end_has_its_room_on_the_other_side() -> None:
    assert in_context(Token(0, "Anna", (0, 4)), TEXT, 28, styled=False).plain == "[Anna] lives in Oslo. …"


def test_with_colours_the_source_is_marked_by_a_style() -> None:
    context = in_context(MADRID, TEXT, 80, styled=True)
    assert "[" not in context.plain
    (marked,) = [span for span in context.spans if "underline" in str(span.style)]
    assert context.plain[marked.start : marked.end] == "Madrid"


def test_wide_letters_are_counted_by_their_cells() -> None:
    text = "그녀는 사과를 먹고 학교에 갔다."
    context = in_context(Token(0, "먹고", (8, 10)), text, 20, styled=False).plain
    assert context == "…과를 [먹고] 학교…"
    assert cell_len(context) <= 20


def test_a_token_outside_the_text_stands_alone_and_nothing_drives_the_terminal() -> None:
    assert in_context(Token(0, "<s>", None, special=True), TEXT, 20, styled=False).plain == "[<s>]"
    hostile = "a \x1b[31mred b"
    shown = in_context(Token(0, "b", (len(hostile) - 1, len(hostile))), hostile, 40, styled=False).plain
    assert shown == "a ␛[31mred [b]"

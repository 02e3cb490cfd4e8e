"""The segments of a text: paragraphs, sentences, parts between marks, or texts that were put together."""

import pytest

from attnviz.errors import SelectionError
from attnviz.segments import Segment, chat_roles, locate_texts, split_text


def parts(text: str, marker: str | None = None) -> list[tuple[str, str]]:
    return [(part.name, text[part.start : part.end]) for part in split_text(text, marker)]


def test_paragraphs_are_segments() -> None:
    assert parts("One.\nTwo.\n\n \nThree.") == [("1 One. Two.", "One.\nTwo."), ("2 Three.", "Three.")]


def test_the_sentences_of_a_single_paragraph_are_segments() -> None:
    assert parts("One two. Three? 넷.") == [("1 One two.", "One two."), ("2 Three?", "Three?"), ("3 넷.", "넷.")]


def test_a_marker_splits_a_text_and_empty_parts_are_dropped() -> None:
    text = "a\n---\n\n---\nb"
    assert parts(text, "\n---\n") == [("1 a", "a"), ("2 b", "b")]


@pytest.mark.parametrize("marker", ["", "===", "b\n"])
def test_a_marker_that_is_not_in_the_text_is_refused(marker) -> None:
    with pytest.raises(SelectionError, match=f"{marker!r} does not stand in the prompt".replace("\\", "\\\\")):
        split_text("a\n---\nb", marker)


def test_a_long_part_is_called_by_its_first_words() -> None:
    (name, _), _ = parts(f"{'word ' * 20}\n\nend")
    assert name == "1 word word word word word word w…"


def test_texts_are_located_in_order() -> None:
    text = "same\n\nsame\n\nend"
    assert locate_texts(text, [("a", "same"), ("b", "same"), ("c", "gone")]) == [
        Segment("a", 0, 4),
        Segment("b", 6, 10),
    ]


def roles(text: str, message: str, marks: tuple[str, ...]) -> list[tuple[str, str]]:
    spans = [(start, start + len(mark)) for mark in marks for start in range(len(text)) if text.startswith(mark, start)]
    return [(part.name, text[part.start : part.end]) for part in chat_roles(text, message, spans)]


def test_a_role_may_stand_on_the_first_line_after_a_mark() -> None:
    text = "<s>system\nBe kind.<e>\n<s>user\nHi\nsystem<e>\n<s>assistant\n"
    assert roles(text, "Hi\nsystem ", ("<s>", "<e>")) == [("system", "Be kind."), ("user", "Hi\nsystem")]


def test_a_role_may_stand_between_two_marks() -> None:
    text = "<h>system</h>\n\nBe kind.<e><h>user</h>\n\nSystem\nfails.<e><h>assistant</h>\n\n"
    assert roles(text, "System\nfails.", ("<h>", "</h>", "<e>")) == [
        ("system", "\n\nBe kind."),
        ("user", "System\nfails."),
    ]


def test_a_template_without_roles_has_only_the_message_of_the_user() -> None:
    assert roles("[INST] <<SYS>>Be kind.<</SYS>> Hi [/INST]", "Hi", ()) == [("user", "Hi")]

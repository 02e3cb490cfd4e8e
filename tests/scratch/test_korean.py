"""Korean endings, each against the form that a grammar book gives."""

import pytest

from attnviz.scratch import korean


@pytest.mark.parametrize(
    ("noun", "role", "written"),
    [
        ("사과", "object", "사과를"),
        ("책", "object", "책을"),
        ("물", "object", "물을"),
        ("나", "topic", "나는"),
        ("선생님", "topic", "선생님은"),
        ("민수", "to", "민수에게"),
        ("학교", "goal", "학교에"),
        ("공원", "where", "공원에서"),
        ("할머니", "honored topic", "할머니께서"),
        ("선생님", "honored to", "선생님께"),
    ],
)
def test_particles(noun, role, written):
    assert korean.with_particle(noun, role) == written


@pytest.mark.parametrize(
    ("word", "place"), [("가", 0), ("먹", 1), ("만들", korean.RIEUL), ("신", korean.NIEUN), ("좋", 27)]
)
def test_final_consonants(word, place):
    assert korean.final(word) == place


@pytest.mark.parametrize(
    ("stem", "honorific", "present", "and_then"),
    [
        ("읽", "읽으시", "읽는다", "읽고"),
        ("가", "가시", "간다", "가고"),
        ("만들", "만드시", "만든다", "만들고"),
        ("마시", "마시시", "마신다", "마시고"),
        ("입", "입으시", "입는다", "입고"),
        ("쓰", "쓰시", "쓴다", "쓰고"),
        ("하", "하시", "한다", "하고"),
        ("돕", "돕으시", "돕는다", "돕고"),  # honoured it is irregular, and stands in the lexicon as 도우시
    ],
)
def test_forms_of_a_stem(stem, honorific, present, and_then):
    assert korean.honorific(stem) == honorific
    assert korean.present(stem) == present
    assert korean.and_then(stem) == and_then


@pytest.mark.parametrize(("stem", "past"), [("먹었", "먹었다"), ("갔", "갔다"), ("했", "했다")])
def test_past(stem, past):
    assert korean.past(stem) == past


@pytest.mark.parametrize(
    ("stem", "past"), [("드시", "드셨"), ("가시", "가셨"), ("읽으시", "읽으셨"), ("주무시", "주무셨")]
)
def test_honoured_past(stem, past):
    assert korean.honored_past_stem(stem) == past

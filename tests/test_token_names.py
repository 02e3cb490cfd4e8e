"""Rows and columns by name: the prompt, the answer, the last tokens."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from handmade_traces import decoder_only, encoder_decoder

from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.selection import Selection
from attnviz.token_names import is_name


def continued(prompt: Sequence[str] = ("The", "cat", "sat")) -> Trace:
    """A prompt and what a model wrote: `on mats`."""
    trace = decoder_only([*prompt, "on", "mats"])
    a = trace["masked-self"]
    tokens = tuple(replace(token, segment=int(index >= len(prompt))) for index, token in enumerate(a.queries))
    a = replace(a, queries=tokens, keys=tokens, predicts=(*tokens[1:], None))
    return replace(trace, attentions=(a,), provenance={"generated": " on mats"})


def starts(ranges):
    return [start for start, _ in ranges]


@pytest.mark.parametrize(
    ("asked", "rows", "columns"),
    [
        (
            {"rows": "answer"},
            [2, 3],
            [0, 1, 2, 3, 4],
        ),  # "sat" writes "on", "on" writes "mats", and what "mats" writes is unknown
        ({"rows": "prompt", "columns": "answer"}, [0, 1, 2], [3, 4]),
        ({"columns": "prompt"}, [0, 1, 2, 3, 4], [0, 1, 2]),
        ({"rows": "last:2", "columns": "last:9"}, [3, 4], [0, 1, 2, 3, 4]),
        ({"rows": ["answer", 0]}, [0, 2, 3], [0, 1, 2, 3, 4]),
    ],
    ids=str,
)
def test_names_of_a_decoder_s_tokens_follow_the_prompt_and_the_answer(asked, rows, columns):
    a = Selection.of(**asked).apply(continued())["masked-self"]
    assert (starts(a.rows), starts(a.columns)) == (rows, columns)


def test_the_answer_of_an_encoder_decoder_is_its_target():
    assert Selection.of(rows="answer", columns="prompt").apply(encoder_decoder()).kinds == ("cross",)
    assert Selection.of(rows="prompt").apply(encoder_decoder()).kinds == ("self",)
    answer = Selection.of(rows="answer", columns="answer").apply(encoder_decoder())
    assert (answer.kinds, starts(answer["masked-self"].rows)) == (("masked-self",), [0, 1, 2, 3])
    last = Selection.of(rows="last:1").apply(encoder_decoder())
    assert [starts(a.rows) for a in last.attentions] == [[3], [3], [3]]


def test_the_error_without_an_answer_says_how_to_get_one():
    for what in ("rows", "columns"):
        with pytest.raises(SelectionError, match=f"{what}: there is no answer here") as caught:
            Selection.of(**{what: "answer"}).apply(decoder_only())
        assert "--generate 20" in caught.value.hint
    everything = Selection.of(rows="prompt").apply(decoder_only())
    assert starts(everything["masked-self"].rows) == [0, 1, 2]


@pytest.mark.parametrize("text", ["Answer", "answers", "last", "last:", "last:0", "last:-1", "last:two", "3", ""])
def test_an_unknown_name_is_refused(text):
    assert not is_name(text)
    with pytest.raises(SelectionError, match=r"rows: .* is not a whole number") as caught:
        Selection.of(rows=text)
    assert "prompt, answer, last:20" in caught.value.hint


def test_the_rows_of_an_answer_are_not_pooled():
    pooled = Selection.of(cells=8).apply(continued([f"w{index}" for index in range(17)]))
    assert starts(pooled["masked-self"].rows) == [0, 1, 5, 9, 13, 16, 17, 18]
    answer = Selection.of(rows="answer").apply(pooled)["masked-self"]
    assert answer.rows == ((16, 17), (17, 18))
    assert answer.columns == pooled["masked-self"].columns

"""The part of a long prompt that is shown, and the note on the rest."""

import numpy as np
from handmade_traces import with_answer

from attnviz.analysis.answer_sources import AnswerSources, answer_sources
from attnviz.render.source_excerpts import LEAST, excerpts, left_out

PARAGRAPH = 40


def found(reads: dict[int, float], paragraphs: int = 3) -> AnswerSources:
    """An answer of one token to paragraphs of 40 words and a question of one, which reads those keys."""
    words = [f"{chr(10) * 2 if n % PARAGRAPH == 0 and n else ''}w{n}" for n in range(paragraphs * PARAGRAPH)] + [
        "\n\nwhy?",
        *"abcd",
        "so",
    ]
    weights = np.eye(len(words), dtype=np.float32)
    weights[-2] = 0
    for key, weight in reads.items():
        weights[-2, key] = weight
    return answer_sources(with_answer(words, weights[None], 1))


def test_a_short_prompt_is_shown_whole() -> None:
    sources = found({5: 0.5, 50: 0.5})
    shown = excerpts(sources, 200)
    assert [len(one.keys) for one in shown] == [40, 40, 40, 5]
    assert {(one.before, one.after) for one in shown} == {(0, 0)}
    assert left_out(sources, shown) == ""


def test_a_long_prompt_is_cut_to_the_tokens_around_the_largest_share() -> None:
    sources = found({5: 0.2, 70: 0.7, 120: 0.1})
    shown = excerpts(sources, 90)
    assert [one.share.name[0] for one in shown] == ["1", "2", "4"]  # 90 tokens are three times LEAST, and some
    first, second, question = shown
    assert 5 in first.keys
    assert LEAST <= len(first.keys) <= len(second.keys)
    assert len(question.keys) == 5
    assert 70 in second.keys
    assert len(first.keys) + len(second.keys) + len(question.keys) <= 90
    assert first.before + len(first.keys) + first.after == PARAGRAPH
    gone = 3 * PARAGRAPH + 5 - sum(len(one.keys) for one in shown)
    assert left_out(sources, shown) == f"not shown: {gone} tokens with 0% of the share, with 1 whole segment among them"


def test_the_note_on_tokens_that_are_left_out_has_their_share() -> None:
    sources = found({1: 0.25, 70: 0.75})
    (shown,) = excerpts(sources, LEAST)
    assert 70 in shown.keys
    gone = 3 * PARAGRAPH + 5 - LEAST
    said = f"not shown: {gone} tokens with 25% of the share, with 3 whole segments among them"
    assert left_out(sources, [shown]) == said

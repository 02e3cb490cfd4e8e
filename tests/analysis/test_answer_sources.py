"""What an answer looked at, on a matrix worked out by hand, and on real models against whole matrices."""

import induction_model
import numpy as np
import pytest
from handmade_traces import encoder_decoder, with_answer

import attnviz
from attnviz.analysis.answer_rows import BEFORE
from attnviz.analysis.answer_sources import answer_sources
from attnviz.analysis.segment_share import segment_shares
from attnviz.analysis.source_mass import RECENT, SINK_ABOVE, source_mass
from attnviz.analysis.source_segments import OTHER, SO_FAR
from attnviz.attention import Trace
from attnviz.errors import InputError, SelectionError
from attnviz.selection import Selection

WORDS = ["One", "two", "three.", "Four", "five", "six.", "Seven", "eight", "nine", "ten.", "Yes", "no"]
TEXT = " ".join(WORDS)


def written(weights: np.ndarray, answer: int = 2) -> Trace:
    """A decoder over WORDS, of which the last were generated."""
    return with_answer(WORDS, weights, answer)


def rows(*given: dict[int, float], parked: int | None = None) -> np.ndarray:
    """A head whose rows 9 and 10, which write the answer, give these weights to keys; the others look at themselves.

    Where a key is `parked` at, rows 4 to 8 look at that.
    """
    A = np.eye(12)
    if parked is not None:
        A[4:9] = np.eye(12)[parked]
    for row, weights in zip((9, 10), given, strict=True):
        A[row] = 0
        for key, weight in weights.items():
            A[row, key] = weight
    return A.astype(np.float32)


ONE = rows({0: 0.5, 1: 0.1, 4: 0.2, 9: 0.2}, {0: 0.3, 4: 0.25, 5: 0.05, 8: 0.4})
TWO = rows({0: 0.2, 2: 0.5, 3: 0.3}, {0: 0.2, 2: 0.6, 4: 0.2}, parked=2)


def test_sinks_and_the_rows_own_last_tokens_are_set_aside() -> None:
    attention = written(np.stack([ONE, TWO]))["masked-self"]
    found = source_mass(attention, [9, 10])
    # Key 0 is the first token; key 2 gets more than .3 from both rows of the second head.
    assert found.sinks == pytest.approx([(0.5 + 0.7) / 2, (0.3 + 0.8) / 2])
    assert found.recent == pytest.approx([0.2 / 2, 0.4 / 2])  # keys 6 to 9, and 7 to 10
    assert found.by_key[0, [1, 3, 4]] == pytest.approx([0.05, 0.15, 0.1])
    assert found.by_key.sum(1) + found.sinks + found.recent == pytest.approx([1, 1])
    assert RECENT == 4
    assert pytest.approx(0.3) == SINK_ABOVE


def test_shares_add_up_to_1_and_so_do_those_of_uniform_attention() -> None:
    found = answer_sources(written(np.stack([ONE, TWO])))
    assert [share.name for share in found.shares] == ["1 One two three.", "2 Four five six.", "3 Seven eight nine ten."]
    assert sum(share.share for share in found.shares) == pytest.approx(1)
    # left, both rows: keys 1, 2 → .05; keys 3, 4, 5 → .15 + .1 + .125 + .1 + .025; of .55
    assert found.shares[0].share == pytest.approx(0.05 / 0.55)
    assert found.shares[1].share == pytest.approx(0.5 / 0.55)
    assert found.shares[1].per_token == pytest.approx(0.5 / 0.55 / 3)
    # Left to row 9 of the first head are keys 1 to 5, to row 10 key 6 too; to the second head not its sink, key 2.
    assert found.shares[0].uniform == pytest.approx((2 / 5 + 2 / 6 + 1 / 4 + 1 / 5) / 4)
    assert found.shares[1].uniform == pytest.approx((3 / 5 + 3 / 6 + 3 / 4 + 3 / 5) / 4)
    assert found.shares[2].uniform == pytest.approx((1 / 6 + 1 / 5) / 4)
    assert found.shares[1].ratio == pytest.approx(0.5 / 0.55 / found.shares[1].uniform)
    assert (found.sinks, found.recent, found.heads) == (pytest.approx(0.575), pytest.approx(0.15), 2)


def test_a_key_that_only_the_answer_looks_at_is_no_sink() -> None:
    """Of an answer of one token the source would be set aside, were its own row all that counts."""
    found = answer_sources(written(np.stack([rows({0: 0.1, 4: 0.9}, {0: 0.1, 4: 0.9})])))
    assert found.sinks == pytest.approx(0.1)
    assert [(source.key, source.share) for source in found.sources] == [(4, pytest.approx(1.0))]


def test_the_shares_of_one_written_token_are_those_of_its_row() -> None:
    trace = written(np.stack([ONE, TWO]))
    for name in ("no", "1"):
        found = answer_sources(trace, token=name)
        assert [(one.number, one.text) for one in found.written] == [(1, "no")]
        assert found.shares[1].share == pytest.approx(1.0)  # keys 4 and 5, of .25
        assert found.sinks == pytest.approx((0.3 + 0.8) / 2)
        assert found.sources == found.written[0].sources
    with pytest.raises(SelectionError, match="no token of the answer is called 'maybe'\nThere are: 0 Yes, 1 no"):
        answer_sources(trace, token="maybe")


def test_the_sources_in_a_segment_are_tokens_of_it() -> None:
    trace = written(np.stack([ONE, TWO]))
    found = answer_sources(trace, segment="1")
    assert found.segment == "1 One two three."
    assert [(source.key, source.segment) for source in found.sources] == [(1, "1 One two three.")]
    assert found.sources[0].share == pytest.approx(0.05 / 0.55)  # of all that is left, not of the segment
    assert found.to_dict()["share"] == answer_sources(trace).to_dict()["share"]
    with pytest.raises(SelectionError, match=r"no segment is called 'x'\nThere are: '1 One two three\.', '2 Four"):
        answer_sources(trace, segment="x")


def test_every_key_has_a_share_and_a_segment() -> None:
    found = answer_sources(written(np.stack([ONE, TWO])))
    assert sum(one.share for one in found.tokens) == pytest.approx(1)
    for share in found.shares:
        assert sum(one.share for one in found.tokens if one.segment == share.name) == pytest.approx(share.share)
    assert [one.segment for one in found.tokens[9:]] == ["3 Seven eight nine ten.", SO_FAR, SO_FAR]


def test_the_segments_are_a_table_for_pandas() -> None:
    columns = answer_sources(written(np.stack([ONE, TWO]))).to_dict()
    assert [*columns] == ["name", "tokens", "share", "uniform", "question", "per_token", "ratio"]
    assert columns["tokens"] == [3, 3, 4]
    assert {len(values) for values in columns.values()} == {3}


def test_each_written_token_has_its_best_sources() -> None:
    first, second = answer_sources(written(np.stack([ONE, TWO])), count=2).written
    assert (first.text, second.text) == ("Yes", "no")
    assert [(source.key, source.text) for source in first.sources] == [(3, "Four"), (4, "five")]
    assert [source.share for source in first.sources] == pytest.approx([0.15 / 0.3, 0.1 / 0.3])


def test_the_question_is_the_last_segment_and_its_rows_are_the_second_baseline() -> None:
    weights = np.stack([ONE])
    weights[0, 6:9] = 0
    weights[0, 6:9, 1], weights[0, 6:9, 4] = 0.25, 0.75  # rows of "Seven eight nine"; "ten." writes the answer
    shares = {share.name[0]: share for share in answer_sources(written(weights)).shares}
    # Key 4 is among the last four tokens of rows 6 and 7, and is left to row 8: .75 beside three times .25 to key 1.
    assert shares["1"].question == pytest.approx(0.5)
    assert shares["2"].question == pytest.approx(0.5)


def test_contexts_are_segments_and_the_rest_is_the_question() -> None:
    contexts = [("a.txt", "One two three."), ("b.txt", "Four five six.")]
    names = [share.name for share in answer_sources(written(np.stack([ONE])), contexts).shares]
    assert names == ["a.txt", "b.txt", "the question"]


def test_a_marker_splits_and_an_answer_may_be_given() -> None:
    trace = written(np.stack([ONE]), answer=0)
    with pytest.raises(SelectionError, match=r"there is no answer in this text of by hand\nLet a decoder write one"):
        answer_sources(trace)
    found = answer_sources(trace, split="Four", answer="Yes no")
    assert [share.name for share in found.shares] == ["1 One two three.", "2 five six. Seven eight nine ten.", OTHER]
    assert [one.text for one in found.written] == ["Yes", "no"]


def test_an_encoder_decoder_answers_by_its_target_alone() -> None:
    with pytest.raises(SelectionError, match=r"the answer of by hand is the target of its decoder\nGive it: target"):
        answer_sources(encoder_decoder(), answer="apple")


@pytest.mark.parametrize("kind", ["self", "masked-self"])
def test_without_the_kind_by_which_an_answer_looks_there_are_no_sources(kind) -> None:
    with pytest.raises(SelectionError, match="only a decoder writes an answer, and nothing of one was kept"):
        answer_sources(Selection.of(kinds=kind).apply(encoder_decoder()))


def test_where_the_rows_of_the_answer_were_left_out_it_is_said_so() -> None:
    trace = Selection.of(rows=0, kinds="masked-self").apply(written(np.stack([ONE])))
    with pytest.raises(SelectionError, match="no row that writes the answer was kept"):
        answer_sources(trace)


def test_in_cross_attention_the_first_token_is_no_sink() -> None:
    found = answer_sources(encoder_decoder())
    assert found.heads == 4
    assert [one.text for one in found.written] == ["나는", "사과를", "먹었다", "</s>"]
    assert found.recent == 0
    assert all(np.isnan(share.question) for share in found.shares)


def test_a_trace_without_the_needed_rows_and_keys_is_refused() -> None:
    attention = written(np.stack([ONE]))["masked-self"]
    with pytest.raises(SelectionError, match="no separate rows for the tokens of the answer"):
        source_mass(attention, [])
    with pytest.raises(SelectionError, match="pooled or left out"):
        answer_sources(Selection.of(columns=range(5)).apply(written(np.stack([ONE]))))


DOCUMENTS = {
    "anna": "Anna lives in Oslo. She works as a nurse and likes to ski in winter.",
    "boris": "Boris lives in Madrid. He paints houses and has two dogs.",
    "clara": "Clara lives in Cairo. She writes books about ships.",
}


def test_the_shares_of_a_real_model_are_those_of_whole_matrices(smollm2_file) -> None:
    """Worked out again from all rows and keys, by loops."""
    question = "Question: In which city does Clara live? Answer: Clara lives in"
    layers = [3, 12, 20]
    found = attnviz.sources(question, smollm2_file, contexts=DOCUMENTS, generate=2, layers=layers)
    prompt = "\n\n".join([*DOCUMENTS.values(), question])
    trace = attnviz.trace(prompt, smollm2_file, generate=2, layers=layers)
    a = trace["masked-self"]
    first = next(i for i, token in enumerate(a.keys) if token.generated)
    answer = range(first - 1, len(a.keys) - 1)
    judged = range(max(first - 1 - BEFORE, 0), len(a.keys) - 1)
    total, shares, aside, heads = 0.0, dict.fromkeys(DOCUMENTS, 0.0), 0.0, 0
    for layer in layers:
        for head in a.heads(layer):
            A, heads = a.matrix(layer, head), heads + 1
            for row in answer:
                for key in range(row + 1):
                    sink = key == 0 or a.keys[key].special or np.mean([A[r, key] > 0.3 for r in judged]) > 0.5
                    if sink or key > row - 4:
                        aside += A[row, key]
                        continue
                    total += A[row, key]
                    for name, content in DOCUMENTS.items():
                        at = prompt.index(content)
                        if a.keys[key].span and at <= a.keys[key].span[0] < at + len(content):
                            shares[name] += A[row, key]
    by_name = {share.name: share for share in found.shares}
    for name in DOCUMENTS:
        assert by_name[name].share == pytest.approx(shares[name] / total, abs=1e-4)
    assert found.sinks + found.recent == pytest.approx(aside / len(answer) / heads, abs=1e-4)
    assert sum(share.share for share in found.shares) == pytest.approx(1)
    assert set(by_name) <= {*DOCUMENTS, "the question", OTHER, SO_FAR}


def test_the_document_that_a_trained_model_copies_from_is_found() -> None:
    """Five documents of four words without a meaning; the question is the first word of one, and the model goes on.

    Asked about the last two it wanders off into another document: that one is found then.
    """
    words = induction_model.filler()[:20]
    documents = {f"document {n}": " ".join(words[4 * n : 4 * n + 4]) for n in range(5)}
    loaded = attnviz.load(induction_model.trained(), tokenizer=induction_model.tokenizer())
    right = 0
    for asked in range(5):
        found = attnviz.sources(words[4 * asked], loaded, contexts=documents, generate=3)
        written = found.answer.split()
        right += written == words[4 * asked + 1 : 4 * asked + 4]
        for one in found.written:  # the best source of a word is that word, where it was read
            home = next(name for name, content in documents.items() if one.text in content.split())
            assert (one.sources[0].text, one.sources[0].segment) == (one.text, home)
        (best,) = found.top(1)
        assert best.name == max(documents, key=lambda name: len(set(documents[name].split()) & set(written)))
        assert best.share > 2 * max(one.share for one in found.shares if one is not best)
        assert best.ratio > 2
    assert right == 3


def test_without_a_question_there_is_no_second_baseline() -> None:
    attention = written(np.stack([ONE]))["masked-self"]
    (share,) = segment_shares(source_mass(attention, [9, 10]), None, {"all": list(range(9))})
    assert np.isnan(share.question)
    assert share.share == pytest.approx(1)


def test_the_roles_of_a_chat_are_segments(smollm2_file) -> None:
    found = attnviz.sources("In which city does Anna live?", smollm2_file, chat=True, generate=2, layers=[3])
    assert [share.name for share in found.shares] == ["system", "user", OTHER]
    named = {name: " ".join(one.text for one in found.tokens if one.segment == name) for name in ("system", "user")}
    assert named["system"].startswith("You are a helpful AI assistant")
    assert named["user"] == "In which city does Anna live ?"
    documents = attnviz.sources(
        "Where does Anna live?", smollm2_file, contexts=DOCUMENTS, chat=True, generate=2, layers=[3]
    )
    assert [share.name for share in documents.shares] == ["system", *DOCUMENTS, "the question", OTHER]


def test_sources_of_a_text_are_those_of_the_built_in_model_and_a_trace_is_no_text():
    text = "I ate an apple."
    assert str(attnviz.sources(text).to_dict()) == str(attnviz.sources(text, "builtin").to_dict())
    with pytest.raises(InputError, match="the text is of type Trace, not a string"):
        attnviz.sources(attnviz.trace(text))

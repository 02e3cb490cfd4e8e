"""What the issue asks of the built-in model, measured on the weights that are shipped."""

from dataclasses import replace

import numpy as np
import pytest

from attnviz.scratch import transformer
from attnviz.scratch.corpus import Corpus, draw_corpus, examples, mission
from attnviz.scratch.evaluate import Result, alignment, best, best_offset, evaluate, exact, table, verb_to_object
from attnviz.scratch.grammar import english
from attnviz.scratch.store import Checkpoint, map_tree, shipped
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, Tokenizer
from attnviz.scratch.transformer import Config

ASKED = {
    ("exact translation", "English → Korean"): 0.95,
    ("exact translation", "Korean → English"): 0.95,
    ("verb → object", "English"): 0.95,
    ("verb → object", "Korean"): 0.93,
    ("verb → object, unseen pairs", "English"): 0.90,
    ("verb → object, unseen pairs", "Korean"): 0.90,
    ("cross-attention: word → its source", "English → Korean"): 0.95,
    ("cross-attention: word → its source", "Korean → English"): 0.95,
    ("“I ate an apple” is translated", "English → Korean"): 1.0,
    ("“I ate an apple”: verb → object", "English"): 1.0,
    ("“I ate an apple”: word → its source", "English → Korean"): 1.0,
    ("“그녀는 사과를 먹고 학교에 갔다” is translated", "Korean → English"): 1.0,
    ("“그녀는 사과를 먹고 학교에 갔다”: verb → object", "Korean"): 1.0,
    ("“그녀는 사과를 먹고 학교에 갔다”: word → its source", "Korean → English"): 1.0,
}


@pytest.fixture(scope="module")
def reached() -> dict[tuple[str, str], Result]:
    return {(result.what, result.where): result for result in evaluate(shipped())}


def test_the_table_asks_what_the_issue_asks(reached):
    assert {key: result.asked for key, result in reached.items() if result.asked is not None} == ASKED


@pytest.mark.parametrize("line", ASKED, ids=" · ".join)
def test_the_shipped_weights_reach_it(line, reached):
    assert reached[line].met, reached[line]


@pytest.mark.parametrize("where", ["English", "Korean"])
def test_the_best_fixed_offset_is_printed_beside_and_is_well_below(where, reached):
    baseline = reached["verb → object, best fixed offset", where]
    assert baseline.asked is None
    assert "offset" in baseline.note
    assert baseline.value < reached["verb → object", where].value - 0.1
    assert baseline.what in table({"shipped": list(reached.values())})


# The measures themselves, by hand: a model that is not trained, and one whose attention is written for it.


@pytest.fixture(scope="module")
def small() -> Corpus:
    return draw_corpus(size=10, held_out=30)


@pytest.fixture(scope="module")
def untrained(small) -> Checkpoint:
    """Random weights, with a vocabulary of the words of `small`."""
    parts = (small.dev, small.test, small.unseen, mission())
    words = {word for part in parts for e in examples(part) for word in e.source}
    tokenizer = Tokenizer(("<pad>", "<unk>", "<mask>", "<en>", "<ko>", "</s>", *sorted(words)))
    config = Config(len(tokenizer.vocabulary), d=16, h=2, ff=16, encoder_layers=2, decoder_layers=2)
    random = np.random.default_rng(0)
    weights = map_tree(lambda _, shape: random.normal(size=shape).astype(np.float32), transformer.shapes(config))
    return Checkpoint(config, weights, tokenizer)


def test_a_model_that_is_not_trained_reaches_nothing(untrained, small):
    results = evaluate(untrained, small)
    assert {(r.what, r.where) for r in results if r.asked is not None} == set(ASKED)
    assert not [r for r in results if r.asked is not None and r.met]
    text = table({"untrained": results})
    assert text.count("!") == len(ASKED)
    assert "best fixed offset" in text


def sides(small: Corpus, language: int) -> list:
    return [example for example in examples(small.test) if example.language == language]


@pytest.mark.parametrize(("language", "wrong"), [(KOREAN, 0), (ENGLISH, 0), (KOREAN, 3)])
def test_exact_counts_translations_word_for_word(language, wrong, untrained, small, monkeypatch):
    tests = sides(small, language)
    rows = [[e.language, *map(untrained.tokenizer.id, e.target), END, 9, 9] for e in tests]
    for row in rows[:wrong]:
        row[1] += 1
    width = max(map(len, rows))
    written = np.array([row + [8] * (width - len(row)) for row in rows])
    monkeypatch.setattr(transformer, "greedy", lambda *args: written)
    assert exact(untrained, tests) == pytest.approx(1 - wrong / len(tests))


def test_a_translation_that_never_ends_is_not_exact(untrained, small, monkeypatch):
    tests = sides(small, KOREAN)
    monkeypatch.setattr(transformer, "greedy", lambda *args: np.full((len(tests), 32), 9))
    assert exact(untrained, tests) == 0


def looking(tests: list, pairs: list[list[tuple[int, int]]], queries: int, keys: int) -> np.ndarray:
    """`[B, 2, query, key]`: head 1 has its peaks at `pairs`, head 0 always at the first key."""
    A = np.zeros((len(tests), 2, queries, keys), np.float32)
    A[:, :, :, 0] = 0.4
    for row, links in enumerate(pairs):
        for query, key in links:
            A[row, 1, query] = 0.1
            A[row, 1, query, key] = 0.6
    return A


@pytest.mark.parametrize("language", [KOREAN, ENGLISH])
def test_verb_to_object_is_the_share_of_verbs_whose_peak_is_their_object(language, untrained, small, monkeypatch):
    tests = sides(small, language)
    width = max(len(e.source) for e in tests)
    A = looking(tests, [e.objects for e in tests], width, width)
    monkeypatch.setattr(transformer, "encode", lambda *args: (None, transformer.Seen(encoder=[A, A[:, ::-1]])))
    hits = verb_to_object(untrained, tests)
    assert hits.shape == (2, 2)
    assert hits[0, 1] == hits[1, 0] == 1
    assert hits[0, 0] == hits[1, 1] == 0
    assert best(hits) == (0, 1)


@pytest.mark.parametrize("language", [KOREAN, ENGLISH])
def test_alignment_is_of_the_word_written_to_its_source(language, untrained, small, monkeypatch):
    tests = sides(small, language)
    links = [
        [(q, e.source_keys.index(key)) for q, key in enumerate(e.target_keys) if key and key in e.source_keys]
        for e in tests
    ]
    A = looking(tests, links, 1 + max(len(e.target) for e in tests), max(len(e.source) for e in tests))
    monkeypatch.setattr(transformer, "encode", lambda *args: (None, transformer.Seen()))
    monkeypatch.setattr(transformer, "decode", lambda *args: (None, transformer.Seen(cross=[A])))
    hits = alignment(untrained, tests)
    assert hits[0, 1] == 1
    assert 0 < hits[0, 0] < 0.6  # subjects stand first


def test_the_best_fixed_offset_is_counted_over_all_objects(small):
    tests = sides(small, KOREAN)
    offset, share = best_offset(tests)
    offsets = [o - v for e in tests for v, o in e.objects]
    assert share == pytest.approx(offsets.count(offset) / len(offsets))
    assert share == max(offsets.count(o) / len(offsets) for o in set(offsets))


@pytest.mark.parametrize(("value", "asked", "met"), [(0.95, 0.95, True), (0.949, 0.95, False), (0.1, None, True)])
def test_a_result_is_met_from_what_is_asked_on(value, asked, met):
    assert Result("what", "where", value, asked).met == met


def test_a_table_has_a_column_a_model_and_marks_what_is_not_met():
    lines = [Result("exact translation", "English → Korean", 0.972, 0.95), Result("offset", "English", 0.5, note="+2")]
    worse = [replace(lines[0], value=0.5), lines[1]]
    assert table({"one": lines, "two": worse}).splitlines() == [
        "|  |  | asked | one | two |",
        "| --- | --- | --- | --- | --- |",
        "| exact translation | English → Korean | 95% | 97.2% | 50.0%! |",
        "| offset | English |  | 50.0% (+2) | 50.0% (+2) |",
    ]


def test_dev_and_test_share_no_sentence(small):
    assert not {str(english(m)) for m in small.dev} & {str(english(m)) for m in small.test}

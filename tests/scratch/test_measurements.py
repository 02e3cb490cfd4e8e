"""What is measured of a trained model and kept in its file."""

import numpy as np
import pytest

from attnviz.scratch import evaluate, measurements, transformer
from attnviz.scratch.confidence import LOST, Threshold, choose_threshold
from attnviz.scratch.corpus import draw_corpus
from attnviz.scratch.evaluate import DIRECTIONS, judged, measured_roles, worded
from attnviz.scratch.measurements import measure_files, measured
from attnviz.scratch.store import Checkpoint, map_tree, named, read, shipped, to_bytes
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, LANGUAGES
from attnviz.scratch.transformer import Config
from attnviz.scratch.vocabulary import make_tokenizer


@pytest.fixture(scope="module")
def small():
    return draw_corpus(held_out=30)


@pytest.fixture(scope="module")
def untrained() -> Checkpoint:
    tokenizer = make_tokenizer()
    config = Config(len(tokenizer.stems), len(tokenizer.endings), d=16, h=2, ff=16, encoder_layers=2, decoder_layers=2)
    random = np.random.default_rng(0)
    weights = map_tree(lambda _, shape: random.normal(size=shape).astype(np.float32), transformer.shapes(config))
    return Checkpoint(config, weights, tokenizer)


def test_thresholds_are_chosen_on_dev_and_measured_on_test(untrained, small, monkeypatch):
    dev = np.linspace(0.4, 0.9, 30), np.arange(30) >= 10

    def judge(checkpoint, tests):
        first = tests[0].meaning
        return dev if first == small.dev[0] else (np.linspace(0, 1, len(tests)), np.arange(len(tests)) >= 15)

    monkeypatch.setattr(measurements, "judged", judge)
    monkeypatch.setattr(evaluate, "FEWEST", 5)
    found = measured(untrained, small)
    assert [one.language for one in found.thresholds] == ["Korean", "English"]
    for one in found.thresholds:
        assert one.confidence == choose_threshold(*dev)
        assert one.caught == 1
        count = len(worded(small.test, KOREAN if one.language == "Korean" else ENGLISH))
        below = sum(share < one.confidence for share in np.linspace(0, 1, count)[15:])
        assert one.lost == pytest.approx(below / (count - 15), abs=1e-4)
    assert found.roles == measured_roles(untrained, small)
    assert found.rates
    for construction, by_language in found.rates.items():
        for target in DIRECTIONS.values():
            tests = worded(small.test, target)
            of = evaluate.by_construction(tests).get(construction)
            expected = of and sum(index >= 15 for index in of) / len(of)
            assert by_language.get(LANGUAGES[target]) == (of and pytest.approx(expected, abs=1e-4))


def test_a_file_is_measured_and_written_again_with_the_same_weights(untrained, small, tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    path.write_bytes(to_bytes(untrained))
    before = read(path)
    monkeypatch.setattr(measurements, "draw_corpus", lambda: small)
    measure_files([str(path)])
    after = read(path)
    for (_, ours), (_, theirs) in zip(named(before.weights), named(after.weights), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert after.tokenizer.vocabulary == before.tokenizer.vocabulary
    assert [type(one) for one in after.thresholds] == [Threshold] * 2
    assert after.threshold(KOREAN) == after.threshold(ENGLISH) == 1  # nothing that it writes is right


def test_the_confidence_is_that_of_the_least_likely_word_or_end(untrained, small):
    """Against one sentence at a time, without padding, each word by itself."""
    tests = worded(small.test, KOREAN)[:6]
    written = [example.target[: 1 + index] for index, example in enumerate(tests)]
    W, h, tokenizer = untrained.weights, untrained.config.h, untrained.tokenizer
    for example, words, found in zip(tests, written, evaluate.confidences(untrained, tests, written), strict=True):
        source = np.array([tokenizer.pairs(example.source)])
        real = np.full(source.shape[:2], True)
        memory, _ = transformer.encode(source, real, W, h, np)
        read_words, least = [(KOREAN, 0)], 1.0
        for stem, ending in [*tokenizer.pairs(words), (END, 0)]:
            x, _ = transformer.decode(np.array([read_words]), memory, real, W, h, np)
            last = x[:, -1:].astype(np.float64)
            exp = np.exp(transformer.stem_logits(last, W)[0, 0])
            scores = transformer.ending_logits(last, np.array([[stem]]), W)[0, 0]
            of_ending = np.exp(scores - scores.max()) * tokenizer.has[stem]
            least = min(least, exp[stem] / exp.sum() * of_ending[ending] / of_ending.sum())
            read_words.append((stem, ending))
        assert found == pytest.approx(least, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("target", DIRECTIONS.values())
def test_the_shipped_threshold_is_the_one_of_dev_and_loses_few_right_translations_there(target):
    confidence, right = judged(shipped(), worded(draw_corpus().dev, target))
    threshold = shipped().threshold(target)
    assert threshold == pytest.approx(choose_threshold(confidence, right), abs=0.011)
    assert (confidence[right] < threshold).mean() <= LOST

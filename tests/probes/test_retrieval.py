"""Retrieval heads: on matrices by hand, on a model trained to copy against its own eager attention, on SmolLM2."""

import re
from collections.abc import Iterator
from random import Random

import induction_model
import numpy as np
import pytest
import tiny_models
from command_line import run

import attnviz
from attnviz.analysis.retrieval import chance_of_copying, copied_share
from attnviz.attention import Attention, Token
from attnviz.errors import ModelError
from attnviz.probes import retrieval
from attnviz.probes.retrieval import DEPTHS, LENGTHS, SAMPLES, probe_retrieval


def answered(*heads: list[int]) -> Attention:
    """`x a b a y` is read and `a b b a` generated after it; of each head, the keys that its four rows look at most."""
    ids = [0, 1, 2, 1, 3, 1, 2, 2, 1]
    tokens = tuple(Token(id_, "xaby"[id_], generated=index >= 5) for index, id_ in enumerate(ids))
    weights = np.full((len(heads), 4, 9), 0.05, np.float32)
    for head, tops in enumerate(heads):
        weights[head, range(4), tops] = 0.6
    rows = tuple((row, row + 1) for row in range(4, 8))
    numbers = {0: tuple(range(len(heads)))}
    return Attention(
        "masked-self", "decoder", tokens, tokens, {0: weights}, numbers, {}, (*tokens[1:], None), rows=rows
    )


def test_a_token_that_is_looked_at_while_it_is_written_counts_once() -> None:
    perfect = [1, 2, 2, 3]  # every token of the needle `a b a`, its b twice
    late = [5, 1, 2, 7]  # a before it was written, and b once where it is written
    outside = [5, 6, 6, 5]  # the tokens that are written, but in the answer
    one_place = [3, 2, 0, 3]  # a twice, but the same a
    found = copied_share(answered(perfect, late, outside, one_place), 0, (1, 4))
    assert found == pytest.approx([1, 1 / 3, 0, 2 / 3])


def test_the_baseline_is_the_share_that_random_keys_copy() -> None:
    a = 1 - (1 - 1 / 5) * (1 - 1 / 8)  # row 4 sees 5 keys and writes a, row 7 sees 8 and writes a
    b = 1 - (1 - 1 / 6) * (1 - 1 / 7)
    assert chance_of_copying(answered([0, 0, 0, 0]), (1, 4)) == pytest.approx((a + b + a) / 3)
    random, draws = np.random.default_rng(0), 4000
    drawn = [[int(random.integers(row + 1)) for row in range(4, 8)] for _ in range(draws)]
    assert copied_share(answered(*drawn), 0, (1, 4)).mean() == pytest.approx((a + b + a) / 3, abs=0.02)


@pytest.fixture
def asked_by_name(monkeypatch) -> None:
    """A prompt that a model can answer which does nothing but repeat: the sentence's first word, among other words."""

    def words(random: Random, without: object = ()) -> Iterator[str]:
        unused = random.sample(induction_model.filler()[:80], 80)
        while True:
            yield " ".join(unused.pop() for _ in range(4))

    monkeypatch.setattr(retrieval, "QUESTION", "{text} {who}")
    monkeypatch.setattr(retrieval, "LENGTHS", (8, 12))
    monkeypatch.setattr(retrieval, "BESIDE", 32)
    monkeypatch.setattr(retrieval, "sentences", words)


@pytest.mark.usefixtures("asked_by_name")
def test_the_copying_head_of_a_trained_model_is_found_with_the_score_of_its_eager_attention(monkeypatch) -> None:
    loaded = attnviz.load(induction_model.trained(), tokenizer=induction_model.tokenizer())
    read, trace = [], loaded.trace

    def seen(text, selection, **options):
        read.append((text, trace(text, selection, **options)))
        return read[-1][1]

    object.__setattr__(loaded, "trace", seen)
    found = probe_retrieval(loaded, samples=4)
    assert found.samples == 4
    assert found.heads[0].layer == 1
    assert found.heads[0].mean > 0.5
    assert found.heads[0].mean > 5 * found.baseline
    assert all(head.mean < 0.2 for head in found.heads if head.layer == 0)
    values: dict[str, list[float]] = {}
    for prompt, traced in read:
        words = prompt.split()
        start = words.index(words[-1])  # the needle begins with the name that the prompt ends with
        stop = next(index for index, word in enumerate(words) if word.endswith(".")) + 2  # and the full stop is a token
        ids = [token.id for token in traced["masked-self"].keys]
        first = sum(not token.generated for token in traced["masked-self"].keys) - 1
        assert first == len(words)  # one more token than words, for the full stop
        for layer, heads in enumerate(tiny_models.eager(loaded.model, ids)):
            for head, A in enumerate(heads):
                tops = {(int(A[row].argmax()), ids[row + 1]) for row in range(first, len(ids) - 1)}
                copied = {key for key, written in tops if start <= key < stop and ids[key] == written}
                values.setdefault(f"L{layer}H{head}", []).append(len(copied) / (stop - start))
    assert {one.name: one.mean for one in found.heads} == pytest.approx({n: np.mean(v) for n, v in values.items()})
    assert {one.name: one.spread for one in found.heads} == pytest.approx({n: np.std(v) for n, v in values.items()})


def test_no_head_is_ranked_if_the_model_repeats_nothing(tmp_path) -> None:
    folder = tmp_path / "llama"
    tiny_models.writer("llama", max_position_embeddings=2048).save_pretrained(folder)
    tiny_models.tokenizer().save_pretrained(folder)
    done = run("heads", "--probe", "retrieval", "-m", folder, "--samples", "2")
    assert done.code == 0
    assert "The model repeated 0 of 2 hidden sentences, so copying cannot be measured" in re.sub(r"\s+", " ", done.out)
    assert "L0H0" not in done.out
    assert run("heads", "--probe", "retrieval", "-m", folder, "--samples", "2", "-o", tmp_path / "r.csv").code == 0
    assert (tmp_path / "r.csv").read_text() == "probe,layer,head,mean,spread,rate,baseline,samples,tried\n"


def test_a_model_without_a_language_model_head_is_refused() -> None:
    model = attnviz.load(tiny_models.build("llama", max_position_embeddings=2048), tokenizer=tiny_models.tokenizer())
    with pytest.raises(ModelError, match="no language-model head to generate with"):
        probe_retrieval(model, samples=1)


def test_the_samples_hide_different_sentences_at_every_depth_of_every_length() -> None:
    model = attnviz.load(tiny_models.build("llama"), tokenizer=tiny_models.tokenizer())
    samples = [retrieval.sample_of(model, number) for number in range(SAMPLES)]
    assert samples == [retrieval.sample_of(model, number) for number in range(SAMPLES)]
    assert len({one.needle for one in samples}) > SAMPLES / 2
    places = set()
    for number, one in enumerate(samples):
        text = one.prompt.split("\n")[0]
        assert text.count(one.needle) == 1
        others = text.replace(one.needle, "").lower()
        assert not {*one.needle.lower().rstrip(".").split()[3:5]} & {*re.findall(r"\w+", others)}  # what was hidden
        before, after = text.split(one.needle)
        depth = len(before) / len(before + after)
        assert depth == pytest.approx(DEPTHS[number % 5], abs=0.15)
        places.add((number % 3, number % 5))
        length = len(model.text_tokenizer.encode(others).ids)
        assert LENGTHS[number % 3] - 5 <= length < LENGTHS[number % 3] + 100
    assert len(places) == SAMPLES == 15


def test_the_retrieval_heads_of_smollm2_are_found(smollm2_file, tmp_path) -> None:
    args = ["heads", "--probe", "retrieval", "-m", smollm2_file, "--samples", "2"]
    assert run(*args, "-o", tmp_path / "r.csv").code == 0
    rows = [line.split(",") for line in (tmp_path / "r.csv").read_text().splitlines()[1:]]
    assert len(rows) == 270
    assert rows[0][1:3] == ["18", "6"]  # .67 here over 15 samples; it is the head that induction finds too
    assert float(rows[0][3]) > 0.5
    assert float(rows[0][6]) < 0.02  # a key chosen at random
    scores = [float(row[3]) for row in rows]
    assert 3 <= sum(score >= 0.1 for score in scores) <= 40  # the paper: few heads of any model
    assert np.median(scores) < 0.05

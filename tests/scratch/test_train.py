"""Training: a few steps of a tiny corpus, the same for the same seed, interrupted or not."""

import array_api_compat.torch as xp
import numpy as np
import pytest
import torch

from attnviz.scratch import train as training
from attnviz.scratch import transformer
from attnviz.scratch.corpus import corpus_vocabulary, draw_corpus, examples
from attnviz.scratch.store import Checkpoint, named
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, PAD, Tokenizer
from attnviz.scratch.train import Recipe, batches, guessing_loss, initial, learning_rate, train, translation_loss
from attnviz.scratch.transformer import Config

EXAMPLES = examples(draw_corpus(size=24, held_out=1).train)
TOKENIZER = Tokenizer(corpus_vocabulary())
RECIPE = Recipe(steps=4, batch=8, peak=3e-3, warmup=2)


def trained(folder, recipe: Recipe = RECIPE, seed: int = 0, advance=lambda steps, now: None) -> Checkpoint:
    return train(EXAMPLES, TOKENIZER, recipe, seed, folder, advance)


def weights(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    return dict(named(checkpoint.weights))


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    for name, array in weights(one).items():
        np.testing.assert_array_equal(array, weights(other)[name], err_msg=name)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Checkpoint:
    return trained(tmp_path_factory.mktemp("first"))


def test_every_weight_is_trained(first, tmp_path):
    torch.manual_seed(0)
    config = Config(len(TOKENIZER.vocabulary))
    start = dict(named(initial(transformer.shapes(config), config)))
    for name, array in weights(first).items():
        assert np.isfinite(array).all()
        if not name.endswith("b_K"):  # it adds the same to every score of a row: softmax does not see it
            assert np.abs(array - start[name].detach().numpy()).max() > 1e-4, name


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(first, tmp_path):
    assert_same(first, trained(tmp_path))
    assert not np.array_equal(first.weights["E"], trained(tmp_path, seed=1).weights["E"])


def test_the_loss_falls(tmp_path):
    losses: list[float] = []

    def note(steps: int, now: str) -> None:
        if now.startswith("loss"):
            losses.append(float(now.split()[1]))

    trained(tmp_path, Recipe(steps=25, batch=16, warmup=5), advance=note)
    assert len(losses) == 25
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 1


@pytest.mark.parametrize("after", [1, 2, 3])
def test_training_goes_on_where_it_was_interrupted(after, first, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    told: list[tuple[int, str]] = []

    def stop(steps: int, now: str) -> None:
        told.append((steps, now))
        if sum(steps for steps, _ in told) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, advance=stop)
    told.clear()
    torch.manual_seed(99)
    again = trained(tmp_path, advance=lambda steps, now: told.append((steps, now)))
    assert told[0] == ((2, "resumed") if after >= 2 else (0, ""))
    assert sum(steps for steps, _ in told) == 4
    assert_same(first, again)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-0.safetensors"]


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.2), (4, 1.0), (9, 2.0), (10, 2.0), (60, 1.0), (35, 1 + 2**-0.5), (110, 0.0)],
)
def test_the_learning_rate_rises_straight_and_falls_by_half_a_cosine(step, rate):
    assert learning_rate(step, Recipe(steps=110, warmup=10, peak=2.0)) == pytest.approx(rate)


def test_batches_have_every_example_once_a_round_with_its_ends_and_its_verbs():
    recipe = Recipe(batch=7, in_pieces=0)
    stream = batches(EXAMPLES, TOKENIZER, recipe, 0)
    seen = []
    while len(seen) < len(EXAMPLES):
        batch = next(stream)
        assert batch.source.shape == batch.verbs.shape
        for source, target, verbs in zip(
            batch.source.tolist(), batch.target.tolist(), batch.verbs.tolist(), strict=True
        ):
            words = tuple(TOKENIZER.vocabulary[id] for id in source if id != PAD)
            assert target[0] in (ENGLISH, KOREAN)
            assert [id for id in target if id != PAD][-1] == END
            [example] = [e for e in EXAMPLES if tuple(map(str.lower, e.source)) == tuple(map(str.lower, words))]
            at = [place for place, key in enumerate(example.source_keys) if key and key[1] == "verb"]
            assert [place for place, verb in enumerate(verbs) if verb] == at
            assert target[0] == example.language
            seen.append(words)
    assert len(set(seen)) == len(EXAMPLES)


def test_words_in_pieces_are_learned_too():
    [pieces, whole] = [next(batches(EXAMPLES, TOKENIZER, Recipe(in_pieces=p), 0)).source for p in (1.0, 0.0)]
    assert (pieces != PAD).sum() > 2 * (whole != PAD).sum()


def tiny() -> tuple[dict, Config]:
    config = Config(len(TOKENIZER.vocabulary), d=16, h=2, ff=16, encoder_layers=1, decoder_layers=1)
    torch.manual_seed(0)
    return initial(transformer.shapes(config), config), config


def test_no_loss_sees_a_weight_of_attention_or_the_padding():
    """Longer padding changes neither loss; nor is there any term but the two cross-entropies."""
    W, config = tiny()
    recipe = Recipe(dropout=0, hide_verb=1, hide_other=1, in_pieces=0)
    batch = next(batches(EXAMPLES[:3], TOKENIZER, recipe, 0))
    pad = torch.full((len(batch.source), 5), PAD)
    padded = training.Batch(
        torch.cat([batch.source, pad], 1), torch.cat([batch.target, pad], 1), torch.cat([batch.verbs, pad != PAD], 1)
    )
    loss, padded_loss = (translation_loss(one, W, config.h, recipe).item() for one in (batch, padded))
    assert loss == pytest.approx(padded_loss, abs=1e-5)
    real = batch.source != PAD
    memory, _ = transformer.encode(batch.source, real, W, config.h, xp)
    x, _ = transformer.decode(batch.target[:, :-1], memory, real, W, config.h, xp)
    expected = torch.nn.functional.cross_entropy(
        transformer.logits(x, W).flatten(0, 1), batch.target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=0.1
    )
    assert loss == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize(("hide_verb", "hide_other", "only_verbs"), [(1.0, 0.0, True), (0.0, 1.0, False)])
def test_guessing_is_of_verbs_or_of_other_words_as_the_recipe_says(hide_verb, hide_other, only_verbs, monkeypatch):
    W, config = tiny()
    recipe = Recipe(dropout=0, hide_verb=hide_verb, hide_other=hide_other, in_pieces=0)
    batch = next(batches(EXAMPLES, TOKENIZER, recipe, 0))
    asked = []
    monkeypatch.setattr(
        training, "cross_entropy", lambda scores, wanted, **options: asked.append(wanted) or scores.sum()
    )
    guessing_loss(batch, W, config.h, recipe)
    real = batch.source != PAD
    expected = batch.source[batch.verbs if only_verbs else real & ~batch.verbs]
    assert asked[0].tolist() == expected.tolist()

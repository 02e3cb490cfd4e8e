"""Training: a few steps of a tiny corpus, the same for the same seed, interrupted or not."""

from itertools import islice
from random import Random

import array_api_compat.torch as xp
import numpy as np
import pytest
import torch

from attnviz.scratch import train as training
from attnviz.scratch import transformer
from attnviz.scratch.store import Checkpoint, named
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, MASK, PAD
from attnviz.scratch.train import BLOCK, Recipe, batches, guessing_loss, initial, learning_rate, train, translation_loss
from attnviz.scratch.transformer import Config
from attnviz.scratch.vocabulary import make_tokenizer

TOKENIZER = make_tokenizer()
RECIPE = Recipe(steps=4, batch=8, peak=3e-3, warmup=2)


def trained(folder, recipe: Recipe = RECIPE, seed: int = 0, advance=lambda steps, now: None) -> Checkpoint:
    return train(TOKENIZER, recipe, seed, folder, advance)


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
    config = Config(len(TOKENIZER.stems), len(TOKENIZER.endings))
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

    trained(tmp_path, Recipe(steps=40, batch=16, warmup=5), advance=note)
    assert len(losses) == 40
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


@pytest.mark.parametrize(("step", "rate"), [(0, 0.2), (4, 1.0), (9, 2.0), (50, 2.0), (70, 2.0), (85, 1.0), (97, 0.2)])
def test_the_learning_rate_rises_stays_and_falls_over_the_last_three_in_ten_steps(step, rate):
    assert learning_rate(step, Recipe(steps=100, warmup=10, peak=2.0)) == pytest.approx(rate)


def some_batches(number: int, recipe: Recipe = RECIPE, done: int = 0) -> list[training.Batch]:
    return list(islice(batches(TOKENIZER, recipe, 0, done), number))


def test_a_batch_has_sentences_with_their_ends():
    for batch in some_batches(5):
        assert len(batch.source) == len(batch.target) == RECIPE.batch
        for target in batch.target[..., 0].tolist():
            assert target[0] in (ENGLISH, KOREAN)
            assert [stem for stem in target if stem != PAD][-1] == END


def test_batches_go_on_from_any_step():
    whole = some_batches(BLOCK + 5)
    for done in (0, 3, BLOCK, BLOCK + 2):
        [batch] = some_batches(1, done=done)
        for one, other in zip(vars(batch).values(), vars(whole[done]).values(), strict=True):
            assert torch.equal(one, other)


def test_no_two_batches_are_alike():
    sources = [str(batch.source.tolist()) for batch in some_batches(2 * BLOCK)]
    assert len(set(sources)) == len(sources)


def test_of_the_words_to_guess_two_in_five_are_masked_and_one_in_five_is_left():
    guessed, masked, left = 0, 0, 0
    for batch in some_batches(60, Recipe(batch=32)):
        assert not (batch.guessed & (batch.source[..., 0] == PAD)).any()
        assert torch.equal(batch.shown[~batch.guessed], batch.source[~batch.guessed])
        shown, source = batch.shown[batch.guessed], batch.source[batch.guessed]
        guessed, masked = guessed + len(shown), masked + int((shown[:, 0] == MASK).sum())
        left += int((shown == source).all(-1).sum())
    assert masked / guessed == pytest.approx(0.4, abs=0.05)
    assert left / guessed == pytest.approx(0.2, abs=0.05)


def tiny() -> tuple[dict, Config]:
    config = Config(len(TOKENIZER.stems), len(TOKENIZER.endings), d=16, h=2, ff=16, encoder_layers=1, decoder_layers=1)
    torch.manual_seed(0)
    return initial(transformer.shapes(config), config), config


def test_no_loss_sees_a_weight_of_attention_or_the_padding():
    """Longer padding changes neither loss; nor is there any term but the two cross-entropies."""
    W, config = tiny()
    recipe = Recipe(batch=3, hide_verb=1, hide_other=1)
    [batch] = some_batches(1, recipe)

    def longer(ids: torch.Tensor, value: int = PAD) -> torch.Tensor:
        return torch.cat([ids, torch.full((len(ids), 5, *ids.shape[2:]), value, dtype=ids.dtype)], 1)

    padded = training.Batch(longer(batch.source), longer(batch.target), longer(batch.shown), longer(batch.guessed, 0))
    loss, padded_loss = (translation_loss(one, W, config.h, recipe).item() for one in (batch, padded))
    assert loss == pytest.approx(padded_loss, abs=1e-5)
    guess, padded_guess = (guessing_loss(one, W, config.h, recipe).item() for one in (batch, padded))
    assert guess == pytest.approx(padded_guess, abs=1e-5)
    real = batch.source[..., 0] != PAD
    memory, _ = transformer.encode(batch.source, real, W, config.h, xp)
    x, _ = transformer.decode(batch.target[:, :-1], memory, real, W, config.h, xp)
    stems, endings = batch.target[:, 1:, 0], batch.target[:, 1:, 1]
    parts = [(transformer.stem_logits(x, W), stems), (transformer.ending_logits(x, stems, W), endings)]
    expected = sum(
        torch.nn.functional.cross_entropy(scores[stems != PAD], wanted[stems != PAD], label_smoothing=0.1)
        for scores, wanted in parts
    )
    assert loss == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize(("hide_verb", "hide_other", "only_verbs"), [(1.0, 0.0, True), (0.0, 1.0, False)])
def test_guessing_is_of_verbs_or_of_other_words_as_the_recipe_says(hide_verb, hide_other, only_verbs):
    random = Random(0)
    coded = [training._code(example, TOKENIZER) for example in islice(training.training_examples(random), 40)]
    batch = training._batch(coded, Recipe(hide_verb=hide_verb, hide_other=hide_other), random)
    verbs = torch.tensor(training.padded([[int(verb) for verb in one.verbs] for one in coded])).bool()
    real = batch.source[..., 0] != PAD
    assert torch.equal(batch.guessed, verbs if only_verbs else real & ~verbs)

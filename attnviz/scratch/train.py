"""Training the built-in model from nothing, under torch. Read after transformer.py and corpus.py.

Two tasks are learned side by side: to translate a sentence, and to guess words that were hidden from the encoder. The
second gives every verb a reason to look at its object, whatever the language and whether or not the translation hangs
on it. Attention itself is never supervised: no loss ever sees a weight.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import array_api_compat.torch as xp
import torch
from torch.nn.functional import cross_entropy

from attnviz.scratch import transformer
from attnviz.scratch.attention import Weights
from attnviz.scratch.corpus import Example, training_examples
from attnviz.scratch.muon import Muon
from attnviz.scratch.store import Checkpoint, map_tree, named
from attnviz.scratch.tokenizer import END, MASK, PAD, Tokenizer, padded
from attnviz.scratch.training_state import restore, save, steps_done
from attnviz.scratch.transformer import Config

SAVE_EVERY = 200  # steps
BLOCK = 20  # batches that are drawn together, so that sentences of like length are in one
THREADS = 1  # a sum cut into other parts is rounded otherwise, and training drifts apart


@dataclass(frozen=True)
class Recipe:
    """How the model is trained. A probability, where nothing else is said."""

    steps: int = 10000
    batch: int = 64  # sentences
    peak: float = 2e-3  # the highest learning rate
    warmup: int = 200  # steps until it is reached
    fall: float = 0.3  # the share of the steps in which it falls to 0
    smoothing: float = 0.1  # of labels
    weight_decay: float = 0.01
    hide_verb: float = 0.45  # that a verb is to be guessed
    hide_other: float = 0.12  # that another word is


@dataclass(frozen=True)
class Coded:
    """An example as ids; `verbs` marks the source's tokens that are verbs."""

    source: list[tuple[int, int]]
    target: list[tuple[int, int]]
    verbs: list[bool]


@dataclass(frozen=True)
class Batch:
    """Sentences as arrays of ids, padded at the end.

    `source` is `[B, n, 2]`, `target` `[B, m, 2]` with its ends. `shown` `[B, n, 2]` is the source with some words
    hidden, those that are `guessed` `[B, n]`.
    """

    source: torch.Tensor
    target: torch.Tensor
    shown: torch.Tensor
    guessed: torch.Tensor


def train(
    tokenizer: Tokenizer,
    recipe: Recipe,
    seed: int,
    folder: Path,
    advance: Callable[[int, str], None] = lambda steps, now: None,
) -> Checkpoint:
    """Train a model and return it. `advance` is told of the steps that were made, and of the loss.

    Every `SAVE_EVERY` steps all is saved to `checkpoint_file`; where that stands, training goes on from it. The same
    seed gives the same model on the same sort of machine. Raises FileError where it cannot be saved, and where the file
    is of another training.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    config = Config(len(tokenizer.stems), len(tokenizer.endings))
    W = initial(transformer.shapes(config), config)
    parameters = [array for _, array in named(W)]
    optimizers = make_optimizers(W, recipe)
    file, made_by = checkpoint_file(folder, seed), identity(tokenizer, recipe, seed)
    if done := steps_done(file, made_by):
        restore(file, done, W, optimizers)
    save(file, done, W, optimizers, made_by)  # a folder that cannot be written is found out before an hour's work
    advance(done, "resumed" if done else "")
    stream = batches(tokenizer, recipe, seed, done)
    for step in range(done, recipe.steps):
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = learning_rate(step, recipe)
            optimizer.zero_grad()
        loss = translation_loss(batch := next(stream), W, config.h, recipe) + guessing_loss(batch, W, config.h, recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        if (step + 1) % SAVE_EVERY == 0:
            save(file, step + 1, W, optimizers, made_by)
        advance(1, f"loss {loss.item():.2f}")
    return Checkpoint(config, map_tree(lambda _, array: array.detach().numpy(), W), tokenizer)


def make_optimizers(W: Weights, recipe: Recipe) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embeddings, the gains and the biases."""
    matrices = [array for name, array in named(W) if array.ndim == 2 and name not in "EF"]
    others = [array for name, array in named(W) if array.ndim == 1 or name in "EF"]
    adam = torch.optim.AdamW(others, betas=(0.9, 0.98), eps=1e-9, weight_decay=recipe.weight_decay, fused=True)
    return Muon(matrices, weight_decay=recipe.weight_decay), adam


def checkpoint_file(folder: Path, seed: int) -> Path:
    """Where a training is kept that is not at its end, and after it."""
    return folder / f"checkpoint-{seed}.safetensors"


def identity(tokenizer: Tokenizer, recipe: Recipe, seed: int) -> dict[str, Any]:
    """All that a training depends on: the recipe, the seed, and a digest of the first sentences and the vocabulary."""
    first = [(example.source, example.target) for example in islice(training_examples(Random(0)), 1000)]
    data = sha256(repr((first, tokenizer.vocabulary)).encode()).hexdigest()
    return {"seed": seed, **asdict(recipe), "data": data[:12]}


def require_resumable(tokenizer: Tokenizer, recipe: Recipe, seeds: Iterable[int], folder: Path) -> None:
    """Raise FileError where the checkpoint of one of the `seeds` in `folder` is of another training, or damaged."""
    for seed in seeds:
        steps_done(checkpoint_file(folder, seed), identity(tokenizer, recipe, seed))


def translation_loss(batch: Batch, W: Weights, h: int, recipe: Recipe) -> torch.Tensor:
    """Cross-entropy of each target word, given the source and the words before it; smoothed (section 5.4)."""
    real = batch.source[..., 0] != PAD
    memory, _ = transformer.encode(batch.source, real, W, h, xp)
    x, _ = transformer.decode(batch.target[:, :-1], memory, real, W, h, xp)
    wanted = batch.target[:, 1:]
    is_word = wanted[..., 0] != PAD
    return word_loss(x[is_word], wanted[is_word], W, recipe)


def word_loss(x: torch.Tensor, wanted: torch.Tensor, W: Weights, recipe: Recipe) -> torch.Tensor:
    """−log P(stem) − log P(ending | stem), of words `[n, 2]` by `x` `[n, d]`."""
    stem, ending = wanted[:, 0], wanted[:, 1]
    of_stem = cross_entropy(transformer.stem_logits(x, W), stem, label_smoothing=recipe.smoothing)
    scores = transformer.ending_logits(x, stem, W)
    return of_stem + cross_entropy(scores, ending, label_smoothing=recipe.smoothing)


def guessing_loss(batch: Batch, W: Weights, h: int, recipe: Recipe) -> torch.Tensor:
    """Cross-entropy of the hidden source words, guessed by the encoder alone (after Devlin et al. 2019, section 3.1).

    In every second sentence: that is enough, and takes half the time.
    """
    source, shown, guessed = batch.source[::2], batch.shown[::2], batch.guessed[::2]
    x, _ = transformer.encode(shown, source[..., 0] != PAD, W, h, xp)
    return word_loss(x[guessed], source[guessed], W, recipe)


def learning_rate(step: int, recipe: Recipe) -> float:
    """A straight rise for `warmup` steps, then `peak`, then a straight fall to 0 over the last three in ten steps.

    After Hägele et al. (2024): as good as a cosine, and training can be made longer from where the fall began.
    """
    left = (recipe.steps - step) / (recipe.fall * recipe.steps)
    return recipe.peak * min((step + 1) / recipe.warmup, 1.0, left)


def initial(shapes: Any, config: Config) -> Any:
    """Weights to start from: gains 1, biases 0, embeddings N(0, 1/d), the rest by Glorot and Bengio (2010)."""

    def start(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        if len(shape) == 1:
            return torch.full(shape, 1.0 if name.endswith("gain") else 0.0, requires_grad=True)
        deviation = config.d**-0.5 if name in "EF" else math.sqrt(2 / sum(shape))
        return (torch.randn(shape) * deviation).requires_grad_()

    return map_tree(start, shapes)


def batches(tokenizer: Tokenizer, recipe: Recipe, seed: int, done: int = 0) -> Iterator[Batch]:
    """Batches without end from step `done` on, of sentences of like length, each sentence drawn afresh.

    A block of batches depends on the seed and its number alone, so that training goes on from any step.
    """
    for block in count(done // BLOCK):
        yield from islice(
            block_of_batches(tokenizer, recipe, seed, block), done % BLOCK if block == done // BLOCK else 0, None
        )


def block_of_batches(tokenizer: Tokenizer, recipe: Recipe, seed: int, block: int) -> list[Batch]:
    """The batches of one block, in a random order."""
    random = Random(f"{seed} {block}")
    coded = [_code(example, tokenizer) for example in islice(training_examples(random), recipe.batch * BLOCK)]
    coded.sort(key=lambda one: (len(one.source), len(one.target)))
    chunks = [coded[i : i + recipe.batch] for i in range(0, len(coded), recipe.batch)]
    random.shuffle(chunks)
    return [_batch(chunk, recipe, random) for chunk in chunks]


def _batch(chunk: list[Coded], recipe: Recipe, random: Random) -> Batch:
    """The sentences as arrays.

    Of the words that are to be guessed, two in five are masked, two in five are another word of the batch, and one in
    five is left: so that a word that is there has to be checked against the others.
    """
    source, target = (_padded([getattr(one, side) for one in chunk]) for side in ("source", "target"))
    verbs = torch.tensor(padded([[int(is_verb) for is_verb in one.verbs] for one in chunk])).bool()
    generator = torch.Generator().manual_seed(random.getrandbits(48))
    real = source[..., 0] != PAD
    guessed = real & (
        torch.rand(real.shape, generator=generator) < torch.where(verbs, recipe.hide_verb, recipe.hide_other)
    )
    how = torch.rand(real.shape, generator=generator)[..., None]
    others = source[real][torch.randint(int(real.sum()), real.shape, generator=generator)]
    shown = torch.where(guessed[..., None] & (how < 0.4), torch.tensor([MASK, 0]), source)
    shown = torch.where(guessed[..., None] & (how > 0.6), others, shown)
    return Batch(source, target, shown, guessed)


def _padded(rows: list[list[tuple[int, int]]]) -> torch.Tensor:
    """`rows` of pairs as `[B, n, 2]`, all as long as the longest."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[(PAD, 0)] * (width - len(row))] for row in rows])


def _code(example: Example, tokenizer: Tokenizer) -> Coded:
    verbs = [bool(key and key[1] == "verb") for key in example.source_keys]
    start, end = (example.language, 0), (END, 0)
    return Coded(tokenizer.pairs(example.source), [start, *tokenizer.pairs(example.target), end], verbs)

"""Training the built-in model from nothing, under torch. Read after transformer.py and corpus.py.

Two tasks are learned side by side: to translate a sentence, and to guess words that were hidden from the encoder. The
second gives every verb a reason to look at its object, whatever the language and whether or not the translation hangs
on it. Attention itself is never supervised: no loss ever sees a weight.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import array_api_compat.torch as xp
import torch
from torch.nn.functional import cross_entropy, dropout

from attnviz.scratch import transformer
from attnviz.scratch.attention import Dropout, Weights
from attnviz.scratch.corpus import Example
from attnviz.scratch.store import Checkpoint, map_tree, named
from attnviz.scratch.tokenizer import END, MASK, PAD, Tokenizer, padded
from attnviz.scratch.training_state import restore, save, steps_done
from attnviz.scratch.transformer import Config

SAVE_EVERY = 200  # steps
THREADS = 1  # a sum cut into other parts is rounded otherwise, and training drifts apart


@dataclass(frozen=True)
class Recipe:
    """How the model is trained. A probability, where nothing else is said."""

    steps: int = 3600
    batch: int = 128  # sentences
    peak: float = 3e-3  # the highest learning rate
    warmup: int = 300  # steps until it is reached
    dropout: float = 0.1
    smoothing: float = 0.1  # of labels
    weight_decay: float = 0.01
    in_pieces: float = 0.02  # that a source word is written in pieces, so that pieces are learned
    hide_verb: float = 0.3  # that a verb is to be guessed
    hide_other: float = 0.1  # that another word is


@dataclass(frozen=True)
class Coded:
    """An example as ids; `verbs` marks the source's tokens that are verbs."""

    source: list[int]
    target: list[int]
    verbs: list[bool]


@dataclass(frozen=True)
class Batch:
    """Sentences as arrays of ids, padded at the end: `source` and `verbs` `[B, n]`, `target` `[B, m]` with its ends."""

    source: torch.Tensor
    target: torch.Tensor
    verbs: torch.Tensor


def train(
    examples: list[Example],
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
    config = Config(len(tokenizer.vocabulary))
    W = initial(transformer.shapes(config), config)
    parameters = [array for _, array in named(W)]
    optimizer = torch.optim.AdamW(parameters, betas=(0.9, 0.98), eps=1e-9, weight_decay=recipe.weight_decay)
    file, made_by = checkpoint_file(folder, seed), identity(examples, tokenizer, recipe, seed)
    if done := steps_done(file, made_by):
        restore(file, done, W, optimizer)
    save(file, done, W, optimizer, made_by)  # a folder that cannot be written is found out before an hour's work
    advance(done, "resumed" if done else "")
    stream = batches(examples, tokenizer, recipe, seed)
    for _ in range(done):
        next(stream)
    for step in range(done, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        loss = translation_loss(batch := next(stream), W, config.h, recipe) + guessing_loss(batch, W, config.h, recipe)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if (step + 1) % SAVE_EVERY == 0:
            save(file, step + 1, W, optimizer, made_by)
        advance(1, f"loss {loss.item():.2f}")
    return Checkpoint(config, map_tree(lambda _, array: array.detach().numpy(), W), tokenizer)


def checkpoint_file(folder: Path, seed: int) -> Path:
    """Where a training is kept that is not at its end, and after it."""
    return folder / f"checkpoint-{seed}.safetensors"


def identity(examples: list[Example], tokenizer: Tokenizer, recipe: Recipe, seed: int) -> dict[str, Any]:
    """All that a training depends on: the recipe, the seed, and a digest of the sentences and the vocabulary."""
    data = sha256(repr((examples, tokenizer.vocabulary)).encode()).hexdigest()
    return {"seed": seed, **asdict(recipe), "data": data[:12]}


def require_resumable(
    examples: list[Example], tokenizer: Tokenizer, recipe: Recipe, seeds: Iterable[int], folder: Path
) -> None:
    """Raise FileError where the checkpoint of one of the `seeds` in `folder` is of another training, or damaged."""
    for seed in seeds:
        steps_done(checkpoint_file(folder, seed), identity(examples, tokenizer, recipe, seed))


def translation_loss(batch: Batch, W: Weights, h: int, recipe: Recipe) -> torch.Tensor:
    """Cross-entropy of each target token, given the source and the tokens before it; smoothed (section 5.4)."""
    drop: Dropout = partial(dropout, p=recipe.dropout)
    real = batch.source != PAD
    memory, _ = transformer.encode(batch.source, real, W, h, xp, drop)
    x, _ = transformer.decode(batch.target[:, :-1], memory, real, W, h, xp, drop)
    scores = transformer.logits(x, W)  # [B, m − 1, |V|]
    return cross_entropy(
        scores.flatten(0, 1), batch.target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=recipe.smoothing
    )


def guessing_loss(batch: Batch, W: Weights, h: int, recipe: Recipe) -> torch.Tensor:
    """Cross-entropy of some source tokens, guessed by the encoder alone (after Devlin et al. 2019, section 3.1).

    Of those, two in five are masked, two in five are another token of the batch, and one in five is left: so that a
    word that is there has to be checked against the others.
    """
    drop: Dropout = partial(dropout, p=recipe.dropout)
    source, real = batch.source, batch.source != PAD
    guessed = real & (torch.rand(source.shape) < torch.where(batch.verbs, recipe.hide_verb, recipe.hide_other))
    how = torch.rand(source.shape)
    others = source[real][torch.randint(int(real.sum()), source.shape)]
    shown = torch.where(guessed & (how < 0.4), MASK, source)
    shown = torch.where(guessed & (how > 0.6), others, shown)
    x, _ = transformer.encode(shown, real, W, h, xp, drop)
    return cross_entropy(transformer.logits(x[guessed], W), source[guessed], label_smoothing=recipe.smoothing)


def learning_rate(step: int, recipe: Recipe) -> float:
    """A straight rise for `warmup` steps, then half a cosine down to 0."""
    fall = max(0, step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.peak * min((step + 1) / recipe.warmup, (1 + math.cos(math.pi * fall)) / 2)


def initial(shapes: Any, config: Config) -> Any:
    """Weights to start from: gains 1, biases 0, embeddings N(0, 1/d), the rest by Glorot and Bengio (2010)."""

    def start(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        if len(shape) == 1:
            return torch.full(shape, 1.0 if name.endswith("gain") else 0.0, requires_grad=True)
        deviation = config.d**-0.5 if name == "E" else math.sqrt(2 / sum(shape))
        return (torch.randn(shape) * deviation).requires_grad_()

    return map_tree(start, shapes)


def batches(examples: list[Example], tokenizer: Tokenizer, recipe: Recipe, seed: int) -> Iterator[Batch]:
    """Batches without end, of sentences of like length, in a new order each time round."""
    random = Random(seed)
    size = recipe.batch
    while True:
        shuffled = random.sample(examples, len(examples))
        chunks = []
        for start in range(0, len(shuffled), size * 20):
            coded = [_code(example, tokenizer, recipe, random) for example in shuffled[start : start + size * 20]]
            coded.sort(key=lambda one: (len(one.source), len(one.target)))
            chunks += [coded[i : i + size] for i in range(0, len(coded), size)]
        random.shuffle(chunks)
        for chunk in chunks:
            source, target, verbs = (padded([getattr(one, side) for one in chunk]) for side in Coded.__annotations__)
            yield Batch(torch.tensor(source), torch.tensor(target), torch.tensor(verbs).bool())


def _code(example: Example, tokenizer: Tokenizer, recipe: Recipe, random: Random) -> Coded:
    source: list[int] = []
    verbs: list[bool] = []
    for word, key in zip(example.source, example.source_keys, strict=True):
        pieces = tokenizer.split(word.lower(), whole=random.random() >= recipe.in_pieces)
        source += [id for id, _, _ in pieces]
        verbs += [bool(key and key[1] == "verb")] * len(pieces)
    return Coded(source, [example.language, *map(tokenizer.id, example.target), END], verbs)

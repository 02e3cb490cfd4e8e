"""What the built-in model reached, on sentences that it never saw: `python -m attnviz.scratch.evaluate [FILE…]`.

Heads are chosen on `dev`, everything else is measured on `test` and `unseen` (see corpus.py), by numpy, with the
weights as they are stored.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attnviz.scratch import transformer
from attnviz.scratch.corpus import Corpus, Example, draw_corpus, examples, mission
from attnviz.scratch.store import Checkpoint, read, shipped
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, PAD, padded

DIRECTIONS = {"English → Korean": KOREAN, "Korean → English": ENGLISH}


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, in which direction, its value, and the value that is asked for."""

    what: str
    where: str
    value: float
    asked: float | None = None
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether what is asked for was reached."""
        return self.asked is None or self.value >= self.asked


def evaluate(checkpoint: Checkpoint, corpus: Corpus | None = None) -> list[Result]:
    """The whole table for one model; `corpus` is the one that it was trained on."""
    corpus = corpus or draw_corpus()
    return [
        result for name, language in DIRECTIONS.items() for result in _direction(checkpoint, corpus, name, language)
    ]


def _direction(checkpoint: Checkpoint, corpus: Corpus, name: str, language: int) -> Iterator[Result]:
    dev, test, unseen = (
        [example for example in examples(part) if example.language == language]
        for part in (corpus.dev, corpus.test, corpus.unseen)
    )
    yield Result("exact translation", name, exact(checkpoint, test), 0.95)
    yield Result("exact translation, unseen pairs", name, exact(checkpoint, unseen))
    source = name.split()[0]
    first = examples(mission())[0 if language == KOREAN else 3]
    sentence = " ".join(first.source)
    yield Result(f"“{sentence}” is translated", name, exact(checkpoint, [first]), 1.0)
    layer, head = best(hits := verb_to_object(checkpoint, dev))
    of_head = f"L{layer}H{head}, {hits[layer, head]:.1%} on dev"
    asked = 0.95 if language == KOREAN else 0.93
    yield Result("verb → object", source, verb_to_object(checkpoint, test)[layer, head], asked, of_head)
    yield Result("verb → object, unseen pairs", source, verb_to_object(checkpoint, unseen)[layer, head], 0.90, of_head)
    offset, share = best_offset(test)
    yield Result("verb → object, best fixed offset", source, share, note=f"offset {offset:+d}")
    yield Result(f"“{sentence}”: verb → object", source, verb_to_object(checkpoint, [first])[layer, head], 1.0, of_head)
    layer, head = best(hits := alignment(checkpoint, dev))
    of_head = f"L{layer}H{head}, {hits[layer, head]:.1%} on dev"
    yield Result("cross-attention: word → its source", name, alignment(checkpoint, test)[layer, head], 0.95, of_head)
    yield Result(f"“{sentence}”: word → its source", name, alignment(checkpoint, [first])[layer, head], 1.0, of_head)


def exact(checkpoint: Checkpoint, tests: Sequence[Example]) -> float:
    """The share of translations that are the grammar's, word for word."""
    W, h = checkpoint.weights, checkpoint.config.h
    right = 0
    for part in _parts(tests):
        ids, real = _sources(checkpoint, part)
        start = np.array([[example.language] for example in part])
        wanted = _targets(checkpoint, part)
        longest = wanted.shape[1]  # whatever is not ended by then is wrong
        written = transformer.greedy(ids, real, start, END, longest, W, h, np)
        for got, want in zip(written[:, 1:].tolist(), wanted[:, 1:].tolist(), strict=True):
            right += END in got and got[: got.index(END)] == want[: want.index(END)]
    return right / len(tests)


def verb_to_object(checkpoint: Checkpoint, tests: Sequence[Example]) -> np.ndarray:
    """`[layer, head]` of the encoder: the share of verbs whose largest weight, over all tokens, is on their object."""
    found: list[np.ndarray] = []
    for part in _parts(tests):
        _, seen = transformer.encode(*_sources(checkpoint, part), checkpoint.weights, checkpoint.config.h, np)
        peaks = np.stack(seen.encoder).argmax(-1)  # [layer, B, head, query]
        found += [peaks[:, row, :, verb] == object for row, one in enumerate(part) for verb, object in one.objects]
    return np.asarray(np.mean(found, axis=0))


def best_offset(tests: Sequence[Example]) -> tuple[int, float]:
    """The distance at which most objects stand from their verb, and the share that stands there: the baseline."""
    offsets = Counter(object - verb for example in tests for verb, object in example.objects)
    offset, count = offsets.most_common(1)[0]
    return offset, count / offsets.total()


def alignment(checkpoint: Checkpoint, tests: Sequence[Example]) -> np.ndarray:
    """`[layer, head]` of the cross-attention: the share of words written whose largest weight is on their source word.

    Measured on words that have one: articles, prepositions and "and" have no word of their own in Korean.
    """
    W, h = checkpoint.weights, checkpoint.config.h
    found: list[np.ndarray] = []
    for part in _parts(tests):
        ids, real = _sources(checkpoint, part)
        memory, _ = transformer.encode(ids, real, W, h, np)
        _, seen = transformer.decode(_targets(checkpoint, part)[:, :-1], memory, real, W, h, np)
        peaks = np.stack(seen.cross).argmax(-1)  # [layer, B, head, query]
        for row, example in enumerate(part):
            for query, key in enumerate(example.target_keys):  # row `query` reads one token and writes this one
                source = [index for index, other in enumerate(example.source_keys) if key and other == key]
                if source:
                    found.append(np.isin(peaks[:, row, :, query], source))
    return np.asarray(np.mean(found, axis=0))


def best(hits: np.ndarray) -> tuple[int, int]:
    """The layer and head with the largest share."""
    layer, head = np.unravel_index(hits.argmax(), hits.shape)
    return int(layer), int(head)


def _parts(tests: Sequence[Example], size: int = 250) -> Iterator[Sequence[Example]]:
    return (tests[start : start + size] for start in range(0, len(tests), size))


def _sources(checkpoint: Checkpoint, part: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
    """The sources as ids and which of them are real, each `[B, n]`."""
    ids = np.array(padded([[checkpoint.tokenizer.id(word) for word in example.source] for example in part]))
    return ids, ids != PAD


def _targets(checkpoint: Checkpoint, part: Sequence[Example]) -> np.ndarray:
    """The targets with their start and end as ids, `[B, m]`."""
    return np.array(padded([[e.language, *map(checkpoint.tokenizer.id, e.target), END] for e in part]))


def table(columns: dict[str, list[Result]]) -> str:
    """The results as a table in Markdown: a line a measure, a column a model; `!` marks what is not reached."""
    lines = [["", "", "asked", *columns]]
    for line in zip(*columns.values(), strict=True):
        asked = "" if line[0].asked is None else f"{line[0].asked:.0%}"
        values = [f"{one.value:.1%}{'' if one.met else '!'}{f' ({one.note})' if one.note else ''}" for one in line]
        lines.append([line[0].what, line[0].where, asked, *values])
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    models = {path.rsplit("/", 1)[-1]: read(path) for path in sys.argv[1:]} or {"shipped": shipped()}
    print(table({name: evaluate(model) for name, model in models.items()}))

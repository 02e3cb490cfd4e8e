"""What the built-in model reached, on sentences that it never saw: `python -m attnviz.scratch.evaluate [FILE…]`.

Heads are chosen on `dev`, everything else is measured on `test` and `unseen` (see corpus.py), and on the sentences of
samples/classroom.tsv, which people wrote; by numpy, with the weights as they are stored. Sources are worded at random,
as training saw them: any speech level, an article left out.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from attnviz.scratch import transformer
from attnviz.scratch.confidence import LOST, shares_below, word_probabilities
from attnviz.scratch.corpus import Corpus, Example, accepted, constructions, draw_corpus, examples, mission
from attnviz.scratch.meaning import Meaning
from attnviz.scratch.store import Checkpoint, read, shipped
from attnviz.scratch.tokenizer import END, ENGLISH, KOREAN, PAD, language
from attnviz.scratch.translate import translate_text

DIRECTIONS = {"English → Korean": KOREAN, "Korean → English": ENGLISH}
CLASSROOM = Path(__file__).parents[2] / "samples" / "classroom.tsv"
FEWEST = 20  # sentences that a construction has at least, to be a line of the table


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, in which direction, its value, and the value that is asked for."""

    what: str
    where: str
    value: float
    asked: float | None = None
    note: str = ""
    at_most: bool = False  # what is asked for is the largest value, not the smallest

    @property
    def met(self) -> bool:
        """Whether what is asked for was reached."""
        return self.asked is None or (self.value <= self.asked if self.at_most else self.value >= self.asked)


def evaluate(checkpoint: Checkpoint, corpus: Corpus | None = None) -> list[Result]:
    """The whole table for one model."""
    corpus = corpus or draw_corpus()
    return [
        result for name, language in DIRECTIONS.items() for result in _direction(checkpoint, corpus, name, language)
    ]


def _direction(checkpoint: Checkpoint, corpus: Corpus, name: str, language: int) -> Iterator[Result]:
    dev, test, unseen = (worded(part, language) for part in (corpus.dev, corpus.test, corpus.unseen))
    confidence, right = judged(checkpoint, test)
    yield Result("exact translation", name, float(right.mean()), 0.92)
    yield Result("exact translation, unseen pairs", name, float(are_right(checkpoint, unseen).mean()))
    for construction, of in by_construction(test).items():
        yield Result(f"· {construction}", name, float(right[of].mean()), 0.80, f"of {len(of)}")
    caught, lost = shares_below(checkpoint.threshold(language), confidence, right)
    yield Result("wrong translations that are called unsure", name, caught, 0.90, f"of {(~right).sum()}")
    yield Result("right translations that are called unsure", name, lost, LOST, f"of {right.sum()}", at_most=True)
    yield from _classroom(checkpoint, name, language)
    first = next(example for example in examples(mission()[language == ENGLISH :]) if example.language == language)
    sentence = " ".join(first.source)
    yield Result(f"“{sentence}” is translated", name, float(are_right(checkpoint, [first]).mean()), 1.0)
    yield from _objects(checkpoint, name.split()[0], dev, test, unseen, first)
    layer, head = best(hits := alignment(checkpoint, dev))
    of_head = f"L{layer}H{head}, {hits[layer, head]:.1%} on dev"
    yield Result("cross-attention: word → its source", name, alignment(checkpoint, test)[layer, head], 0.95, of_head)
    yield Result(f"“{sentence}”: word → its source", name, alignment(checkpoint, [first])[layer, head], 1.0, of_head)


def _objects(
    checkpoint: Checkpoint, source: str, dev: list[Example], test: list[Example], unseen: list[Example], first: Example
) -> Iterator[Result]:
    """The head that looks from a verb to its object, chosen on dev; beside each number the best fixed offset's."""
    layer, head = best(hits := verb_to_object(checkpoint, dev))
    asked = 0.95 if source == "English" else 0.93
    yield Result(f"verb → object: L{layer}H{head}, on dev", source, hits[layer, head])
    parts: dict[str, tuple[Sequence[Example], float]] = {"all": (test, asked), "unseen pairs": (unseen, 0.90)}
    if source == "Korean":
        parts["in any order"] = worded([example.meaning for example in test], ENGLISH, scrambled=1.0), 0.90
    parts["negation"] = [one for one in test if any(c.negative for c in one.meaning.clauses)], 0.90
    parts["questions"] = [one for one in test if "?" in one.source], 0.90
    for name, (tests, at_least) in parts.items():
        offset, share = best_offset(tests)
        beside = f"best fixed offset {offset:+d}: {share:.1%}"
        yield Result(f"verb → object: {name}", source, verb_to_object(checkpoint, tests)[layer, head], at_least, beside)
    sentence = " ".join(first.source)
    yield Result(f"“{sentence}”: verb → object", source, verb_to_object(checkpoint, [first])[layer, head], 1.0)


def measured_roles(checkpoint: Checkpoint, corpus: Corpus) -> tuple[dict[str, Any], ...]:
    """For each language the encoder's head that looks from a verb to its object, chosen on dev and measured on test.

    `rate` is the share of verbs whose largest weight is on their object, and `baseline` that of the best fixed offset.
    """
    roles = []
    for name, target in DIRECTIONS.items():
        dev, test = (worded(part, target) for part in (corpus.dev, corpus.test))
        layer, head = best(verb_to_object(checkpoint, dev))
        roles.append(
            {
                "role": "verb → object",
                "kind": "self",
                "head": f"L{layer}H{head}",
                "rate": round(float(verb_to_object(checkpoint, test)[layer, head]), 4),
                "baseline": round(best_offset(test)[1], 4),
                "texts": len(test),
                "pairs": sum(len(example.objects) for example in test),
                "language": name.split()[0],
            }
        )
    return tuple(roles)


def worded(meanings: Sequence[Meaning], language: int, scrambled: float = 0.2) -> list[Example]:
    """The examples to one language, their sources worded at random, the same each time."""
    random = Random(0)
    return [example for example in examples(meanings, random, scrambled) if example.language == language]


def by_construction(tests: Sequence[Example]) -> dict[str, list[int]]:
    """Which examples each construction has, the most frequent first; without those that have too few."""
    found: dict[str, list[int]] = {}
    for index, example in enumerate(tests):
        for name in constructions(example.meaning):
            found.setdefault(name, []).append(index)
    return {name: of for name, of in sorted(found.items()) if len(of) >= FEWEST}


def judged(checkpoint: Checkpoint, tests: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
    """How sure the model is of each translation, and which are right: `[tests]` each, floats and booleans."""
    written = translations(checkpoint, tests)
    return confidences(checkpoint, tests, written), _are_accepted(tests, written)


def are_right(checkpoint: Checkpoint, tests: Sequence[Example]) -> np.ndarray:
    """Which translations are right: one of those that the grammar accepts, word for word. `[tests]`, boolean."""
    return _are_accepted(tests, translations(checkpoint, tests))


def _are_accepted(tests: Sequence[Example], written: Sequence[tuple[str, ...]]) -> np.ndarray:
    def lower(words: tuple[str, ...]) -> str:
        return " ".join(words).lower()  # may and May are one token

    return np.array(
        [
            any(lower(got) == lower(other) for other in (example.target, *accepted(example)))
            for example, got in zip(tests, written, strict=True)
        ]
    )


def confidences(checkpoint: Checkpoint, tests: Sequence[Example], written: Sequence[tuple[str, ...]]) -> np.ndarray:
    """How sure the model is of each of the translations `written`, as confidence.py says. `[tests]`."""
    W, h, has = checkpoint.weights, checkpoint.config.h, checkpoint.tokenizer.has
    found: list[np.ndarray] = []
    for part in _parts([replace(one, target=words) for one, words in zip(tests, written, strict=True)]):
        ids, real = _sources(checkpoint, part)
        targets = _targets(checkpoint, part)
        memory, _ = transformer.encode(ids, real, W, h, np)
        x, _ = transformer.decode(targets[:, :-1], memory, real, W, h, np)
        P = word_probabilities(x, targets[:, 1:], has, W)  # [B, m]
        found.append(np.where(targets[:, 1:, 0] == PAD, 1, P).min(-1))
    return np.concatenate(found)


def translations(checkpoint: Checkpoint, tests: Sequence[Example]) -> list[tuple[str, ...]]:
    """What the model writes, as words; one that does not end is as long as the longest target and some more."""
    tokenizer, W, h = checkpoint.tokenizer, checkpoint.weights, checkpoint.config.h
    found: list[tuple[str, ...]] = []
    for part in _parts(tests):
        ids, real = _sources(checkpoint, part)
        start = np.array([[[example.language, 0]] for example in part])
        limit = _targets(checkpoint, part).shape[1] + 4
        for row in transformer.greedy(ids, real, start, END, limit, tokenizer.has, W, h, np)[:, 1:]:
            words = tokenizer.ids(row)
            words = words[: words.index(END)] if END in words else words
            found.append(tuple(tokenizer.vocabulary[id] for id in words))
    return found


def _classroom(checkpoint: Checkpoint, name: str, target: int) -> Iterator[Result]:
    """The sentences that people wrote; there is no such line where the file is not at hand."""
    if CLASSROOM.exists():
        judged = [right for text, right, _ in classroom(checkpoint) if language(text) != target]
        yield Result("classroom sentences, written by hand", name, float(np.mean(judged)), 0.75, f"of {len(judged)}")


def classroom(checkpoint: Checkpoint) -> Iterator[tuple[str, bool, str]]:
    """Each sentence of samples/classroom.tsv, whether its translation is accepted, and the translation.

    Two translations are alike where the tokenizer reads them alike: don't and do not, with and without commas.
    """

    def read_as(text: str) -> tuple[list[int], list[str]]:
        pieces, names = checkpoint.tokenizer.encode_named(text)
        return [piece.id for piece in pieces], [name.lower() for name in names]

    for line in CLASSROOM.read_text("utf-8").splitlines():
        text, references = line.split("\t")
        written = translate_text(checkpoint, text)
        yield text, read_as(written) in map(read_as, references.split("|")), written


def verb_to_object(checkpoint: Checkpoint, tests: Sequence[Example]) -> np.ndarray:
    """`[layer, head]` of the encoder: the share of verbs whose largest weight, over all tokens, is on their object."""
    found: list[np.ndarray] = []
    for part in _parts([example for example in tests if example.objects]):
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
    """The sources as ids `[B, n, 2]` and which of them are real `[B, n]`."""
    ids = _padded([checkpoint.tokenizer.pairs(example.source) for example in part])
    return ids, ids[..., 0] != PAD


def _targets(checkpoint: Checkpoint, part: Sequence[Example]) -> np.ndarray:
    """The targets with their start and end as ids, `[B, m, 2]`."""
    return _padded([[(e.language, 0), *checkpoint.tokenizer.pairs(e.target), (END, 0)] for e in part])


def _padded(rows: list[list[tuple[int, int]]]) -> np.ndarray:
    width = max(map(len, rows))
    return np.array([[*row, *[(PAD, 0)] * (width - len(row))] for row in rows])


def table(columns: dict[str, list[Result]]) -> str:
    """The results as a table in Markdown: a line a measure, a column a model; `!` marks what is not reached."""
    lines = [["", "", "asked", *columns]]
    for line in zip(*columns.values(), strict=True):
        asked = "" if line[0].asked is None else f"{'at most ' * line[0].at_most}{line[0].asked:.0%}"
        values = [f"{one.value:.1%}{'' if one.met else '!'}{f' ({one.note})' if one.note else ''}" for one in line]
        lines.append([line[0].what, line[0].where, asked, *values])
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    models = {path.rsplit("/", 1)[-1]: read(path) for path in sys.argv[1:]} or {"shipped": shipped()}
    print(table({name: evaluate(model) for name, model in models.items()}))

"""What is measured of a trained model and kept in its file: `python -m attnviz.scratch.measurements [FILE…]`.

Measures the models in the files, or the one that comes with attnviz, and writes the files again: what heads do, where a
translation is unsure, and how often each construction is translated right.
"""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from attnviz.files import write_whole
from attnviz.scratch.confidence import Threshold, choose_threshold, shares_below
from attnviz.scratch.corpus import Corpus, draw_corpus
from attnviz.scratch.evaluate import DIRECTIONS, by_construction, judged, measured_roles, worded
from attnviz.scratch.store import Checkpoint, read, shipped_file, to_bytes
from attnviz.scratch.tokenizer import LANGUAGES


def measured(checkpoint: Checkpoint, corpus: Corpus) -> Checkpoint:
    """The model with its roles, thresholds and rates: chosen on `corpus.dev`, measured on `corpus.test`."""
    thresholds: list[Threshold] = []
    rates: dict[str, dict[str, float]] = {}
    for target in DIRECTIONS.values():
        language, test = LANGUAGES[target], worded(corpus.test, target)
        least = choose_threshold(*judged(checkpoint, worded(corpus.dev, target)))
        confidence, right = judged(checkpoint, test)
        thresholds.append(Threshold(language, least, *map(_rounded, shares_below(least, confidence, right))))
        for construction, of in by_construction(test).items():
            rates.setdefault(construction, {})[language] = _rounded(right[of].mean())
    roles = measured_roles(checkpoint, corpus)
    return replace(checkpoint, roles=roles, thresholds=tuple(thresholds), rates=rates)


def _rounded(share: float) -> float:
    return round(float(share), 4)


def measure_files(paths: Iterable[str]) -> None:
    """Measure the models in these files, and write the files again."""
    corpus = draw_corpus()
    for path in paths:
        write_whole(Path(path), to_bytes(measured(read(path), corpus)))


if __name__ == "__main__":
    measure_files(sys.argv[1:] or [str(shipped_file())])

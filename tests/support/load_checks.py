"""What the tests of loading share."""

import json
from pathlib import Path

import numpy as np
import pytest

import attnviz
from attnviz.errors import ModelError

TEXT = "I ate an apple."


def refused(spec: object, **options: object) -> ModelError:
    """The error that loading ends with."""
    with pytest.raises(ModelError) as error:
        attnviz.load(spec, **options)
    assert error.value.hint
    return error.value


def change(folder: Path, file: str = "tokenizer.json", **values: object) -> None:
    """Set these values in a JSON file of the folder."""
    content = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps(content | values))


def configure(folder: Path, **changes: object) -> None:
    change(folder, "config.json", **changes)


def same(trace: attnviz.Trace, expected: attnviz.Trace) -> bool:
    return trace.kinds == expected.kinds and all(
        np.array_equal(trace[kind].weights(layer), expected[kind].weights(layer))
        for kind in trace.kinds
        for layer in trace[kind].layers
    )

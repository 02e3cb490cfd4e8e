"""Damaged traces: each change of a field, a tensor or a byte is refused, or the trace can still be drawn."""

import json
import random
import struct
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import run
from handmade_traces import encoder_decoder, with_value_norms
from safetensors import safe_open
from safetensors.numpy import load, save

from attnviz.attention import Attention, Token, Trace
from attnviz.attention.trace_file import open_trace
from attnviz.errors import FileError
from attnviz.selection import Selection


def translation() -> Trace:
    """An encoder-decoder with the norms of its values."""
    known = with_value_norms(encoder_decoder())
    return replace(known, provenance={"torch": "2.6"}, notes=("one", "two"), revision="abc")


def decoder() -> Trace:
    """A decoder with key-value groups and a learned sink, its rows and columns pooled."""
    text = "I ate an apple"
    read = tuple(
        Token(id, text[start:stop], (start, stop), id, segment=id // 2)
        for id, (start, stop) in enumerate([(0, 1), (2, 5), (6, 8), (9, 14)])
    )
    weights = np.tril(np.tile(np.arange(1, 5, dtype=np.float32), (2, 4, 1)))  # each query looks most at itself
    weights /= weights.sum(-1, keepdims=True)
    one = Attention(
        kind="masked-self",
        part="decoder",
        queries=read,
        keys=read,
        by_layer={3: weights, 7: weights * np.float32(0.75)},
        head_numbers={3: (0, 5), 7: (0, 1)},
        sink_mass={7: np.full((2, 4), 0.25, np.float32)},
        predicts=(*read[1:], None),
        groups={3: (0, 0), 7: (0, 1)},
    )
    return Selection(cells=3).apply(Trace("tiny", text, (one,)))


TRACES = {"translation": translation, "decoder": decoder}

Keys = tuple[str | int, ...]
Header = dict[str, Any]
Tensors = dict[str, np.ndarray]


@pytest.fixture(params=TRACES)
def parts(request, tmp_path) -> tuple[Header, Tensors, Path]:
    """The header and the tensors of a saved trace, and a file to save them to again."""
    path = TRACES[request.param]().save(tmp_path / "t.safetensors")
    assert outcome(path) == "drawn"
    with safe_open(path, "np") as file:
        return json.loads(file.metadata()["attnviz"]), load(path.read_bytes()), path


def write(path: Path, header: Any, tensors: Tensors) -> None:
    path.write_bytes(save(tensors, metadata={"attnviz": json.dumps(header)}))


def outcome(path: Path) -> str:
    """Whether the file is `refused`, or opens and is `drawn` in the terminal. Anything else is raised."""
    try:
        trace = open_trace(path)
    except FileError as error:
        return "refused" if str(path) in error.message and error.hint else f"refused, but not well: {error}"
    for args in ("plot", path, "--layer", trace.attentions[0].layers[0]), ("heads", path):
        done = run(*args)
        assert done.code == 0, done.err
        assert not set("\x1b\u202e\x00") & set(done.out + done.err)  # controls are shown as symbols
    return "drawn"


def paths(value: Any, path: Keys = ()) -> Iterator[Keys]:
    """The path to every value inside `value`; in a list only to its first item."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        yield from paths(value[0], (*path, 0)) if value else ()


def changed(header: Header, path: Keys, make: Any) -> Header:
    """A copy of `header` in which `make` replaced the value at `path`, or deleted it if the result is DELETED."""
    if not path:
        return make(deepcopy(header))
    copy = deepcopy(header)
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    made = make(inside[path[-1]])
    if made is DELETED:
        del inside[path[-1]]
    else:
        inside[path[-1]] = made
    return copy


DELETED = object()
OTHERS = {
    "deleted": lambda value: DELETED,
    "null": lambda value: None,
    "true": lambda value: True,
    "zero": lambda value: 0,
    "one": lambda value: 1,
    "negative": lambda value: -1,
    "large": lambda value: 10**6,
    "larger than 64 bits": lambda value: 10**30,
    "a fraction": lambda value: 0.5,
    "NaN": lambda value: float("nan"),
    "infinite": lambda value: float("inf"),
    "text": lambda value: "xyz",
    "no text": lambda value: "",
    "escapes": lambda value: "\x1b[31m\u202e$x$[bold]\x00",
    "half a character": lambda value: "\ud800",
    "a long text": lambda value: "long " * 500,
    "an empty list": lambda value: [],
    "an empty object": lambda value: {},
    "in a list": lambda value: [value],
    "in an object": lambda value: {"a": value},
    "nested deep": lambda value: nested(400),
    "doubled": lambda value: value * 2 if isinstance(value, list) else value,
    "reversed": lambda value: value[::-1] if isinstance(value, list) else value,
    "its first alone": lambda value: value[:1] if isinstance(value, list) else value,
    "one more field": lambda value: {**value, "more": 1} if isinstance(value, dict) else value,
}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("other", OTHERS)
def test_a_field_of_any_other_value_is_refused_or_drawn(other, parts):
    header, tensors, path = parts
    became = {}
    for place in paths(header):
        damaged = DELETED if not place and other == "deleted" else changed(header, place, OTHERS[other])
        if damaged is not DELETED and damaged != header:
            write(path, damaged, tensors)
            became[place] = outcome(path)
    assert "refused" in became.values()
    assert set(became.values()) <= {"refused", "drawn"}


TENSORS = {
    "float64": lambda x: x.astype(np.float64),
    "float16": lambda x: x.astype(np.float16),
    "int64": lambda x: x.astype(np.int64),
    "uint8": lambda x: x.astype(np.uint8),
    "bool": lambda x: x.astype(np.bool),
    "complex": lambda x: x.astype(np.complex64),
    "no axis": lambda x: np.float32(x.sum()),
    "one axis less": lambda x: x[0],
    "one axis more": lambda x: x[None],
    "one head less": lambda x: x[1:],
    "one row less": lambda x: x[:, 1:],
    "one column less": lambda x: x[..., 1:],
    "nothing": lambda x: x[:0],
    "NaN": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 1, np.float32("nan"), x),
    "infinite": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 1, np.float32("inf"), x),
    "negative": lambda x: -x,
    "doubled": lambda x: x + 1,
}


@pytest.mark.parametrize("change", TENSORS)
def test_a_tensor_of_other_numbers_is_refused(change, parts):
    header, tensors, path = parts
    for name in tensors:
        if change == "doubled" and name.endswith(".value_norms"):  # a norm can be any number
            continue
        write(path, header, tensors | {name: np.ascontiguousarray(TENSORS[change](tensors[name]))})
        assert outcome(path) == "refused"


def test_a_trace_of_zero_weights_is_drawn(parts):
    """Zero weights are those of rows that see nothing."""
    header, tensors, path = parts
    others = {name: x for name, x in tensors.items() if "peak" not in name}
    write(path, header, {name: x * (name.count(".") > 1) for name, x in others.items()})
    assert outcome(path) == "drawn"


def test_a_missing_tensor_and_an_extra_tensor_are_refused(parts):
    header, tensors, path = parts
    for name in tensors:
        write(path, header, {other: tensors[other] for other in tensors if other != name})
        assert outcome(path) == "refused"
    for name in ("self.9", "x", "masked-self.3.sum", "masked-self.1000000", ""):
        write(path, header, tensors | {name: tensors[next(iter(tensors))]})
        assert outcome(path) == "refused"


def test_a_file_that_is_cut_off_anywhere_is_refused(parts):
    _, _, path = parts
    data = path.read_bytes()
    for length in (*range(0, len(data), 97), len(data) - 1):
        path.write_bytes(data[:length])
        assert outcome(path) == "refused"


def test_a_trace_with_flipped_bits_is_refused_or_drawn(parts):
    _, _, path = parts
    data, chance = path.read_bytes(), random.Random(0)
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 8])):
            damaged[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        assert outcome(path) in ("refused", "drawn")


@pytest.mark.parametrize("length", [2**63, 2**40, 10**8, 0])
def test_a_header_that_claims_any_length_takes_no_memory(length, tmp_path):
    path = tmp_path / "t.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}")
    assert outcome(path) == "refused"


@pytest.mark.parametrize("shape", [[2**31, 2**31], [10**12], [2**62, 4], [0, 10**18]])
def test_a_tensor_that_claims_any_size_takes_no_memory(shape, parts):
    header, _, path = parts
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}
    head = json.dumps({"__metadata__": {"attnviz": json.dumps(header)}, "self.0": tensor}).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(4))
    assert outcome(path) == "refused"

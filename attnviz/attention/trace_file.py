"""A trace as one safetensors file: one tensor for the weights of each kind and layer, and JSON metadata; no pickle.

`schema.py` checks the metadata before a trace is made from it. It also checks what is written, so every saved file can
be opened again.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from attnviz.attention import Attention, Token, Trace
from attnviz.attention.projections import TERM, Projections
from attnviz.attention.schema import (
    SUFFIXES,
    VERSION,
    AttentionFields,
    ProjectionFields,
    TokenFields,
    check,
    parse_header,
)
from attnviz.errors import CaptureError, FileError
from attnviz.files import as_path, is_stream, write_whole

ENDING = ".safetensors"
"""The file ending of a saved trace; commands tell a trace from a text by it."""

METADATA = "attnviz"
"""The key under which the metadata of the safetensors file holds the JSON."""

_TOLERANCE = 0.05
"""The accepted distance of a row's sum from 1; rounding in bfloat16 gives up to 0.04."""


def to_bytes(trace: Trace) -> bytes:
    """`trace` as the bytes of a file. Raises FileError if these could not be opened again."""
    from safetensors.numpy import save

    tensors = {
        name: np.ascontiguousarray(array, _dtype(name)) for a in trace.attentions for name, array in _arrays(a).items()
    }
    header = _header(trace)
    try:
        _trace(header, tensors)
        return save(tensors, metadata={METADATA: msgspec.json.encode(header).decode()})
    except (ValueError, CaptureError) as error:
        raise FileError(f"this trace cannot be saved: {error}", "It would not open again.") from error


def save(trace: Trace, path: str | os.PathLike[str]) -> Path:
    """Write `trace` to one file, completely or not at all. Raises FileError, also for a name with another ending."""
    require_name(as_path(path))
    return write_whole(path, to_bytes(trace))


def require_name(path: Path) -> None:
    """Raise FileError unless the name ends as a saved trace does; a device or a pipe can have any name."""
    if path.suffix != ENDING and not is_stream(path):
        raise FileError(f"a trace is not saved as {path.name or path}", f"Name it x{ENDING}.")


def open_trace(path: str | os.PathLike[str]) -> Trace:
    """Open a saved trace.

    Raises FileError if there is no such file, if it is not a trace or a damaged one, or if a newer attnviz wrote it.
    """
    path = as_path(path)
    if not os.path.isfile(path):
        reason = "not a file" if os.path.exists(path) else "no such file"
        raise FileError(f"{reason}: {path}", "Make one with: attnviz trace TEXT -o trace.safetensors")
    header, tensors = _read(path)
    if not isinstance(header, dict):
        raise FileError(
            f"{path} is a safetensors file, but not a saved trace", "A model's weights? Name its folder: -m FOLDER."
        )
    version = header.get("version")
    if type(version) is int and version > VERSION:
        raise FileError(f"{path} has trace format {version}; this attnviz reads {VERSION}", "Upgrade attnviz.")
    try:
        return _trace(header, tensors)
    except (ValueError, CaptureError) as error:
        raise FileError(f"{path} is a damaged trace: {error}", "Make it again with: attnviz trace") from error


def _read(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """The metadata and the tensors of a file. Raises FileError if it is not a safetensors file of such tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            header = msgspec.json.decode((file.metadata() or {}).get(METADATA, "null"))
            if not isinstance(header, dict):
                return header, {}
            names = file.keys()
            for name in names:
                expected = "I32" if _dtype(name) == np.int32 else "F32"
                if (dtype := file.get_slice(name).get_dtype()) != expected:
                    raise FileError(
                        f"{path} is a damaged trace: the tensor {name} has type {dtype}, not {expected}",
                        "Make it again with: attnviz trace",
                    )
            return header, {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        raise FileError(f"{path} is not a saved trace: {error}", "Perhaps it was not copied completely.") from error


def _header(trace: Trace) -> dict[str, Any]:
    """The metadata of `trace`, as values that JSON can hold."""
    return {
        "version": VERSION,
        "model": trace.model,
        "revision": trace.revision,
        "text": trace.text,
        "target": trace.target,
        "provenance": dict(trace.provenance),
        "notes": list(trace.notes),
        "attentions": [
            {
                "kind": a.kind,
                "part": a.part,
                "queries": [asdict(t) for t in a.queries],
                "keys": [asdict(t) for t in a.keys],
                "predicts": a.predicts and [t and asdict(t) for t in a.predicts],
                "heads": [[layer, list(a.head_numbers[layer])] for layer in a.layers],
                "groups": [[layer, list(groups)] for layer, groups in a.groups.items()],
                "rows": a.rows,
                "columns": a.columns,
                "projections": [
                    {"layer": layer, "scale": one.scale, "softcap": one.softcap, "arrays": [*one.arrays()]}
                    for layer, one in a.projections.items()
                ],
            }
            for a in trace.attentions
        ],
    }


def _arrays(a: Attention) -> dict[str, np.ndarray]:
    """The tensors of `a`, by their names in the file."""
    by_head = {
        f"{a.kind}.{layer}{suffix}": array
        for field, suffix in SUFFIXES.items()
        for layer, array in getattr(a, field).items()
    }
    return by_head | {
        f"{a.kind}.{layer}.projections.{place}": array
        for layer, one in a.projections.items()
        for place, array in enumerate(one.arrays().values())
    }


def _dtype(name: str) -> type[np.float32 | np.int32]:
    """The type of the tensor with that name."""
    return np.int32 if name.endswith(SUFFIXES["peak_keys"]) else np.float32


def _trace(header: dict[str, Any], tensors: Mapping[str, np.ndarray]) -> Trace:
    """The trace that `header` and `tensors` describe. Raises ValueError or CaptureError if they are not valid."""
    fields = parse_header(header)
    check(fields, set(tensors))
    attentions = tuple(_attention(one, tensors) for one in fields.attentions)
    for attention in attentions:
        attention.check(_TOLERANCE)
    return Trace(
        model=fields.model,
        revision=fields.revision,
        text=fields.text,
        target=fields.target,
        provenance=fields.provenance,
        notes=fields.notes,
        attentions=attentions,
    )


def _attention(fields: AttentionFields, tensors: Mapping[str, np.ndarray]) -> Attention:
    layers = [layer for layer, _ in fields.heads]

    def arrays(suffix: str) -> dict[int, np.ndarray]:
        names = {layer: f"{fields.kind}.{layer}{suffix}" for layer in layers}
        return {layer: tensors[name] for layer, name in names.items() if name in tensors}

    return Attention(
        kind=fields.kind,
        part=fields.part,
        queries=tuple(map(_token, fields.queries)),
        keys=tuple(map(_token, fields.keys)),
        head_numbers=dict(fields.heads),
        predicts=None if fields.predicts is None else tuple(None if t is None else _token(t) for t in fields.predicts),
        groups=dict(fields.groups),
        rows=fields.rows,
        columns=fields.columns,
        projections={one.layer: _projections(fields, one, tensors) for one in fields.projections},
        **{field: arrays(suffix) for field, suffix in SUFFIXES.items()},
    )


def _projections(fields: AttentionFields, one: ProjectionFields, tensors: Mapping[str, np.ndarray]) -> Projections:
    """Raises ValueError for an array that projections do not have, and for one that they must have."""
    arrays = {name: tensors[tensor] for name, tensor in fields.projection_tensors(one).items()}
    terms = {name.removeprefix(TERM): array for name, array in arrays.items() if name.startswith(TERM)}
    own: dict[str, Any] = {name: array for name, array in arrays.items() if not name.startswith(TERM)}
    try:
        return Projections(scale=one.scale, softcap=one.softcap, terms=terms, **own)
    except TypeError as error:
        raise ValueError(f"the projections of layer {one.layer} have other arrays: {', '.join(own)}") from error


def _token(fields: TokenFields) -> Token:
    return Token(**msgspec.structs.asdict(fields))

"""A trace as plain data for other programs: JSON and NPZ."""

import io
import json
import zipfile

import numpy as np

from attnviz.attention import Attention, Token, Trace
from attnviz.attention.shown_target import shown_target


def as_json(trace: Trace) -> bytes:
    """`trace` as strict JSON, UTF-8: tokens, layers, heads, and weights as nested lists `[head][query][key]`.

    Weights are written with as many digits as a float32 holds. Where tokens were pooled or left out, `rows` and
    `columns` say which tokens, from and up to, each row and column of the weights covers, and `row_sums`
    `[head][covered query]` what each query gave to all keys; `sink_mass`, likewise, is what a learned sink took. A
    decoder's row reads the token in `queries` and writes that in `predicts`, null where it is not known;
    `predicts_generated` says whether the model chose the token that is written.
    """
    content = {
        "model": trace.model,
        "revision": trace.revision,
        "text": trace.text,
        "target": shown_target(trace),
        "convention": "rows are queries (from), columns are keys (to); layers and heads count from 0",
        "attentions": [_attention(attention) for attention in trace.attentions],
        "provenance": dict(trace.provenance),
        "notes": list(trace.notes),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def as_npz(trace: Trace) -> bytes:
    """`trace` as a NumPy archive without pickle.

    `self_L3` holds layer 3 of kind `self`, float32 `[head, query, key]`, and `self_L3_heads` the numbers of its heads;
    `masked-self` is written `masked_self`. `self_queries` and `self_keys` hold the tokens; `cross_predicts` what each
    row of a decoder writes, `""` where that is not known, and `cross_predicts_generated`, bool, whether the model chose
    it. `model`, `text` and `convention` are strings. Where tokens were pooled or left out, `self_rows` and
    `self_columns`, int `[row, 2]`, say which tokens, from and up to, each row and column covers, and `self_L3_sums`,
    `[head, covered query]`, what each query gave to all keys; `self_L3_sink`, likewise, is what a learned sink took.
    """
    arrays: dict[str, np.ndarray] = {
        "model": np.array(trace.model),
        "text": np.array(trace.text),
        "convention": np.array("[head, query, key]: rows are queries (from), columns are keys (to)"),
    }
    for a in trace.attentions:
        name = a.kind.replace("-", "_")
        arrays[f"{name}_queries"] = _texts(a.queries)
        arrays[f"{name}_keys"] = _texts(a.keys)
        if a.predicts is not None:
            arrays[f"{name}_predicts"] = _texts(a.predicts)
            arrays[f"{name}_predicts_generated"] = np.array([bool(token and token.generated) for token in a.predicts])
        for layer in a.layers:
            arrays[f"{name}_L{layer}"] = a.weights(layer)
            arrays[f"{name}_L{layer}_heads"] = np.array(a.heads(layer), np.int64)
        arrays |= {f"{name}_L{layer}_sink": mass for layer, mass in a.sink_mass.items()}
        if not a.is_whole:
            arrays[f"{name}_rows"], arrays[f"{name}_columns"] = np.array(a.rows), np.array(a.columns)
            arrays |= {f"{name}_L{layer}_sums": sums for layer, sums in a.row_sums.items()}
    return _archive(arrays)


def _attention(a: Attention) -> dict[str, object]:
    return {
        "kind": a.kind,
        "name": a.name,
        "part": a.part,
        "queries": [t.text for t in a.queries],
        "keys": [t.text for t in a.keys],
        "predicts": a.predicts and [t and t.text for t in a.predicts],
        "predicts_generated": a.predicts and [bool(t and t.generated) for t in a.predicts],
        "layers": [_layer(a, layer) for layer in a.layers],
        **({} if a.is_whole else {"rows": a.rows, "columns": a.columns}),
    }


def _layer(a: Attention, layer: int) -> dict[str, object]:
    known: dict[str, object] = {"layer": layer, "heads": list(a.heads(layer)), "weights": _digits(a.weights(layer))}
    if layer in a.groups:
        known["key_value_groups"] = list(a.groups[layer])
    if layer in a.sink_mass:
        known["sink_mass"] = _digits(a.sink_mass[layer])
    if layer in a.row_sums:
        known["row_sums"] = _digits(a.row_sums[layer])
    return known


def _digits(weights: np.ndarray) -> object:
    """Nested lists of floats that read as float32 is printed, 0.1 and not 0.10000000149011612."""
    return weights.astype(str).astype(np.float64).tolist()


def _texts(tokens: tuple[Token | None, ...]) -> np.ndarray:
    return np.array([token.text if token else "" for token in tokens], str)


def _archive(arrays: dict[str, np.ndarray]) -> bytes:
    """What `np.savez_compressed` writes, but with a fixed date, so that the same trace gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), data.getvalue())
    return buffer.getvalue()

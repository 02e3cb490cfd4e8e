"""A trace from weights in memory: numpy arrays, torch tensors, lists, or the `attentions` that a model returned."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from attnviz.attention import IN_MEMORY, Attention, HeadMatrices, Token, Trace
from attnviz.errors import InputError
from attnviz.kinds import KINDS, Kind

_SHAPES = "[query, key], [head, query, key] or [layer, head, query, key]"
_EXACT, _ROUNDED = 1e-4, {"float16": 5e-3, "bfloat16": 4e-2}
"""How far from 1 rounding moves the sum of a row: in most types, and in the types named here."""
_DECIMALS, _MOST_ROUNDED = (2, 3, 4), 4e-2
"""The numbers of decimals to which people round weights, and the largest error of a row's sum accepted for that."""


def trace_of(weights: Any, tokens: Sequence[str], keys: Sequence[str] | None, kind: str | None, model: str) -> Trace:
    """See `Trace.of`."""
    if kind is not None and kind not in KINDS:
        raise InputError(f"{kind!r} is not a kind of attention", f"Kinds: {', '.join(KINDS)}.")
    if not isinstance(model, str):
        raise InputError(f"the name of the model is of type {type(model).__name__}, not a string", "model='mine'")
    text, queries = text_and_tokens(tokens)
    source, sources = (text, queries) if keys is None else text_and_tokens(keys, "keys")
    layers = {layer: _matrices(array, f"layer {layer}") for layer, array in _layers(weights).items()}
    for matrices in layers.values():
        _require_sizes(matrices, len(queries), len(sources), keys is not None)
    found = _kind(list(layers.values()), kind or ("cross" if keys is not None else None), sources == queries)
    attention = Attention(
        kind=found,
        part="encoder" if found == "self" else "decoder",
        queries=queries,
        keys=sources,
        by_layer=layers,
        head_numbers={layer: tuple(range(len(matrices))) for layer, matrices in layers.items()},
    )
    target = text if found == "cross" else None
    provenance = {"capture": "given as an array", "model": IN_MEMORY}
    return Trace(model, source, (attention,), target, provenance=provenance)


def text_and_tokens(labels: Sequence[str], what: str = "tokens") -> tuple[str, tuple[Token, ...]]:
    """The `labels` joined by spaces to a text, and one token for each label. Equal labels have the same id.

    Raises InputError if there are no labels, or if one is not a string; `what` is their name in the message.
    """
    hint = f"A list of strings: {what}=['I', 'ate', 'an', 'apple']."
    if isinstance(labels, str) or not isinstance(labels, Sequence | np.ndarray):
        raise InputError(f"the {what} are of type {type(labels).__name__}, not a list of strings", hint)
    ids: dict[str, int] = {}
    tokens, start = [], 0
    for word, name in enumerate(labels):
        if not isinstance(name, str):
            raise InputError(f"{what}[{word}] is of type {type(name).__name__}, not a string", hint)
        tokens.append(Token(ids.setdefault(name, len(ids)), str(name), (start, start + len(name)), word))
        start += len(name) + 1
    if not tokens:
        raise InputError(f"there are no {what}", hint)
    return " ".join(token.text for token in tokens), tuple(tokens)


def _layers(weights: Any) -> dict[int, Any]:
    """The weights of each layer, from one array, or from a list of layers, some of which can be None."""
    if _is_generated(weights):
        weights = [_one_pass(steps, f"layer {layer}") for layer, steps in enumerate(zip(*weights, strict=True))]
    if isinstance(weights, list | tuple) and any(getattr(layer, "ndim", 0) > 2 for layer in weights):
        return {number: layer for number, layer in enumerate(weights) if layer is not None}
    if weights is None or (isinstance(weights, list | tuple) and all(layer is None for layer in weights)):
        hint = "A model of transformers gives them with attn_implementation='eager' and output_attentions=True."
        raise InputError("there are no weights", hint)
    array = weights if hasattr(weights, "shape") else _array(weights)
    return dict(enumerate(array)) if array.ndim > 3 else {0: array}


def _is_generated(weights: Any) -> bool:
    """Whether `weights` are the attentions that `generate` of transformers returns: by step, then by layer."""
    steps = weights if isinstance(weights, list | tuple) else ()
    return (
        len({len(layers) for layers in steps if isinstance(layers, list | tuple)}) == 1
        and all(isinstance(layers, list | tuple) for layers in steps)
        and all(getattr(layer, "ndim", 0) == 4 for layers in steps for layer in layers)
    )


def _one_pass(steps: Sequence[Any], where: str) -> HeadMatrices:
    """The weights of one layer for the whole text, `[1, head, query, key]`, joined from the `steps` of generation.

    Each step has rows for its new tokens only. Its keys are those of the step before and its own, or the encoder's.
    Raises InputError for other keys, and for several texts or beams.
    """
    whole = "Run the model once on all that was written: model(ids, output_attentions=True).attentions."
    if texts := next((len(step) for step in steps if len(step) != 1), 0):
        raise InputError(f"{where}: the steps are of {texts} texts or beams", whole)
    arrays = [_matrices(step, f"{where}, step {number}") for number, step in enumerate(steps)]
    keys = [array.shape[-1] for array in arrays]
    grown = [before + array.shape[-2] for before, array in zip(keys, arrays[1:], strict=False)]
    if keys[1:] not in (grown, keys[:-1]):
        read = ", ".join(map(str, keys))
        raise InputError(f"{where}: the steps read {read} keys, not those before and their own", whole)
    padded = [np.pad(array, ((0, 0), (0, 0), (0, keys[-1] - array.shape[-1]))) for array in arrays]
    return np.concatenate(padded, axis=-2)[None]


def _matrices(array: Any, where: str) -> HeadMatrices:
    """A copy of the weights of one layer, float32 `[head, query, key]`; `array` can lack heads, or have a batch of one.

    Raises InputError for another shape, and for numbers that are not attention weights.
    """
    matrices = _array(array)
    if matrices.ndim == 4 and len(matrices) == 1:
        matrices = matrices[0]
    if matrices.ndim == 2:
        matrices = matrices[None]
    if matrices.ndim == 4:
        raise InputError(
            f"{where}: weights of shape {list(matrices.shape)} are of {len(matrices)} texts",
            "Give those of one: [layer[:1] for layer in attentions].",
        )
    if matrices.ndim != 3 or not matrices.size:
        raise InputError(f"weights of shape {list(matrices.shape)} are not {_SHAPES}", "Of several texts, give one.")
    if not np.isfinite(matrices).all():
        raise InputError(f"{where}: a weight is not finite", "A row that sees nothing is all zeros.")
    tolerance = _tolerance(matrices, str(getattr(array, "dtype", "")).removeprefix("torch."))
    sums = matrices.sum(-1, dtype=np.float64)
    off = np.where((sums == 0) & (matrices == 0).all(-1), 0, np.abs(sums - 1))
    if matrices.min() < 0 or off.max() > tolerance:
        head, row = np.unravel_index(off.argmax(), off.shape)
        problem = f"row {row} of head {head} sums to {sums[head, row]:.4g}, not to 1"
        if matrices.min() < 0:
            problem = f"a weight is {matrices.min():.4g}, below 0, and {problem}"
        raise InputError(f"{where}: {problem}", _hint(matrices, tolerance))
    return matrices


def _tolerance(matrices: HeadMatrices, dtype: str) -> float:
    """How far from 1 the sum of a row can be: by the rounding of its type, or by rounding to a few decimals."""
    for decimals in _DECIMALS:
        if np.allclose(matrices, matrices.round(decimals), rtol=0, atol=1e-6):
            error: float = matrices.shape[-1] * 0.5 * 10**-decimals
            return max(min(error, _MOST_ROUNDED), _ROUNDED.get(dtype, _EXACT))
    return _ROUNDED.get(dtype, _EXACT)


def _hint(matrices: HeadMatrices, tolerance: float) -> str:
    if matrices.min() >= 0 and np.abs(matrices.sum(-2, dtype=np.float64) - 1).max() <= tolerance:
        return "Its columns sum to 1: rows are queries, columns are keys. Swap the last two axes."
    return "Weights are what the softmax over the keys gives, before dropout: not scores."


def _array(given: Any) -> np.ndarray:
    """A copy of `given` as float32. A torch tensor can be on a GPU, need gradients, or be bfloat16."""
    try:
        if isinstance(given, list | tuple):
            given = [_array(each) if hasattr(each, "__len__") else each for each in given]
        for step in ("detach", "cpu", "float"):
            given = getattr(given, step)() if hasattr(given, step) else given
        given = np.asarray(given)
        if given.dtype.kind not in "biuf" and given.dtype.name != "bfloat16":  # its kind is V
            raise TypeError(f"its entries are of type {given.dtype}")
        return np.array(given, np.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"this is not an array of weights: {error}", f"Weights are {_SHAPES}.") from error


def _require_sizes(matrices: HeadMatrices, queries: int, keys: int, named: bool) -> None:
    """Raise InputError unless there is a row for each query and a column for each key."""
    n, m = matrices.shape[1:]
    if (n, m) == (queries, keys):
        return
    if not named and n == queries:
        raise InputError(f"the weights have {m} keys, and there are {queries} tokens", "Name the keys too: keys=[…].")
    raise InputError(
        f"the weights have {n} queries and {m} keys, and there are names for {queries} and {keys}",
        "Give one name for each; special tokens, such as [CLS], count too.",
    )


def _kind(layers: Sequence[HeadMatrices], kind: str | None, one_sequence: bool) -> Kind:
    """The given `kind`, or without it the kind that the weights for later keys show.

    `one_sequence` says whether the keys are the queries. Raises InputError if the weights do not fit `kind`.
    """
    if kind == "cross":
        return "cross"
    if not one_sequence:
        raise InputError("the keys are not the same tokens as the queries", "Leave out kind, or give kind='cross'.")
    looks_ahead = any(np.triu(matrices, 1).any() for matrices in layers)
    if kind == "masked-self" and looks_ahead:
        raise InputError("in masked self-attention no query looks at a later key; here one does", "Give kind='self'.")
    is_masked = kind == "masked-self" or (kind is None and not looks_ahead and layers[0].shape[-1] > 1)
    return "masked-self" if is_masked else "self"

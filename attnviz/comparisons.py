"""Two texts, models, heads or layers side by side, from Python: `attnviz.compare`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from attnviz.analysis.common_cells import CommonCells, common_cells
from attnviz.analysis.comparison import Comparison, HeadDistance, every_two_heads, same_heads
from attnviz.attention import Attention, Trace, format_ranges
from attnviz.attention.trace_file import ENDING, open_trace
from attnviz.errors import InputError, SelectionError
from attnviz.head_names import LayerHead, Names, describe_heads
from attnviz.kinds import Kind
from attnviz.labels import visible
from attnviz.models import BUILTIN, load, trace
from attnviz.pooling import combine_heads
from attnviz.retrace import NotKeptError, Retrace
from attnviz.selection import Selection
from attnviz.words import by_words

LISTED = 12
"""The most words of one text alone that are listed."""
_MODEL_OPTIONS = ("tokenizer", "revision", "device", "device_map", "dtype", "trust_remote_code")


def compare(
    a: Any,
    b: Any = None,
    model: Any = BUILTIN,
    *,
    with_model: Any = None,
    layers: Names | None = None,
    heads: Names | None = None,
    with_layers: Names | None = None,
    with_heads: Names | None = None,
    kinds: Sequence[str] | str | None = None,
    mean: bool = False,
    max: bool = False,
    **options: Any,
) -> Comparison:
    """A − B: two texts, two models on one text, two heads or layers of one run, or two traces.

    `a` and `b` are texts, traces, or names of saved traces. B is like A, except for what is given for it: another text
    or trace `b`, `with_model`, `with_layers`, `with_heads`. If none of these is given, every head is compared with
    every other. The other keywords are those of `attnviz.trace`, and apply to both.

    If the tokens differ, both are merged to words, and the words that both texts have are compared in order. A head is
    compared with the head of the same layer and number; with every head of B if heads of B are named or both sides are
    one run. The difference is that of the two heads that are farthest apart, or with `mean` (`max`) of all heads of A
    as one and all heads of B as one.

    Raises SelectionError if there is nothing to compare, and what `attnviz.trace` raises.

    >>> attnviz.compare("I ate an apple", heads="L3H1", with_heads="L3H2")
    <Comparison of L3H1 and L3H2, self-attention: 4×4 common cells, largest difference 0.75; 1 distance>
    """
    if mean and max:
        raise SelectionError("heads are compared as one by their mean or by their maximum", "Leave one of them out.")
    how = "mean" if mean else "max" if max else None
    of_a = Selection.of(layers, heads, kinds)
    of_b = Selection.of(*names_of_b(layers, heads, with_layers, with_heads), kinds)
    names_heads = (with_layers, with_heads) != (None, None)
    if b is not None and with_model is None and not (_is_saved(a) or _is_saved(b)):
        model, options = _loaded(model, options)
    first = _traced(a, model, options)
    if b is None and with_model is None:
        return compare_traces(of_a.apply(first), of_b.apply(first), is_one_run=True, how=how)
    second = _traced(a if b is None else b, model if with_model is None else with_model, options)
    return compare_traces(of_a.apply(first), of_b.apply(second), every_two=names_heads, how=how)


def names_of_b(
    layers: Names | None, heads: Names | None, with_layers: Names | None, with_heads: Names | None
) -> tuple[list[str] | None, list[str] | None]:
    """The names of the layers and heads of B: those of A, unless B's are named.

    Raises SelectionError for something that is not a name.
    """
    of_a, own = Selection.of(layers, heads), Selection.of(with_layers, with_heads)
    if (with_layers, with_heads) == (None, None):
        with_layers, with_heads = layers, heads
    elif own.layer_heads is not None:
        pass  # they name both
    elif with_layers is None:
        with_layers = of_a.selected_layers
    elif with_heads is None:
        with_heads = of_a.heads if of_a.layer_heads is None else [head for _, head in of_a.layer_heads]
    return _listed(with_layers), _listed(with_heads)


def _listed(names: Names | None) -> list[str] | None:
    if names is None or isinstance(names, str | int):
        return None if names is None else [str(names)]
    return [str(name) for name in names]


def compare_traces(
    a: Trace, b: Trace, *, every_two: bool = False, is_one_run: bool = False, how: str | None = None
) -> Comparison:
    """The comparison of two traces in their common words.

    Each head of `a` is compared with the head of `b` of the same layer and number; with `every_two` or `is_one_run`,
    with every head of `b`. `how` is `mean` or `max`, to show all heads of each side as one. Raises SelectionError if
    nothing can be compared, and NotKeptError if several tokens share a cell.
    """
    a, b, left_out = _on_common_tokens(a, b)
    cells = {kind: common_cells(a[kind], b[kind]) for kind in a.kinds if kind in b.kinds}
    found = {kind: one for kind, one in cells.items() if one.row_tokens and one.column_tokens}
    if not found:
        raise SelectionError("A and B have no word in common", "Compare texts that share words.")
    left_out += [f"{a[kind].name}: no word in both" for kind in cells if kind not in found]
    distances_of = every_two_heads if every_two or is_one_run else same_heads
    distances = {kind: tuple(distances_of(one)) for kind, one in found.items()}
    if not any(distances.values()):
        raise SelectionError(
            "A and B have no head of the same layer and number", "Name those of B: --with-layer, --with-head."
        )
    kind = next(kind for kind, some in distances.items() if some)
    if distances_of is same_heads:
        left_out += [heads for one in found.values() for heads in _other_heads(one)]
    left_out += _other_words(found)
    names, heads, reason = _shown(distances[kind], how)
    whole_a, whole_b = (_as_one(one, kind, some, how) for one, some in zip((a, b), heads, strict=True))
    one = common_cells(whole_a, whole_b)
    of_a, of_b = (weights[0][0] for weights in one.matrices)
    return Comparison(
        traces=(a, b),
        names=names,
        a=whole_a,
        b=whole_b,
        difference=one.attention(of_a - of_b),
        matrices=(of_a, of_b),
        distances=tuple(distance for some in distances.values() for distance in some),
        is_one_run=is_one_run,
        left_out=tuple(left_out),
        reason=reason,
    )


def _is_saved(given: Any) -> bool:
    """Whether it is a trace or the name of a saved trace."""
    return isinstance(given, Trace | os.PathLike) or (isinstance(given, str) and given.endswith(ENDING))


def _loaded(model: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model, loaded once for both texts, and the options that are not for loading."""
    if hasattr(model, "trace"):
        return model, options
    of_model = {name: value for name, value in options.items() if name in _MODEL_OPTIONS}
    left = {name: value for name, value in options.items() if name not in _MODEL_OPTIONS}
    return load(model, **of_model, with_head=options.get("generate") is not None), left


def _traced(given: Any, model: Any, options: Mapping[str, Any]) -> Trace:
    """The trace that is given, is in a file, or that `model` makes of a text."""
    if not _is_saved(given):
        return trace(given, model, **options)
    if options:
        raise InputError(f"{next(iter(options))} cannot change a trace", "Leave it out, or trace the text with it.")
    return given if isinstance(given, Trace) else open_trace(given)


def _on_common_tokens(a: Trace, b: Trace) -> tuple[Trace, Trace, list[str]]:
    """Both traces, merged to words if their tokens differ; and in words, the kinds that only one has.

    Raises SelectionError if they have no common kind, and NotKeptError if several tokens share a cell.
    """
    shared = [kind for kind in a.kinds if kind in b.kinds]
    if not shared:
        has = [", ".join(attention.name for attention in one.attentions) or "none" for one in (a, b)]
        raise SelectionError(f"A has {has[0]}, and B has {has[1]}", "Only attention of one kind can be compared.")
    for one in (a, b):
        for attention in (one[kind] for kind in shared):
            if attention.is_pooled:
                most = max(len(attention.queries), len(attention.keys))
                command = Retrace.of(one, attention).command
                raise NotKeptError(
                    "several tokens share a cell, and only single tokens can be compared", command, f"--cells {most}"
                )
    left_out = [
        f"{one[kind].name} only in {side}"
        for one, side in ((a, "A"), (b, "B"))
        for kind in one.kinds
        if kind not in shared
    ]
    if any(_texts(a[kind]) != _texts(b[kind]) for kind in shared):
        a, b = by_words(a), by_words(b)
    return a, b, left_out


def _texts(attention: Attention) -> tuple[list[str], list[str]]:
    return [token.text for token in attention.queries], [token.text for token in attention.keys]


def _shown(
    distances: Sequence[HeadDistance], how: str | None
) -> tuple[tuple[str, str], tuple[list[LayerHead], list[LayerHead]], str]:
    """The names and the heads of A and B that are shown, and the reason in words."""
    heads = (
        [*dict.fromkeys((one.layer, one.head) for one in distances)],
        [*dict.fromkeys((one.with_layer, one.with_head) for one in distances)],
    )
    if how is not None:
        of = "mean" if how == "mean" else "maximum"
        first, second = (f"{of} of {describe_heads(some)}" for some in heads)
        return (first, second), heads, ""
    farthest = max(distances, key=lambda one: one.distance)
    shown = [(farthest.layer, farthest.head)], [(farthest.with_layer, farthest.with_head)]
    many = f"{len(heads[0])} heads" if len(distances) == len(heads[0]) else f"{len(heads[0])} × {len(heads[1])} heads"
    reason = "" if len(distances) == 1 else f"the farthest apart of {many}"
    if farthest.distance == 0:
        reason = reason and f"none of {many} differ"
    return farthest.names, shown, reason


def _as_one(one: Trace, kind: Kind, heads: Sequence[LayerHead], how: str | None) -> Attention:
    """`heads` combined into head 0 of layer 0; a single head stays as it is."""
    return combine_heads(Selection(kinds=(kind,), layer_heads=tuple(heads)).apply(one)[kind], how or "mean")


def _other_heads(cells: CommonCells) -> list[str]:
    """The heads that only one side has, in words."""
    lines = []
    for side, one, other in (("A", cells.a, cells.b), ("B", cells.b, cells.a)):
        alone: dict[tuple[int, ...], list[int]] = {}
        for layer in one.layers:
            theirs = other.heads(layer) if layer in other.layers else ()
            if heads := tuple(head for head in one.heads(layer) if head not in theirs):
                alone.setdefault(heads, []).append(layer)
        for heads, layers in alone.items():
            named = f"{_numbered('head', heads)} of {_numbered('layer', tuple(layers))}"
            lines.append(f"{one.name}: {named} only in {side}")
    return lines


def _numbered(what: str, numbers: tuple[int, ...]) -> str:
    return f"{what}{'s' * (len(numbers) > 1)} {format_ranges(numbers)}"


def _other_words(found: Mapping[Kind, CommonCells]) -> list[str]:
    """The words of each text that have no partner in the other, listed: it may have them less often."""
    lines = []
    for side in ("a", "b"):
        tokens = [token for cells in found.values() for token in getattr(cells, f"only_{side}")]
        words = [*dict.fromkeys(visible(token.text) for token in tokens)]
        if words:
            more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
            lines.append(f"left over in {side.upper()}: {', '.join(words[:LISTED])}{more}")
    return lines

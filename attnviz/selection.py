"""The selected kinds, layers, heads, rows and columns, checked against those that exist."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex

import numpy as np

from attnviz.arguments import dataclass_repr, require_flag
from attnviz.attention import BY_QUERY, Attention, Range, Token, Trace, count_virtual_tokens, format_ranges
from attnviz.errors import AbsentHeadError, SelectionError
from attnviz.head_names import LayerHead, Names, parse_names
from attnviz.kinds import KIND_NAMES, KINDS, Kind
from attnviz.pooling import FIRST, layout, pool_ranges, reduce_attention
from attnviz.retrace import Retrace, format_names
from attnviz.row_names import RowNames
from attnviz.token_names import Name, columns_named, is_name, names, rows_named
from attnviz.words import by_words

Layout = tuple[tuple[Range, ...], tuple[Range, ...]]
"""Which tokens each row, and each column, of a matrix covers."""

Available = Mapping[Kind, Mapping[int, Sequence[int]]]
"""All existing heads: kind → layer → head numbers."""


@dataclass(frozen=True)
class Selection:
    """Which attention to take from a model or a trace; None means all.

    Layers below 0 count from the end, separately for each kind: -1 is its last layer; and heads so in each layer.
    `layer_heads` are heads named with their layers; they replace `layers` and `heads`.

    `words` merges the tokens of each word first; rows and columns then count words. `rows` and `columns` are numbers of
    query and key tokens, or names, which `attnviz.token_names` explains. Without them, more than `cells` tokens are
    pooled to at most that many rows and columns; with None nothing is pooled. Rows that write an answer are not pooled.
    Neither are the rows of `query`, which `attnviz.row_names` explains; with `query` no column is pooled either, and
    the other rows are pooled more instead.

    `value_norms` takes the norm of each key's value too, which `attnviz.analysis.value_norm` explains; a model computes
    them only if they are asked for. They are norms of tokens, so they cannot be taken with `words`. `neurons` is the
    number of a layer whose queries, keys and values are taken too, which `attnviz.attention.projections` explains: of
    tokens, as long as nothing is pooled or left out.
    """

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    kinds: tuple[Kind, ...] | None = None
    rows: tuple[Name, ...] | None = None
    columns: tuple[Name, ...] | None = None
    cells: int | None = None
    words: bool = False
    query: str | None = None
    layer_heads: tuple[LayerHead, ...] | None = None
    value_norms: bool = False
    neurons: int | None = None

    def __post_init__(self) -> None:
        if self.words and self.value_norms:
            raise SelectionError("the norms of values are those of tokens, not of words", "Leave out --words.")
        if self.words and self.neurons is not None:
            raise SelectionError("queries and keys are those of tokens, not of words", "Leave out --words.")

    def __repr__(self) -> str:
        return dataclass_repr(self)

    @classmethod
    def of(
        cls,
        layers: Names | None = None,
        heads: Names | None = None,
        kinds: Sequence[str] | str | None = None,
        rows: Sequence[Name] | Name | None = None,
        columns: Sequence[Name] | Name | None = None,
        cells: int | None = None,
        words: bool = False,
        value_norms: bool = False,
        neurons: int | None = None,
    ) -> "Selection":
        """A selection from the caller's values: one value, several, or None, as `attnviz.head_names` explains.

        Raises SelectionError for an unknown kind, for an unknown name, for an empty sequence, for `layers` together
        with heads that name their layers, for `cells` below 1, if `words` or `value_norms` is not True or False, if
        `neurons` is no whole number from 0, and for one of the last two with `words`.
        """
        layer_numbers, head_numbers, layer_heads = parse_names(layers, heads)
        require_flag("words", words, SelectionError)
        require_flag("value_norms", value_norms, SelectionError)
        if neurons is not None and (isinstance(neurons, bool) or not isinstance(neurons, SupportsIndex) or neurons < 0):
            raise SelectionError(f"neurons cannot be {neurons!r}", "The number of one layer, such as 3.")
        one = isinstance(kinds, str) or not isinstance(kinds, Iterable)
        named = None if kinds is None else (kinds,) if one else tuple(kinds)
        for kind in named or ():
            if kind not in KINDS:
                raise SelectionError(f"{kind!r} is not a kind of attention", f"Kinds: {', '.join(KINDS)}.")
        if named is not None and not named:
            raise _none_named("kinds")
        if cells is not None and (not isinstance(cells, SupportsIndex) or cells < 1):
            raise SelectionError(f"cells cannot be {cells!r}", "A whole number, 1 or more.")
        return cls(
            layers=layer_numbers,
            heads=head_numbers,
            kinds=None if named is None else tuple(kind for kind in KINDS if kind in named),
            rows=names("rows", rows),
            columns=names("columns", columns),
            cells=cells,
            words=words,
            layer_heads=layer_heads,
            value_norms=value_norms,
            neurons=neurons,
        )

    @property
    def names_heads(self) -> bool:
        """Whether layers or heads were selected by their numbers."""
        return (self.layers, self.heads, self.layer_heads) != (None, None, None)

    def resolve(self, available: Available) -> dict[Kind, dict[int, tuple[int, ...]]]:
        """The selected heads of `available`, in the same form: kind → layer → head numbers.

        A kind that has none of the selected layers is left out. Raises AbsentHeadError for a kind, layer or head that
        is nowhere in `available`; the hint gives the range.
        """
        kinds = {kind: layers for kind, layers in available.items() if self._includes(kind)}
        for kind in self.kinds or ():
            if kind not in available:
                raise AbsentHeadError(
                    f"this model has no {KIND_NAMES[kind]}", f"It has: {', '.join(available) or 'no attention'}."
                )
        for layer in self.selected_layers or ():
            if not any(_true_number(layer, layers) in layers for layers in kinds.values()):
                raise AbsentHeadError(f"there is no layer {layer}", f"Layers: {_layer_ranges(kinds)}.")
        chosen = {
            kind: {layer: self.select_heads(kind, layer, layers[layer]) for layer in sorted(self.select_layers(layers))}
            for kind, layers in kinds.items()
        }
        for layer, head in self.layer_heads or ():
            if not any(head in layers.get(layer, ()) for layers in chosen.values()):
                every = {h for kind in chosen for h in available[kind].get(layer, ())}
                raise AbsentHeadError(
                    f"layer {layer} has no head {head}", f"Heads of layer {layer}: {format_ranges(tuple(every))}."
                )
        for head in self.heads or ():
            every = {h for kind in chosen for layer in chosen[kind] for h in available[kind][layer]}
            if not any(
                _true_number(head, available[kind][layer]) in heads
                for kind, layers in chosen.items()
                for layer, heads in layers.items()
            ):
                raise AbsentHeadError(f"there is no head {head}", f"Heads: {format_ranges(tuple(every))}.")
        if self.neurons is not None and not any(layers.get(self.neurons) for layers in chosen.values()):
            exists = any(self.neurons in layers for layers in available.values())
            what = f"queries and keys of layer {self.neurons}: no head of it is selected"
            message = what if exists else f"there is no layer {self.neurons}"
            raise AbsentHeadError(message, f"Layers: {_layer_ranges(chosen)}.")
        captured = {kind: {layer: heads for layer, heads in layers.items() if heads} for kind, layers in chosen.items()}
        return {kind: layers for kind, layers in captured.items() if layers}

    @property
    def selected_layers(self) -> tuple[int, ...] | None:
        """The selected layers, those below 0 counted from the end; None for all."""
        return self.layers if self.layer_heads is None else tuple(dict.fromkeys(layer for layer, _ in self.layer_heads))

    def select_layers(self, layers: Collection[int]) -> set[int]:
        """The selected layers, out of the true numbers of all `layers` of a kind."""
        selected = self.selected_layers
        if selected is None:
            return set(layers)
        return {_true_number(layer, layers) for layer in selected}.intersection(layers)

    def select_layers_so_far(self, layers: Collection[int]) -> set[int]:
        """The same while more layers can follow: a layer that could still be selected from the end counts too."""
        furthest = min(self.selected_layers or (0,))
        return self.select_layers(layers) | set(sorted(layers)[furthest:] if furthest < 0 else ())

    def select_heads(self, kind: Kind, layer: int, heads: Sequence[int]) -> tuple[int, ...]:
        """The selected heads, out of all `heads` of a selected layer."""
        if not self._includes(kind):
            return ()
        if self.layer_heads is not None:
            return tuple(head for head in heads if (layer, head) in self.layer_heads)
        if self.heads is None:
            return tuple(heads)
        selected = {_true_number(head, heads) for head in self.heads}
        return tuple(head for head in heads if head in selected)

    def _includes(self, kind: Kind) -> bool:
        return self.kinds is None or kind in self.kinds

    def missing_kinds(self, available: Available) -> dict[str, str]:
        """For a trace's provenance: which kinds of `available` have none of the selected layers."""
        selected = ", ".join(map(str, self.selected_layers or ()))
        reasons = [
            f"{KIND_NAMES[kind]} has no layer {selected}: its layers are {format_ranges(tuple(layers))}"
            for kind, layers in available.items()
            if self._includes(kind) and not self.select_layers(layers)
        ]
        return {"left out": "; ".join(reasons)} if reasons else {}

    def apply(self, trace: Trace) -> Trace:
        """`trace` with only the selected attention. Raises SelectionError as `resolve` and `reduce` do."""
        available = {a.kind: a.head_numbers for a in trace.attentions}
        chosen = self.resolve(available)
        selected = tuple(_with_heads(a, chosen[a.kind]) for a in trace.attentions if a.kind in chosen)
        if selected != trace.attentions:  # most traces are large and were captured by the same selection
            provenance = {**trace.provenance, **self.missing_kinds(available)}
            trace = replace(trace, attentions=selected, provenance=provenance)
        return self.reduce(trace)

    def reduce(self, trace: Trace) -> Trace:
        """`trace` with the selected words, rows, columns and cells.

        A kind that has none of the rows or none of the columns is left out. Raises SelectionError for a row or column
        that no kind has, and NotKeptError for one that was pooled with others or left out.
        """
        trace = by_words(trace) if self.words else trace
        layouts = self.layouts(trace)
        reduced = tuple(self._reduced(trace, a, layouts[a.kind]) for a in trace.attentions if a.kind in layouts)
        if reduced == trace.attentions and all(a.is_whole for a in reduced):
            return trace
        return replace(trace, attentions=reduced, provenance={**trace.provenance, "reduced": _describe_cells(reduced)})

    def _reduced(self, trace: Trace, a: Attention, layout: Layout) -> Attention:
        """`a` with the rows and columns of `layout`. Raises NotKeptError if it lacks some of them."""
        try:
            return reduce_attention(a, *layout)
        except SelectionError as error:
            retrace = Retrace.of(trace, a)
            rows = format_names(self.rows) or (retrace.rows if len(a.covered) < len(a.queries) else "")
            raise retrace.error(error.message, rows, format_names(self.columns)) from None

    def layouts(self, trace: Trace) -> dict[Kind, Layout]:
        """Which tokens the rows and columns of each kind will cover; a kind without any of them is left out.

        Only the tokens of `trace` are used, so this works before a model has read the text. Raises SelectionError for a
        row or column that no kind has, and if no kind has both the rows and the columns.
        """
        attentions = [a for a in trace.attentions if self._includes(a.kind)]
        rows = {a.kind: rows_named(self.rows, trace, a) for a in attentions if self.rows is not None}
        columns = {a.kind: columns_named(self.columns, trace, a) for a in attentions if self.columns is not None}
        _require_tokens("rows", self.rows, rows, [len(a.queries) for a in attentions])
        _require_tokens("columns", self.columns, columns, [len(a.keys) for a in attentions])
        layouts = {a.kind: self._layout(trace, a, rows.get(a.kind), columns.get(a.kind)) for a in attentions}
        layouts = {kind: layout for kind, layout in layouts.items() if all(layout)}
        if attentions and not layouts:
            raise SelectionError("no kind of attention has both these rows and these columns", "Name fewer of them.")
        return layouts

    def _layout(self, trace: Trace, a: Attention, rows: Sequence[int] | None, columns: Sequence[int] | None) -> Layout:
        """Which tokens the rows and the columns of `a` will cover, given the numbers of selected `rows` and `columns`.

        The first token and special tokens are not pooled, nor are the rows of `query`, or without it of an answer.
        """
        row_cells = None if rows is None else layout(len(a.queries), rows)
        column_cells = None if columns is None else layout(len(a.keys), columns)
        query_rows = self._query_rows(trace, a) if rows is None else set()
        apart = _special(a.queries).union(FIRST, query_rows or rows_named(["answer"], trace, a))
        keys_apart, least = _special(a.keys).union(FIRST), self.cells
        if query_rows and column_cells is None:
            # enough rows for each single row and a pooled one on both sides of it
            column_cells, least = a.columns, 2 * len(apart) + 1
        return (
            pool_ranges(a.rows, len(a.queries), self._cell_limit(column_cells, least), apart)
            if row_cells is None
            else row_cells,
            pool_ranges(a.columns, len(a.keys), self._cell_limit(row_cells, self.cells), keys_apart)
            if column_cells is None
            else column_cells,
        )

    def _query_rows(self, trace: Trace, a: Attention) -> set[int]:
        """The queries that `query` names."""
        if self.query is None:
            return set()
        if is_name(self.query):
            return set(rows_named([self.query], trace, a))
        return {token for tokens in RowNames(trace, a).matching(self.query.strip()) for token in tokens}

    def _cell_limit(self, fixed: Sequence[Range] | None, least: int | None) -> int | None:
        """How many cells one side can have if the other side is `fixed`: `cells`² in all, but at least `least`.

        None means one for each token.
        """
        if self.cells is None or fixed is None:
            return self.cells
        return max(self.cells**2 // max(len(fixed), 1), least or 1)


def _special(tokens: Sequence[Token]) -> set[int]:
    """The indices of special tokens, without virtual tokens: these can be many, and are pooled like others."""
    virtual = count_virtual_tokens(tokens)
    return {index for index, token in enumerate(tokens) if token.special and index >= virtual}


def _require_tokens(
    what: str, names: Sequence[Name] | None, found: Mapping[Kind, Sequence[int]], sizes: Sequence[int]
) -> None:
    """Raise SelectionError for a number of a row or column that no kind has, and for a name without any token."""
    if names is None or not sizes:
        return
    for number in (number for number in names if isinstance(number, int)):
        if not 0 <= number < max(sizes):
            side = "queries" if what == "rows" else "keys"
            raise SelectionError(
                f"there is no {what[:-1]} {number}", f"{what.capitalize()} ({side}): 0-{max(sizes) - 1}."
            )
    if not any(found.values()):
        if "answer" in names:
            hint = "A decoder writes one with --generate 20; of an encoder-decoder it is the target."
            raise SelectionError(f"{what}: there is no answer here", hint)
        raise SelectionError(f"{what}: there is no prompt here", f"Name {what} by number: 0-{max(sizes) - 1}.")


def _with_heads(a: Attention, selected: Mapping[int, tuple[int, ...]]) -> Attention:
    """`a` with only the `selected` heads of each layer."""
    if selected == a.head_numbers:
        return a
    indices = {layer: [a.head_numbers[layer].index(head) for head in heads] for layer, heads in selected.items()}
    of_heads: dict[str, Any] = {name: _of_heads(getattr(a, name), indices) for name in (*BY_QUERY, "value_norms")}
    return replace(
        a,
        by_layer={layer: a.by_layer[layer][heads] for layer, heads in indices.items()},
        head_numbers=selected,
        groups={
            layer: tuple(a.groups[layer][head] for head in heads)
            for layer, heads in indices.items()
            if layer in a.groups
        },
        projections={
            layer: a.projections[layer].of_heads(of) for layer, of in indices.items() if layer in a.projections
        },
        **of_heads,
    )


def _of_heads(arrays: Mapping[int, np.ndarray], indices: Mapping[int, list[int]]) -> dict[int, np.ndarray]:
    """The numbers of these heads, by their indices in their layer."""
    return {layer: arrays[layer][heads] for layer, heads in indices.items() if layer in arrays}


def _describe_cells(attentions: Sequence[Attention]) -> str:
    """A description of the cells, for a trace's provenance."""
    sentences = []
    for a in attentions:
        height, width = (max(stop - start for start, stop in cells) for cells in (a.rows, a.columns))
        sentences.append(
            f"{a.kind}: {len(a.rows)} × {len(a.columns)} cells of up to {height} × {width} tokens, their largest weight"
        )
    return "; ".join(sentences)


def _none_named(what: str) -> SelectionError:
    return SelectionError(f"no {what} were named", f"Leave {what} out for all of them.")


def _true_number(number: int, every: Collection[int]) -> int:
    """The true number of a layer or head; below 0 it counts from the end, and stays below 0 if there is no such one."""
    return sorted(every)[number] if -len(every) <= number < 0 else number


def _layer_ranges(kinds: Available) -> str:
    by_range: dict[str, list[str]] = {}
    for kind, layers in kinds.items():
        by_range.setdefault(format_ranges(tuple(layers)), []).append(KIND_NAMES[kind])
    if len(by_range) == 1:
        return next(iter(by_range))
    return "; ".join(f"{numbers} ({', '.join(names)})" for numbers, names in by_range.items())

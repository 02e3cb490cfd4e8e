"""What was asked for, kinds, layers, heads, rows and columns, compared with what there is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import SupportsIndex

from attnviz.arguments import dataclass_repr, require_flag
from attnviz.attention import Attention, Range, Token, Trace, count_virtual_tokens, format_ranges
from attnviz.errors import AbsentHeadError, SelectionError
from attnviz.head_names import Names, Pair, heads_named, layers_named
from attnviz.kinds import KIND_NAMES, KINDS, Kind
from attnviz.pooling import FIRST, layout, pool_ranges, reduce_attention
from attnviz.retrace import Retrace, spelled
from attnviz.row_names import RowNames
from attnviz.token_names import Name, columns_named, is_name, names, rows_named
from attnviz.words import by_words

Layout = tuple[tuple[Range, ...], tuple[Range, ...]]
"""Which tokens each row, and each column, of a matrix covers."""

Available = Mapping[Kind, Mapping[int, Sequence[int]]]
"""All the heads that there are: kind → layer → head numbers."""


@dataclass(frozen=True)
class Selection:
    """What was asked for; None means all.

    Layers below 0 are counted from the end, of each kind's own: -1 is its last. `pairs` are heads that were named with
    their layers, in place of `layers` and `heads`.

    `words` merges the tokens of each word, which are the tokens from then on. `rows` and `columns` are numbers of query
    and key tokens, or names, which `attnviz.token_names` explains. Without them, more than `cells` tokens are pooled to
    at most so many rows and columns; None keeps every token's own. The rows that write an answer stay apart from
    pooling; so do those of `query`, which `attnviz.row_names` explains, and all columns then: rows are the fewer.
    """

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    kinds: tuple[Kind, ...] | None = None
    rows: tuple[Name, ...] | None = None
    columns: tuple[Name, ...] | None = None
    cells: int | None = None
    words: bool = False
    query: str | None = None
    pairs: tuple[Pair, ...] | None = None

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
    ) -> "Selection":
        """A selection from what a caller wrote: one value, several, or None. Names are those of `attnviz.head_names`.

        Raises SelectionError for a kind that is none, for what is no name or no whole number, for a sequence of none,
        for heads that have their layers beside layers, for less than one cell, and for words that are no yes or no.
        """
        numbers, pairs = heads_named(heads)
        if pairs and layers is not None:
            layer, head = pairs[0]
            raise SelectionError(f"head L{layer}H{head} already names its layer", "Leave out the layers.")
        require_flag("words", words, SelectionError)
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
            layers=layers_named(layers),
            heads=numbers,
            kinds=None if named is None else tuple(kind for kind in KINDS if kind in named),
            rows=names("rows", rows),
            columns=names("columns", columns),
            cells=cells,
            words=words,
            pairs=pairs,
        )

    @property
    def names_heads(self) -> bool:
        """Whether any layer or head was asked for by its number."""
        return (self.layers, self.heads, self.pairs) != (None, None, None)

    def resolve(self, available: Available) -> dict[Kind, dict[int, tuple[int, ...]]]:
        """The heads to take: kind → layer → head numbers, out of `available`, which has the same form.

        A kind without any layer that was asked for is left out. Raises AbsentHeadError for a kind, layer or head that
        is nowhere in `available`; the hint gives the range.
        """
        kinds = {kind: layers for kind, layers in available.items() if self._has(kind)}
        for kind in self.kinds or ():
            if kind not in available:
                raise AbsentHeadError(
                    f"this model has no {KIND_NAMES[kind]}", f"It has: {', '.join(available) or 'no attention'}."
                )
        for layer in self.layers_asked or ():
            if not any(_numbered(layer, layers) in layers for layers in kinds.values()):
                raise AbsentHeadError(f"there is no layer {layer}", f"Layers: {_layer_ranges(kinds)}.")
        chosen = {
            kind: {layer: self.of_layer(kind, layer, layers[layer]) for layer in sorted(self.of_kind(layers))}
            for kind, layers in kinds.items()
        }
        for layer, head in self.pairs or ():
            if not any(head in layers.get(layer, ()) for layers in chosen.values()):
                every = {h for kind in chosen for h in available[kind].get(layer, ())}
                raise AbsentHeadError(
                    f"layer {layer} has no head {head}", f"Heads of layer {layer}: {format_ranges(tuple(every))}."
                )
        for head in self.heads or ():
            if not any(head in heads for layers in chosen.values() for heads in layers.values()):
                every = {h for kind in chosen for layer in chosen[kind] for h in available[kind][layer]}
                raise AbsentHeadError(f"there is no head {head}", f"Heads: {format_ranges(tuple(every))}.")
        captured = {kind: {layer: heads for layer, heads in layers.items() if heads} for kind, layers in chosen.items()}
        return {kind: layers for kind, layers in captured.items() if layers}

    @property
    def layers_asked(self) -> tuple[int, ...] | None:
        """The layers that were asked for, those below 0 counted from the end; None for all."""
        return self.layers if self.pairs is None else tuple(dict.fromkeys(layer for layer, _ in self.pairs))

    def of_kind(self, layers: Collection[int]) -> set[int]:
        """Which layers were asked for, of the true numbers of all the `layers` of a kind."""
        asked = self.layers_asked
        return set(layers) if asked is None else {_numbered(layer, layers) for layer in asked}.intersection(layers)

    def of_kind_so_far(self, layers: Collection[int]) -> set[int]:
        """The same where later layers may follow: one that may come to be that far from the end counts too."""
        furthest = min(self.layers_asked or (0,))
        return self.of_kind(layers) | set(sorted(layers)[furthest:] if furthest < 0 else ())

    def of_layer(self, kind: Kind, layer: int, heads: Sequence[int]) -> tuple[int, ...]:
        """Which of the `heads` of a layer that was asked for were asked for."""
        if not self._has(kind):
            return ()
        if self.pairs is not None:
            return tuple(head for head in heads if (layer, head) in self.pairs)
        return tuple(head for head in heads if self.heads is None or head in self.heads)

    def _has(self, kind: Kind) -> bool:
        return self.kinds is None or kind in self.kinds

    def left_out(self, available: Available) -> dict[str, str]:
        """For a trace's provenance: which kinds of `available` have none of the layers that were asked for."""
        asked = ", ".join(map(str, self.layers_asked or ()))
        reasons = [
            f"{KIND_NAMES[kind]} has no layer {asked}: its layers are {format_ranges(tuple(layers))}"
            for kind, layers in available.items()
            if self._has(kind) and not self.of_kind(layers)
        ]
        return {"left out": "; ".join(reasons)} if reasons else {}

    def apply(self, trace: Trace) -> Trace:
        """`trace` with only what was asked for. Raises SelectionError as `resolve` and `reduce` do."""
        available = {a.kind: a.head_numbers for a in trace.attentions}
        chosen = self.resolve(available)
        kept = tuple(_with_heads(a, chosen[a.kind]) for a in trace.attentions if a.kind in chosen)
        if kept != trace.attentions:  # it is as most traces are: captured by the same selection, and large
            provenance = {**trace.provenance, **self.left_out(available)}
            trace = replace(trace, attentions=kept, provenance=provenance)
        return self.reduce(trace)

    def reduce(self, trace: Trace) -> Trace:
        """`trace` with the words, rows, columns and cells that were asked for.

        A kind that has none of the rows or columns is left out. Raises SelectionError for a row or column that no kind
        has, or that is not kept by itself.
        """
        trace = by_words(trace) if self.words else trace
        layouts = self.layouts(trace)
        kept = tuple(self._reduced(trace, a, layouts[a.kind]) for a in trace.attentions if a.kind in layouts)
        if kept == trace.attentions and all(a.is_whole for a in kept):
            return trace
        return replace(trace, attentions=kept, provenance={**trace.provenance, "reduced": _how(kept)})

    def _reduced(self, trace: Trace, a: Attention, layout: Layout) -> Attention:
        """`a` as `layout` says. Raises NotKeptError where it does not hold that by itself."""
        try:
            return reduce_attention(a, *layout)
        except SelectionError as error:
            retrace = Retrace.of(trace, a)
            rows = spelled(self.rows) or (retrace.rows if len(a.covered) < len(a.queries) else "")
            raise retrace.error(error.message, rows, spelled(self.columns)) from None

    def layouts(self, trace: Trace) -> dict[Kind, Layout]:
        """Which tokens the rows and columns of each kind shall cover; a kind that has none of them is left out.

        Of `trace` only its tokens are looked at, so that a text may be asked before a model has read it. Raises
        SelectionError for a row or column that no kind has, and where no kind has both.
        """
        attentions = [a for a in trace.attentions if self._has(a.kind)]
        rows = {a.kind: rows_named(self.rows, trace, a) for a in attentions if self.rows is not None}
        columns = {a.kind: columns_named(self.columns, trace, a) for a in attentions if self.columns is not None}
        _require("rows", self.rows, rows, [len(a.queries) for a in attentions])
        _require("columns", self.columns, columns, [len(a.keys) for a in attentions])
        layouts = {a.kind: self._layout(trace, a, rows.get(a.kind), columns.get(a.kind)) for a in attentions}
        layouts = {kind: layout for kind, layout in layouts.items() if all(layout)}
        if attentions and not layouts:
            raise SelectionError("no kind of attention has both these rows and these columns", "Name fewer of them.")
        return layouts

    def _layout(self, trace: Trace, a: Attention, rows: Sequence[int] | None, columns: Sequence[int] | None) -> Layout:
        """Which tokens the rows and the columns of `a` shall cover, where tokens of these numbers were named.

        Special ones, as the first, stand apart from pooling, and the rows of `query`, or else of an answer.
        """
        row_cells = None if rows is None else layout(len(a.queries), rows)
        column_cells = None if columns is None else layout(len(a.keys), columns)
        called = self._called(trace, a) if rows is None else set()
        apart = _special(a.queries).union(FIRST, called or rows_named(["answer"], trace, a))
        keys_apart, least = _special(a.keys).union(FIRST), self.cells
        if called and column_cells is None:
            column_cells, least = (
                a.columns,
                2 * len(apart) + 1,
            )  # so many that those can stand apart, with others between
        return (
            pool_ranges(a.rows, len(a.queries), self._beside(column_cells, least), apart)
            if row_cells is None
            else row_cells,
            pool_ranges(a.columns, len(a.keys), self._beside(row_cells, self.cells), keys_apart)
            if column_cells is None
            else column_cells,
        )

    def _called(self, trace: Trace, a: Attention) -> set[int]:
        """The queries that `query` names."""
        if self.query is None:
            return set()
        if is_name(self.query):
            return set(rows_named([self.query], trace, a))
        return {token for tokens in RowNames(trace, a).matching(self.query.strip()) for token in tokens}

    def _beside(self, fixed: Sequence[Range] | None, least: int | None) -> int | None:
        """How many cells a side may have beside the `fixed` other: as a square of `cells` holds, and at least `least`.

        None for all of its own.
        """
        if self.cells is None or fixed is None:
            return self.cells
        return max(self.cells**2 // max(len(fixed), 1), least or 1)


def _special(tokens: Sequence[Token]) -> set[int]:
    """Which of `tokens` are special. Those that an adapter has learned are many, and are pooled as any others."""
    learned = count_virtual_tokens(tokens)
    return {index for index, token in enumerate(tokens) if token.special and index >= learned}


def _require(
    what: str, asked: Sequence[Name] | None, found: Mapping[Kind, Sequence[int]], sizes: Sequence[int]
) -> None:
    """Raise SelectionError for a number of a row or column that no kind has, and for a name that means none."""
    if asked is None or not sizes:
        return
    for number in (number for number in asked if isinstance(number, int)):
        if not 0 <= number < max(sizes):
            side = "queries" if what == "rows" else "keys"
            raise SelectionError(
                f"there is no {what[:-1]} {number}", f"{what.capitalize()} ({side}): 0-{max(sizes) - 1}."
            )
    if not any(found.values()):
        if "answer" in asked:
            hint = "A decoder writes one with --generate 20; of an encoder-decoder it is the target."
            raise SelectionError(f"{what}: there is no answer here", hint)
        raise SelectionError(f"{what}: there is no prompt here", f"Name {what} by number: 0-{max(sizes) - 1}.")


def _with_heads(a: Attention, kept: Mapping[int, tuple[int, ...]]) -> Attention:
    """`a` with these heads of these layers only."""
    if kept == a.head_numbers:
        return a
    indices = {layer: [a.head_numbers[layer].index(head) for head in heads] for layer, heads in kept.items()}
    return replace(
        a,
        by_layer={layer: a.by_layer[layer][heads] for layer, heads in indices.items()},
        head_numbers=kept,
        sink_mass={layer: a.sink_mass[layer][heads] for layer, heads in indices.items() if layer in a.sink_mass},
        groups={
            layer: tuple(a.groups[layer][head] for head in heads)
            for layer, heads in indices.items()
            if layer in a.groups
        },
        row_sums={layer: a.row_sums[layer][heads] for layer, heads in indices.items() if layer in a.row_sums},
    )


def _how(attentions: Sequence[Attention]) -> str:
    """What rows and columns are, for a trace's provenance."""
    told = []
    for a in attentions:
        height, width = (max(stop - start for start, stop in cells) for cells in (a.rows, a.columns))
        told.append(
            f"{a.kind}: {len(a.rows)} × {len(a.columns)} cells of up to {height} × {width} tokens, their largest weight"
        )
    return "; ".join(told)


def _none_named(what: str) -> SelectionError:
    return SelectionError(f"no {what} were named", f"Leave {what} out for all of them.")


def _numbered(layer: int, layers: Collection[int]) -> int:
    """The true number of a layer that is counted from the end where it is below 0; itself where there is none."""
    return sorted(layers)[layer] if -len(layers) <= layer < 0 else layer


def _layer_ranges(kinds: Available) -> str:
    by_range: dict[str, list[str]] = {}
    for kind, layers in kinds.items():
        by_range.setdefault(format_ranges(tuple(layers)), []).append(KIND_NAMES[kind])
    if len(by_range) == 1:
        return next(iter(by_range))
    return "; ".join(f"{numbers} ({', '.join(names)})" for numbers, names in by_range.items())

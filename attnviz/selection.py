"""Which kinds, layers and heads were asked for, held against what there is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from attnviz.attention import Trace, ranges
from attnviz.errors import SelectionError
from attnviz.kinds import KIND_NAMES, KINDS, Kind

Available = Mapping[Kind, Mapping[int, Sequence[int]]]
"""All the heads that there are: kind → layer → head numbers."""


@dataclass(frozen=True)
class Selection:
    """What was asked for; None means all."""

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    kinds: tuple[Kind, ...] | None = None

    @classmethod
    def of(
        cls,
        layers: Sequence[int] | int | None = None,
        heads: Sequence[int] | int | None = None,
        kinds: Sequence[str] | str | None = None,
    ) -> "Selection":
        """A selection from what a caller wrote: one value, several, or None. Raises SelectionError for a false kind."""
        named = (kinds,) if isinstance(kinds, str) else kinds or ()
        for kind in named:
            if kind not in KINDS:
                raise SelectionError(f"{kind!r} is not a kind of attention", f"Kinds: {', '.join(KINDS)}.")
        known = tuple(kind for kind in KINDS if kind in named)
        return cls(_numbers(layers), _numbers(heads), None if kinds is None else known)

    def resolve(self, available: Available) -> dict[Kind, dict[int, tuple[int, ...]]]:
        """The heads to take: kind → layer → head numbers, out of `available`, which has the same form.

        A kind without any layer that was asked for is left out. Raises SelectionError for a kind, layer or head that
        is nowhere in `available`; the hint gives the range.
        """
        kinds = {kind: layers for kind, layers in available.items() if self.kinds is None or kind in self.kinds}
        for kind in self.kinds or ():
            if kind not in available:
                raise SelectionError(
                    f"this model has no {KIND_NAMES[kind]}", f"It has: {', '.join(available) or 'no attention'}."
                )
        for layer in self.layers or ():
            if not any(layer in layers for layers in kinds.values()):
                raise SelectionError(f"there is no layer {layer}", f"Layers: {_layer_ranges(kinds)}.")
        chosen = {
            kind: {
                layer: tuple(head for head in heads if self.heads is None or head in self.heads)
                for layer, heads in layers.items()
                if self.layers is None or layer in self.layers
            }
            for kind, layers in kinds.items()
        }
        for head in self.heads or ():
            if not any(head in heads for layers in chosen.values() for heads in layers.values()):
                every = {h for kind in chosen for layer in chosen[kind] for h in available[kind][layer]}
                raise SelectionError(f"there is no head {head}", f"Heads: {ranges(tuple(every))}.")
        captured = {kind: {layer: heads for layer, heads in layers.items() if heads} for kind, layers in chosen.items()}
        return {kind: layers for kind, layers in captured.items() if layers}

    def left_out(self, available: Available) -> dict[str, str]:
        """For a trace's provenance: which kinds of `available` have none of the layers that were asked for."""
        reasons = [
            f"{KIND_NAMES[kind]} has no layer {ranges(self.layers)}: its layers are {ranges(tuple(layers))}"
            for kind, layers in available.items()
            if (self.kinds is None or kind in self.kinds) and self.layers is not None
            if not any(layer in layers for layer in self.layers)
        ]
        return {"left out": "; ".join(reasons)} if reasons else {}

    def narrow(self, trace: Trace) -> Trace:
        """`trace` with only what was asked for. Raises SelectionError as `resolve` does."""
        available = {a.kind: a.head_numbers for a in trace.attentions}
        chosen = self.resolve(available)
        if chosen == available:  # as most traces are: captured by the same selection, and large
            return trace
        attentions = []
        for a in trace.attentions:
            if a.kind not in chosen:
                continue
            kept = chosen[a.kind]
            at = {layer: [a.head_numbers[layer].index(head) for head in heads] for layer, heads in kept.items()}
            attentions.append(
                replace(
                    a,
                    by_layer={layer: a.by_layer[layer][rows] for layer, rows in at.items()},
                    head_numbers=kept,
                    sink_mass={layer: a.sink_mass[layer][rows] for layer, rows in at.items() if layer in a.sink_mass},
                )
            )
        provenance = {**trace.provenance, **self.left_out(available)}
        return replace(trace, attentions=tuple(attentions), provenance=provenance)


def _numbers(given: Sequence[int] | int | None) -> tuple[int, ...] | None:
    if given is None:
        return None
    return tuple(map(int, given)) if isinstance(given, Iterable) else (int(given),)


def _layer_ranges(kinds: Available) -> str:
    by_range: dict[str, list[str]] = {}
    for kind, layers in kinds.items():
        by_range.setdefault(ranges(tuple(layers)), []).append(KIND_NAMES[kind])
    if len(by_range) == 1:
        return next(iter(by_range))
    return "; ".join(f"{numbers} ({', '.join(names)})" for numbers, names in by_range.items())

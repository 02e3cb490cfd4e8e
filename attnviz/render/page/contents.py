"""What the page is told of its traces: names, labels, measures, and every head's weights."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import isnan
from typing import Any

from attnviz.analysis import ROLES, allowed_pairs, choose_head
from attnviz.analysis.head_table import COLUMNS, HeadRow, head_rows
from attnviz.attention import Attention, Trace
from attnviz.labels import visible
from attnviz.render.colours import palette
from attnviz.render.page.axis import axes, of_words
from attnviz.render.page.command import Side, neurons_command, plot_command
from attnviz.render.page.neurons import NumberBlocks, neurons_of
from attnviz.render.page.packing import packed_matrix
from attnviz.render.page.pair import pair_of
from attnviz.render.page.summary import summarise
from attnviz.render.plan import title_of
from attnviz.render.scale import THEMES, signed_palette
from attnviz.render.scene import Scene

DIGITS = 4
"""Measures are told to so many digits after the point."""


@dataclass(frozen=True)
class Contents:
    """What the page holds: `facts` for JSON, and `blocks`, packed weights and other numbers by their names.

    The kinds of all traces stand in one list. The block of head `h` of kind `k`, both counted from 0 in the order of
    the facts, is named `h<k>-<h>`; `first` are the names of those that the page shows when it is opened. Blocks of
    queries, keys and terms are named `n0`, `n1`, ….
    """

    facts: Mapping[str, Any]
    blocks: Mapping[str, str]
    first: tuple[str, ...]


def contents_of(
    traces: Sequence[Trace],
    exact: bool = False,
    sources: Sequence[str | None] = (),
    start: str = "",
    notes: tuple[str, ...] = (),
    neurons: bool = True,
) -> Contents:
    """The contents of the page of `traces`, their weights with 16 bits where they shall be `exact`, or with 8.

    `sources` are the files of those that are saved, one for each trace; `start` is what the page shows first, as its
    address says it; `notes` say what was pooled. Without `neurons`, queries and keys are left out.
    """
    bits, sources = 16 if exact else 8, sources or [None] * len(traces)
    sides = [
        Side(trace, attention, number, source)
        for number, (trace, source) in enumerate(zip(traces, sources, strict=True))
        for attention in trace.attentions
        if attention.layers
    ]
    numbers = NumberBlocks()
    kinds = [_kind(side) | _neurons(side.attention, numbers, neurons) for side in sides]
    blocks: dict[str, str] = {}
    first = []
    for number, (side, kind) in enumerate(zip(sides, kinds, strict=True)):
        may = allowed_pairs(side.attention)
        for index, head in enumerate(kind["heads"]):
            matrix = side.attention.matrix(head["layer"], head["head"])
            blocks[f"h{number}-{index}"] = packed_matrix(matrix, may, bits)
        first.append(f"h{number}-{kind['chosen']['head']}")
    facts = {
        "bits": bits,
        "start": start,
        "notes": [visible(note) for note in notes],
        "traces": _names(traces, sources),
        "roles": {role.name: role.threshold for role in ROLES.values()},
        "themes": {name: _theme(name) for name in ("light", "dark")},
        "kinds": kinds,
        "pairs": [
            {"kinds": [a, b], **pair_of(sides[a], sides[b])}
            for a, b in combinations(range(len(sides)), 2)
            if sides[a].number != sides[b].number and kinds[a]["kind"] == kinds[b]["kind"]
        ],
    }
    return Contents(facts, blocks | numbers.by_name, tuple(first))


def _names(traces: Sequence[Trace], sources: Sequence[str | None]) -> list[dict[str, Any]]:
    """What each trace is called: its `title` and `model`, and in short, as `name`, what it does not share."""
    titles, models = [title_of(trace) for trace in traces], [visible(trace.model) for trace in traces]
    files = [visible(source or "") for source in sources]
    names = next((some for some in (titles, models, files) if len(set(some)) > 1), titles)
    return [
        {"title": title, "model": model, "name": name, "notes": [visible(note) for note in trace.notes]}
        for title, model, name, trace in zip(titles, models, names, traces, strict=True)
    ]


def _kind(side: Side) -> dict[str, Any]:
    trace, a = side.trace, side.attention
    rows, columns = axes(trace, a)
    merged = of_words(trace, a)
    words = merged and axes(trace, merged)
    heads, choice = head_rows(trace, a.kind), choose_head(trace, a.kind)
    measures = [name for name in COLUMNS if not all(isnan(row.values[name]) for row in heads)]
    index = next(i for i, row in enumerate(heads) if (row.layer, row.head) == (choice.layer, choice.head))
    return {
        "trace": side.number,
        "kind": a.kind,
        "rows": rows,
        "columns": columns,
        "oneSequence": a.kind != "cross",
        "words": words and {"rows": words[0], "columns": words[1]},
        "heads": [_head(a, row, measures) for row in heads],
        "measures": measures,
        "chosen": {
            "head": index,
            "value": choice.value,
            "baseline": choice.baseline,
            "isSure": choice.is_sure,
            "measured": choice.measured and choice.measured.role,
        },
        "isPooled": a.is_pooled,
        "command": plot_command(side),
        "neuronsCommand": neurons_command(side),
        "summary": asdict(summarise(a)),
    }


def _neurons(a: Attention, blocks: NumberBlocks, kept: bool) -> dict[str, Any]:
    """The queries and keys of each layer that has them, or the layers whose own are `leftOut`."""
    neurons = {str(layer): neurons_of(one, blocks) for layer, one in a.projections.items()} if kept else {}
    return {"neurons": neurons, "leftOut": [] if kept else [*a.projections]}


def _head(a: Attention, row: HeadRow, measures: list[str]) -> dict[str, Any]:
    return {
        "layer": row.layer,
        "head": row.head,
        "top": Scene(a, ((row.layer, row.head),)).top,
        "role": row.role and [row.role.name, round(row.role.value, DIGITS), round(row.role.baseline, DIGITS)],
        "link": row.link and [row.link.row, row.link.column, round(row.link.weight, DIGITS)],
        "values": [None if isnan(value := row.values[name]) else round(value, DIGITS) for name in measures],
    }


def _theme(name: str) -> dict[str, str]:
    """The colours of a theme, those of a picture: 256 for cells, for the background of text, and for differences.

    Each of the three is in base64.
    """
    theme = THEMES[name]
    colours = {field: getattr(theme, field) for field in ("background", "ink", "muted", "blank", "hairline")}
    return colours | {
        "cells": b64encode(palette(theme.palette).tobytes()).decode(),
        "text": b64encode(palette(theme.background_palette).tobytes()).decode(),
        "difference": b64encode(signed_palette(theme).tobytes()).decode(),
    }

"""What the page is told of a trace: names, labels, measures, and every head's weights."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from attnviz.analysis import ROLES, allowed_pairs, choose_head
from attnviz.analysis.head_table import COLUMNS, HeadRow, head_rows
from attnviz.attention import Attention, Trace
from attnviz.labels import visible
from attnviz.render.colours import palette
from attnviz.render.page.axis import axes, word_axes
from attnviz.render.page.command import plot_command
from attnviz.render.page.packing import packed_matrix
from attnviz.render.page.summary import summarise
from attnviz.render.plan import title_of
from attnviz.render.scale import THEMES
from attnviz.render.scene import Scene

DIGITS = 4
"""Measures are told to so many digits after the point."""


@dataclass(frozen=True)
class Contents:
    """What the page holds: `facts` for JSON, and `blocks`, packed weights by their names.

    The block of head `h` of kind `k`, both counted from 0 in the order of the facts, is named `h<k>-<h>`; `first` are
    the names of those that the page shows when it is opened.
    """

    facts: Mapping[str, Any]
    blocks: Mapping[str, str]
    first: tuple[str, ...]


def contents_of(
    trace: Trace, exact: bool, source: str | None = None, start: str = "", notes: tuple[str, ...] = ()
) -> Contents:
    """The contents of the page of `trace`, its weights with 16 bits where they shall be `exact`, or with 8.

    `start` is what the page shows first, as its address says it, and `notes` say what was pooled.
    """
    bits = 16 if exact else 8
    shown = [attention for attention in trace.attentions if attention.layers]
    kinds = [_kind(trace, attention, source) for attention in shown]
    blocks: dict[str, str] = {}
    first = []
    for number, (attention, kind) in enumerate(zip(shown, kinds, strict=True)):
        may = allowed_pairs(attention)
        for index, head in enumerate(kind["heads"]):
            matrix = attention.matrix(head["layer"], head["head"])
            blocks[f"h{number}-{index}"] = packed_matrix(matrix, may, bits)
        first.append(f"h{number}-{kind['chosen']['head']}")
    facts = {
        "bits": bits,
        "model": visible(trace.model),
        "title": title_of(trace),
        "start": start,
        "notes": [visible(note) for note in (*notes, *trace.notes)],
        "roles": {role.name: role.threshold for role in ROLES.values()},
        "themes": {name: _theme(name) for name in ("light", "dark")},
        "kinds": kinds,
    }
    return Contents(facts, blocks, tuple(first))


def _kind(trace: Trace, a: Attention, source: str | None) -> dict[str, Any]:
    rows, columns = axes(trace, a)
    words = word_axes(trace, a)
    heads, choice = head_rows(trace, a.kind), choose_head(trace, a.kind)
    measures = [name for name in COLUMNS if not all(isnan(row.values[name]) for row in heads)]
    index = next(i for i, row in enumerate(heads) if (row.layer, row.head) == (choice.layer, choice.head))
    return {
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
        "command": plot_command(trace, a, source),
        "summary": asdict(summarise(a)),
    }


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
    """The colours of a theme, those of a picture: 256 for cells, 256 for the background of text, each in base64."""
    theme = THEMES[name]
    colours = {field: getattr(theme, field) for field in ("background", "ink", "muted", "blank", "hairline")}
    return colours | {
        "cells": b64encode(palette(theme.palette).tobytes()).decode(),
        "text": b64encode(palette(theme.background_palette).tobytes()).decode(),
    }

"""Every head as a row of a table: its measures, its role and its strongest link; sorted, and filtered by role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TypeVar

import numpy as np

from attnviz.analysis import MEASURES
from attnviz.analysis.methods import RAW, method_of
from attnviz.analysis.role import ROLES, HeadRole, head_roles, role_baselines
from attnviz.analysis.strongest_link import StrongestLink, find_strongest_links
from attnviz.attention import Attention, HeadValues, Trace
from attnviz.errors import SelectionError
from attnviz.head_names import head_name
from attnviz.kinds import Kind

PEAK = "peak"
"""The column with the weight of a head's strongest link."""
COLUMNS = (*MEASURES, PEAK)
"""What heads can be sorted by."""
_TITLES = {"prev": "previous", "first": "sink", "dist": "distance", "dup": "duplicate", "induct": "induction"}
_TITLES |= {"conf": "confidence", "norm.": "normalised entropy", "share": "offset share"}
"""The measures by the titles of their columns in the terminal, for users who type what they see."""


@dataclass(frozen=True)
class HeadRow:
    """One head: `values` holds a number for each of `COLUMNS`, nan where it does not apply."""

    kind: Kind
    layer: int
    head: int
    role: HeadRole | None
    values: Mapping[str, float]
    link: StrongestLink | None

    @property
    def name(self) -> str:
        """The name of the head: `L3H5`."""
        return head_name(self.layer, self.head)


Row = TypeVar("Row", bound=HeadRow)


def head_rows(
    trace: Trace, kind: str, *, sort: str | None = None, role: str | None = None, top: int | None = None
) -> list[HeadRow]:
    """The heads of one kind, by layer and head; or by the measure `sort`, the largest first and nan last.

    `role` keeps only heads with that role, and `top` only the first `top`. Roles are those of weights: where a method
    made other numbers, no head has one. Raises SelectionError for an unknown
    measure or role, and for a kind that `trace` does not have.
    """
    require_names(sort, role)
    a = trace[kind]
    baselines = role_baselines(a) if method_of(trace).name == RAW else None
    return arranged([row for layer in a.layers for row in _of_layer(a, layer, baselines)], sort, role, top)


def arranged(
    rows: Sequence[Row], sort: str | None = None, role: str | None = None, top: int | None = None
) -> list[Row]:
    """The `rows` of that `role`, from the largest number of `sort` down, the first `top`; all where none is given."""
    rows = list(rows)
    if role is not None:
        rows = [row for row in rows if row.role and row.role.name == role]
    if sort is not None:
        rows.sort(key=lambda row: -np.nan_to_num(row.values[sort], nan=-np.inf))
    return rows[:top]


def measure_named(name: str | None) -> str | None:
    """The measure that a user means: `normalised_entropy` is `normalised entropy`, and `first` is `sink`.

    Raises SelectionError for an unknown name.
    """
    if name is None:
        return None
    known = name.casefold().replace("_", " ")
    known = _TITLES.get(known, known)
    _require("measure", name if known not in COLUMNS else known, COLUMNS)
    return known


def require_applies(trace: Trace, measure: str) -> None:
    """Raise SelectionError where `measure` applies to no head of `trace`."""
    rows = [row for kind in trace.kinds for row in head_rows(trace, kind)]
    if all(isnan(row.values[measure]) for row in rows):
        needs = "It needs a row and a column for each token"
        needs += ", and one that comes twice." if measure in ("duplicate", "induction") else "."
        raise SelectionError(f"{measure} applies to no head of this text", needs)


def require_names(sort: str | None = None, role: str | None = None) -> None:
    """Raise SelectionError for an unknown measure or role."""
    _require("measure", sort, COLUMNS)
    _require("role", role, [*ROLES])


def _require(what: str, name: str | None, known: Sequence[str]) -> None:
    if name is not None and name not in known:
        raise SelectionError(f"there is no {what} {name!r}", f"{what.capitalize()}s: {', '.join(known)}.")


def measure_values(attention: Attention, layer: int) -> dict[str, HeadValues]:
    """A number of each head of a layer for each of `COLUMNS`, `[head]`; nan where it does not apply."""
    return _values(attention, layer, find_strongest_links(attention, layer))


def _values(attention: Attention, layer: int, links: Sequence[StrongestLink | None]) -> dict[str, HeadValues]:
    values = {name: measure(attention, layer) for name, measure in MEASURES.items()}
    return {**values, PEAK: np.array([link.weight if link else np.nan for link in links], float)}


def _of_layer(attention: Attention, layer: int, baselines: Mapping[str, float] | None) -> list[HeadRow]:
    links = find_strongest_links(attention, layer)
    values: dict[str, HeadValues] = _values(attention, layer, links)
    roles = [None] * len(links) if baselines is None else head_roles(attention, layer, baselines)
    rows = []
    for index, head in enumerate(attention.heads(layer)):
        numbers = {name: float(of_heads[index]) for name, of_heads in values.items()}
        rows.append(HeadRow(attention.kind, layer, head, roles[index], numbers, links[index]))
    return rows

"""Every head as a row of a table: its measures, its role and its strongest link; sorted, and narrowed by role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from attnviz.analysis import MEASURES
from attnviz.analysis.role import ROLES, HeadRole, head_roles
from attnviz.analysis.strongest_link import StrongestLink, find_strongest_link
from attnviz.attention import Attention, Trace
from attnviz.errors import SelectionError
from attnviz.kinds import Kind

PEAK = "peak"
"""The weight of a head's strongest link, which heads can be sorted by too."""
COLUMNS = (*MEASURES, PEAK)
"""What heads can be sorted by."""
_SHORT = {"prev": "previous", "first": "sink", "dist": "distance", "dup": "duplicate", "induct": "induction"}
_SHORT |= {"conf": "confidence", "norm.": "normalised entropy", "share": "offset share"}
"""What stands above the columns of a table, for people who type what they see."""


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
        """The head as people write it: `L3H5`."""
        return f"L{self.layer}H{self.head}"


def head_rows(
    trace: Trace, kind: str, *, sort: str | None = None, role: str | None = None, top: int | None = None
) -> list[HeadRow]:
    """The heads of one kind, by layer and head; or from the largest number of `sort` to the smallest.

    With `role`, those alone that have it; with `top`, so many of them, the first. Raises SelectionError for a measure
    or a role that there is none of, and for a kind that `trace` has not.
    """
    require_names(sort, role)
    rows = [row for layer in trace[kind].layers for row in _of_layer(trace[kind], layer)]
    if role is not None:
        rows = [row for row in rows if row.role and row.role.name == role]
    if sort is not None:
        rows.sort(key=lambda row: -_or_least(row.values[sort]))
    return rows[:top]


def measure_named(name: str | None) -> str | None:
    """The measure that is meant: `normalised_entropy` and `first` are `normalised entropy` and `sink`.

    Raises SelectionError for one that there is not.
    """
    if name is None:
        return None
    known = name.casefold().replace("_", " ")
    known = _SHORT.get(known, known)
    _require("measure", name if known not in COLUMNS else known, COLUMNS)
    return known


def require_applies(trace: Trace, measure: str) -> None:
    """Raise SelectionError where `measure` applies to no head of `trace`."""
    rows = [row for kind in trace.kinds for row in head_rows(trace, kind)]
    if all(isnan(row.values[measure]) for row in rows):
        needs = "It needs every token by itself"
        needs += ", and one that comes twice." if measure in ("duplicate", "induction") else "."
        raise SelectionError(f"{measure} applies to no head of this text", needs)


def require_names(sort: str | None = None, role: str | None = None) -> None:
    """Raise SelectionError for an unknown measure or role."""
    _require("measure", sort, COLUMNS)
    _require("role", role, [*ROLES])


def _require(what: str, name: str | None, known: Sequence[str]) -> None:
    if name is not None and name not in known:
        raise SelectionError(f"there is no {what} {name!r}", f"{what.capitalize()}s: {', '.join(known)}.")


def _of_layer(attention: Attention, layer: int) -> list[HeadRow]:
    values = {name: measure(attention, layer) for name, measure in MEASURES.items()}
    roles = head_roles(attention, layer)
    rows = []
    for index, head in enumerate(attention.heads(layer)):
        link = find_strongest_link(attention, layer, head)
        numbers = {name: float(of_heads[index]) for name, of_heads in values.items()}
        numbers[PEAK] = link.weight if link else float("nan")
        rows.append(HeadRow(attention.kind, layer, head, roles[index], numbers, link))
    return rows


def _or_least(value: float) -> float:
    return float("-inf") if isnan(value) else value

"""Heads as rows of data for other programs: CSV, JSON and Parquet. To add a format, add a line in `TABLES`."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from math import isnan

from attnviz.analysis.comparison import Comparison
from attnviz.analysis.head_table import COLUMNS, HeadRow
from attnviz.analysis.probe import ProbeResult
from attnviz.attention import Trace
from attnviz.errors import FileError
from attnviz.labels import visible
from attnviz.render.named_link import NamedLink
from attnviz.render.scene import Scene, scene

Record = dict[str, object]
NAMES = [name.replace(" ", "_") for name in COLUMNS]
"""The names of the columns of the measures."""
RECORD_NAMES = ["kind", "layer", "head", "role", "role_value", "role_baseline", *NAMES, "from", "to"]
LINK_NAMES = ["kind", "from", "to", "layer", "head", "weight", "rank", "keys", "uniform", "ratio", "others"]
LINK_NAMES += ["offset", "offset_weight"]
DISTANCE_NAMES = ["kind", "layer", "head", "with_layer", "with_head", "distance", "share", "rows"]
PROBE_NAMES = ["probe", "layer", "head", "mean", "spread", "rate", "baseline", "samples", "tried"]
"""The names of the columns, which a table without heads has too."""


def records(trace: Trace, rows: Iterable[HeadRow]) -> list[Record]:
    """A record for each head: kind, layer, head, its role with number and baseline, its measures, its strongest link.

    A number that does not apply is None. `from` and `to` are the labels of the row and the column of the link.
    """
    scenes = {kind: scene(trace, kind, ()) for kind in trace.kinds}
    return [_record(row, scenes[row.kind]) for row in rows]


def _record(row: HeadRow, shown: Scene) -> Record:
    known: Record = {"kind": row.kind, "layer": row.layer, "head": row.head}
    known |= {"role": row.role and row.role.name, "role_value": row.role and row.role.value}
    known["role_baseline"] = row.role and row.role.baseline
    known |= {name: or_none(row.values[column]) for name, column in zip(NAMES, COLUMNS, strict=True)}
    link = row.link
    known["from"] = link and visible(shown.rows[link.row])
    known["to"] = link and visible(shown.columns[link.column])
    return known


def or_none(value: float) -> float | None:
    """A number, or None for nan, which means that it does not apply."""
    return None if isnan(value) else value


def link_records(links: Iterable[NamedLink], top: int | None = None) -> list[Record]:
    """A record for each of the first `top` heads of each link: the link, the head, its weight, and its baselines."""
    return [
        {
            "kind": link.kind,
            "from": link.query,
            "to": link.key,
            "layer": head.layer,
            "head": head.head,
            "weight": head.weight,
            "rank": head.rank,
            "keys": head.keys,
            "uniform": head.uniform,
            "ratio": head.ratio,
            "others": or_none(head.others),
            "offset": head.offset,
            "offset_weight": or_none(head.offset_weight),
        }
        for link in links
        for head in link.heads[:top]
    ]


def probe_records(probe: ProbeResult, top: int | None = None) -> list[Record]:
    """A record for each of the first `top` heads: its number in a probe, the spread, and the baseline."""
    of_all = {"baseline": probe.baseline, "samples": probe.samples, "tried": probe.tried}
    return [
        {"probe": probe.name, "layer": one.layer, "head": one.head, "mean": one.mean}
        | {"spread": or_none(one.spread), "rate": one.rate}
        | of_all
        for one in probe.heads[:top]
    ]


def distance_records(comparison: Comparison, top: int | None = None) -> list[Record]:
    """A record with the fields of `HeadDistance` for each pair of compared heads, the first `top` of each kind."""
    kinds = dict.fromkeys(one.kind for one in comparison.distances)
    some = (one for kind in kinds for one in [each for each in comparison.distances if each.kind == kind][:top])
    return [{name: getattr(one, name) for name in DISTANCE_NAMES} for one in some]


def as_csv(rows: Sequence[Record], names: Sequence[str]) -> bytes:
    """The records as CSV, UTF-8, with a line of names; a number that does not apply is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json(rows: Sequence[Record], names: Sequence[str]) -> bytes:
    """The records as a JSON list, UTF-8; a number that does not apply is null."""
    return json.dumps(rows, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def as_parquet(rows: Sequence[Record], names: Sequence[str]) -> bytes:
    """The records as a Parquet file. Raises FileError without the package pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FileError("writing .parquet needs the package pyarrow", "pip install pyarrow; or write .csv") from error
    buffer = io.BytesIO()
    table = pyarrow.Table.from_pylist(list(rows)) if rows else pyarrow.table({name: [] for name in names})
    parquet.write_table(table, buffer)
    return buffer.getvalue()


TABLES: dict[str, Callable[[Sequence[Record], Sequence[str]], bytes]] = {
    ".csv": as_csv,
    ".json": as_json,
    ".parquet": as_parquet,
}
"""The function that writes a table of heads for each file ending."""

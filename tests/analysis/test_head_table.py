"""Heads as rows: sorted by a measure, filtered by role, and the same in CSV, JSON and Parquet."""

import csv
import io
import json

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder
from pyarrow import parquet

from attnviz.analysis.head_table import COLUMNS, head_rows, measure_named, require_applies
from attnviz.attention import Trace
from attnviz.errors import SelectionError
from attnviz.render.head_data import RECORD_NAMES, TABLES, records

PREVIOUS = np.eye(10, k=-1) + np.diag([1.0] + [0.0] * 9)
HEADS = Trace("by hand", "a b c d e f g h i j", (attention([np.full((10, 10), 0.1), PREVIOUS, np.eye(10)]),))


def test_rows_are_ordered_by_layer_and_head_or_by_a_measure() -> None:
    assert [row.name for row in head_rows(HEADS, "self")] == ["L0H0", "L0H1", "L0H2"]
    assert next(row.head for row in head_rows(HEADS, "self", sort="entropy")) == 0
    assert [row.head for row in head_rows(HEADS, "self", sort="previous", top=2)] == [1, 0]
    assert [row.head for row in head_rows(HEADS, "self", role="previous")] == [1]
    assert head_rows(HEADS, "self", role="induction") == []


def test_heads_to_which_a_measure_does_not_apply_come_last() -> None:
    rows = head_rows(encoder_decoder(), "cross", sort="previous")
    assert [row.name for row in rows] == ["L0H0", "L0H1", "L1H0", "L1H1"]
    assert np.isnan([row.values["previous"] for row in rows]).all()


@pytest.mark.parametrize("wrong", [{"sort": "height"}, {"role": "tall"}])
def test_the_error_for_an_unknown_measure_or_role_lists_the_known_ones(wrong) -> None:
    with pytest.raises(SelectionError, match=r"there is no (measure 'height'|role 'tall')\n.*: (entropy|previous), "):
        head_rows(HEADS, "self", **wrong)


def test_the_three_formats_hold_the_same() -> None:
    trace = encoder_decoder()
    known = records(trace, [row for kind in trace.kinds for row in head_rows(trace, kind)])
    assert len(known) == 12
    assert {name.replace(" ", "_") for name in COLUMNS} < set(known[0])
    assert list(known[0]) == RECORD_NAMES
    as_read = json.loads(TABLES[".json"](known, RECORD_NAMES))
    assert as_read == known
    assert parquet.read_table(io.BytesIO(TABLES[".parquet"](known, RECORD_NAMES))).to_pylist() == known
    lines = list(csv.DictReader(io.StringIO(TABLES[".csv"](known, RECORD_NAMES).decode())))
    assert [line["entropy"] for line in lines] == [repr(one["entropy"]) for one in known]
    last = lines[3]
    assert (last["kind"], last["layer"], last["head"], last["from"], last["to"]) == ("self", "1", "1", "ate", "apple")
    assert float(last["peak"]) == pytest.approx(0.96)
    assert lines[-1]["previous"] == ""  # cross-attention has no previous token


def test_an_empty_table_still_has_its_columns() -> None:
    assert TABLES[".csv"]([], RECORD_NAMES).decode() == ",".join(RECORD_NAMES) + "\n"
    assert parquet.read_table(io.BytesIO(TABLES[".parquet"]([], RECORD_NAMES))).column_names == RECORD_NAMES


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("first", "sink"),
        ("Entropy", "entropy"),
        ("normalised_entropy", "normalised entropy"),
        ("norm.", "normalised entropy"),
    ],
)
def test_a_measure_can_be_named_as_it_is_written_in_a_table_or_a_file(typed: str, meant: str) -> None:
    assert measure_named(typed) == meant


def test_a_measure_that_applies_to_no_head_is_refused_with_what_it_needs() -> None:
    with pytest.raises(SelectionError, match=r"induction applies to no head of this text\nIt needs .* comes twice"):
        require_applies(HEADS, "induction")
    require_applies(HEADS, "entropy")

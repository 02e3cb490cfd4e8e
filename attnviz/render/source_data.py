"""What an answer looked at as data for other programs: JSON and CSV."""

import csv
import io
import json
from dataclasses import asdict
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnviz.analysis.answer_sources import AnswerSources


def as_json(sources: "AnswerSources") -> bytes:
    """All of it as JSON, UTF-8; what is not known is null."""
    return json.dumps(_without_nan(sources.to_dict()), ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def as_csv(sources: "AnswerSources") -> bytes:
    """A line a segment, UTF-8, under a line of names; what is not known is empty."""
    text = io.StringIO()
    rows = [{**asdict(one), "ratio": one.ratio} for one in sources.shares]
    writer = csv.DictWriter(text, rows[0] if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_without_nan(rows))
    return text.getvalue().encode()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and isnan(value) else value

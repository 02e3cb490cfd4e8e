"""What an answer looked at as data for other programs: JSON and CSV."""

import csv
import io
import json
from dataclasses import asdict
from math import isnan
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attnviz.analysis.answer_sources import AnswerSources


def as_json(found: "AnswerSources") -> bytes:
    """All fields as JSON, UTF-8; an unknown number is null."""
    segments = [{**asdict(one), "per_token": one.per_token, "ratio": one.ratio} for one in found.shares]
    every = {**asdict(found), "shares": segments}
    return json.dumps(_without_nan(every), ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def as_csv(found: "AnswerSources") -> bytes:
    """CSV with a line for each segment, or for each token of the selected one, UTF-8; an unknown number is empty."""
    columns = found.to_dict()
    if found.segment is not None:
        tokens = [asdict(one) for one in found.tokens if one.segment == found.segment]
        columns = {name: [token[name] for token in tokens] for name in tokens[0]}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(_without_nan(row) for row in zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and isnan(value) else value

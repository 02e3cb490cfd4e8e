"""What changes without some heads, as JSON and as records of a table."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from typing import Any

from attnviz.analysis.ablation import AblationResult, HeadEffect

EFFECT_NAMES = ("kind", "layer", "head", "before", "after", "effect", "weight")
"""The columns of a table of effects."""


def ablation_json(result: AblationResult) -> bytes:
    """All numbers of an ablation, UTF-8."""
    return json.dumps(asdict(result), ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def effect_records(effects: Sequence[HeadEffect], top: int | None = None) -> list[dict[str, Any]]:
    """A record for each of the first `top` heads; a weight that was not asked for is None."""
    return [
        {name: getattr(one, name) for name in EFFECT_NAMES} | {"weight": None if isnan(one.weight) else one.weight}
        for one in effects[:top]
    ]

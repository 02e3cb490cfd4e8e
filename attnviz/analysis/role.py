"""What a head does, in one word: the name of a measure that is above a stated threshold and above its baseline."""

from dataclasses import dataclass

import numpy as np

from attnviz.analysis.attention_mask import is_one_sequence
from attnviz.analysis.measure import Measure
from attnviz.analysis.offset import best_offset, offset_share
from attnviz.analysis.position import next_token, previous_token, same_token
from attnviz.analysis.sink import SINK_THRESHOLD, sink
from attnviz.analysis.special_tokens import special_mass
from attnviz.analysis.token_pairs import duplicate_token, induction
from attnviz.analysis.uniform_attention import baseline
from attnviz.attention import Attention, HeadValues

NEAREST = 1
"""Offsets of at most this many tokens have other roles: previous, self and next."""


def far_offset_share(attention: Attention, layer: int) -> HeadValues:
    """`offset_share` of heads that look beyond the query's neighbours, `[head]`; nan for other heads.

    Voita et al. 2019 call a head positional if its maximum is at one fixed offset in 90 % of its rows.
    """
    return np.where(np.abs(best_offset(attention, layer)) > NEAREST, offset_share(attention, layer), np.nan)


@dataclass(frozen=True)
class Role:
    """A name for heads whose `measure` is above `threshold`, and above what uniform attention gives.

    `meaning` says what such a head looks at. `in_cross` says whether a head of cross-attention can have the role:
    positions in two texts cannot be compared.
    """

    name: str
    measure: Measure
    threshold: float
    meaning: str
    in_cross: bool = False


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role("previous", previous_token, 0.5, "the token before"),
        Role("next", next_token, 0.5, "the token after"),
        Role("self", same_token, 0.5, "the token itself"),
        Role("sink", sink, SINK_THRESHOLD, "the first token (Gu et al. 2024)"),
        Role("special", special_mass, 0.5, "special tokens", in_cross=True),
        Role("duplicate", duplicate_token, 0.4, "the same token earlier"),
        Role("induction", induction, 0.4, "what came after the same token earlier"),
        Role("positional", far_offset_share, 0.9, "one fixed offset beyond the neighbours (Voita et al. 2019)"),
    )
}


@dataclass(frozen=True)
class HeadRole:
    """The role of a head: its name, its number, and what uniform attention would give."""

    name: str
    value: float
    baseline: float


def head_roles(attention: Attention, layer: int) -> tuple[HeadRole | None, ...]:
    """The role of each head of a layer, `[head]`; None for a head without one.

    Where a head fits several, the role whose value is farthest on the way from its baseline to 1. Raises
    SelectionError for a layer that was not captured.
    """
    found: list[tuple[float, HeadRole] | None] = [None] * len(attention.heads(layer))
    for role in (role for role in ROLES.values() if role.in_cross or is_one_sequence(attention)):
        uniform = float(np.nan_to_num(baseline(attention, role.measure)))
        for index, value in enumerate(role.measure(attention, layer)):
            if not value > max(role.threshold, uniform):
                continue
            margin = (float(value) - uniform) / (1 - uniform)
            if (best := found[index]) is None or margin > best[0]:
                found[index] = margin, HeadRole(role.name, float(value), uniform)
    return tuple(best and best[1] for best in found)

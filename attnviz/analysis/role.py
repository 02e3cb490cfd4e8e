"""What a head does, in one word: the name of a measure that is above a stated threshold and above its baseline."""

from collections.abc import Mapping
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
    """`offset_share` of heads that look beyond the query's neighbours, `[head]`; 0 for other heads.

    Voita et al. 2019 call a head positional if its maximum is at one fixed offset in 90 % of its rows.
    """
    return np.where(np.abs(best_offset(attention, layer)) > NEAREST, offset_share(attention, layer), 0.0)


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


def head_roles(
    attention: Attention, layer: int, baselines: Mapping[str, float] | None = None
) -> tuple[HeadRole | None, ...]:
    """The role of each head of a layer, `[head]`; None for a head without one.

    Where a head fits several, the role whose value is farthest on the way from its baseline to 1. All layers
    have the same `baselines`, those of `role_baselines`, which can be given. Raises SelectionError for a layer that was
    not captured.
    """
    known, values = baselines or role_baselines(attention), role_values(attention, layer)
    heads = range(len(attention.heads(layer)))
    return tuple(fitting_role({name: of[head] for name, of in values.items()}, known) for head in heads)


def role_values(attention: Attention, layer: int) -> dict[str, HeadValues]:
    """What the measure of each role that this kind of attention can have gives, `[head]`; nan where it does not apply.

    Raises SelectionError for a layer that was not captured.
    """
    return {role.name: role.measure(attention, layer) for role in _possible(attention)}


def role_baselines(attention: Attention) -> dict[str, float]:
    """What the measure of each of these roles gives for uniform attention; nan where it does not apply."""
    return {role.name: baseline(attention, role.measure) for role in _possible(attention)}


def fitting_role(values: Mapping[str, float], baselines: Mapping[str, float]) -> HeadRole | None:
    """The role of a head with these `values`, or None. Both are by the names of roles: see `head_roles`."""
    fitting: list[tuple[float, HeadRole]] = []
    for name, value in values.items():
        uniform = float(np.nan_to_num(baselines[name]))
        if value > max(ROLES[name].threshold, uniform):
            fitting.append(((float(value) - uniform) / (1 - uniform), HeadRole(name, float(value), uniform)))
    return max(fitting, key=lambda one: one[0])[1] if fitting else None


def _possible(attention: Attention) -> list[Role]:
    return [role for role in ROLES.values() if role.in_cross or is_one_sequence(attention)]

"""Numbers computed from a trace: one file per measure.

A measure takes an `Attention` and a layer and returns one number for each captured head of that layer, `[head]`; nan
where it does not apply, such as the previous token in cross-attention. To add one, add a file and a line in `MEASURES`.
"""

from attnviz.analysis.attention_mask import allowed_pairs
from attnviz.analysis.confidence import confidence
from attnviz.analysis.content_words import content_pairs, content_words
from attnviz.analysis.distance import distance
from attnviz.analysis.entropy import entropy, normalised_entropy
from attnviz.analysis.head_choice import HeadChoice, choose_common_head, choose_head
from attnviz.analysis.head_scores import HeadScores, score_heads
from attnviz.analysis.measure import Measure
from attnviz.analysis.offset import best_offset, offset_share
from attnviz.analysis.position import next_token, previous_token, same_token
from attnviz.analysis.role import ROLES, HeadRole, Role, head_roles
from attnviz.analysis.sink import sink
from attnviz.analysis.special_tokens import special_mass
from attnviz.analysis.strongest_link import StrongestLink, find_strongest_link
from attnviz.analysis.token_pairs import duplicate_token, induction
from attnviz.analysis.uniform_attention import baseline, uniform_attention
from attnviz.analysis.word_links import content_peak

MEASURES: dict[str, Measure] = {
    "entropy": entropy,
    "normalised entropy": normalised_entropy,
    "distance": distance,
    "previous": previous_token,
    "next": next_token,
    "self": same_token,
    "sink": sink,
    "special": special_mass,
    "duplicate": duplicate_token,
    "induction": induction,
    "confidence": confidence,
    "offset": best_offset,
    "offset share": offset_share,
    "content": content_peak,
}

__all__ = [
    "MEASURES",
    "ROLES",
    "HeadChoice",
    "HeadRole",
    "HeadScores",
    "Measure",
    "Role",
    "StrongestLink",
    "allowed_pairs",
    "baseline",
    "best_offset",
    "choose_common_head",
    "choose_head",
    "confidence",
    "content_pairs",
    "content_peak",
    "content_words",
    "distance",
    "duplicate_token",
    "entropy",
    "find_strongest_link",
    "head_roles",
    "induction",
    "next_token",
    "normalised_entropy",
    "offset_share",
    "previous_token",
    "same_token",
    "score_heads",
    "sink",
    "special_mass",
    "uniform_attention",
]

"""Numbers out of a trace: one file a measure.

A measure takes an `Attention` and a layer and gives one number for each head that was captured in that layer, `[head]`;
nan where it does not apply, as the previous token in cross-attention. A new one is a file, and a line in `MEASURES`.
"""

from attnviz.analysis.choice import Choice, choose
from attnviz.analysis.content import content_pairs, content_peak, content_words
from attnviz.analysis.distance import distance
from attnviz.analysis.entropy import entropy, normalised_entropy
from attnviz.analysis.offset import best_offset, offset_share
from attnviz.analysis.position import next_token, previous_token, same_token
from attnviz.analysis.reach import reach
from attnviz.analysis.sink import sink
from attnviz.analysis.special import special_mass
from attnviz.analysis.strongest import Pair, strongest
from attnviz.analysis.whole import Measure

MEASURES: dict[str, Measure] = {
    "entropy": entropy,
    "normalised entropy": normalised_entropy,
    "distance": distance,
    "previous": previous_token,
    "next": next_token,
    "self": same_token,
    "sink": sink,
    "special": special_mass,
    "offset": best_offset,
    "offset share": offset_share,
    "content": content_peak,
}

__all__ = [
    "MEASURES",
    "Choice",
    "Measure",
    "Pair",
    "best_offset",
    "choose",
    "content_pairs",
    "content_peak",
    "content_words",
    "distance",
    "entropy",
    "next_token",
    "normalised_entropy",
    "offset_share",
    "previous_token",
    "reach",
    "same_token",
    "sink",
    "special_mass",
    "strongest",
]

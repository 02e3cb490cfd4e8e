"""One step of attention, number by number: from the query and the keys of one head to what it adds to its layer.

Each array follows from the ones before it (Vaswani et al. 2017, section 3.2):

    dots = K q    scaled = cap(scale · dots)    scores = scaled + the terms    weights = softmax(scores)
    result = Σ_j weights_j v_j    added = result W_O
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attnviz.attention import Attention, Trace
from attnviz.attention.projections import MASK
from attnviz.errors import SelectionError
from attnviz.head_names import head_name

Numbers = NDArray[np.float64]
"""`[key]`, or a vector `[d]`."""


@dataclass(frozen=True, eq=False)
class AttentionStep:
    """What head `head` of layer `layer` does for one `query`, a row of `attention`.

    `read` `[d]` is what the query is projected from, and `added` `[d]` what the head adds to the output of its layer;
    both are None if the model does not show them. `lengths` are those of what each captured head of the layer adds.
    `query_vector` is `[d_k]`, `keys` `[key, d_k]`, `values` `[key, d_v]`, `result` `[d_v]`; the others are `[key]`.
    `is_rotated` says that queries and keys were turned by their positions. `sink` is the weight of a learned sink.
    """

    attention: Attention
    layer: int
    head: int
    query: int
    query_vector: Numbers
    keys: Numbers
    dots: Numbers
    scale: float
    softcap: float | None
    scaled: Numbers
    terms: Mapping[str, Numbers]
    scores: Numbers
    weights: Numbers
    sink: float
    values: Numbers
    result: Numbers
    read: Numbers | None
    added: Numbers | None
    lengths: Numbers | None
    is_rotated: bool
    heads_of_keys: tuple[int, ...]

    def __repr__(self) -> str:
        name, key = head_name(self.layer, self.head), self.attention.keys[self.attention.columns[self.top][0]]
        return f"<AttentionStep of {name}, row {self.query}: most on {key.text!r}, {self.weights[self.top]:.3f}>"

    @property
    def products(self) -> Numbers:
        """The products of the dimensions of the query and of each key, `[key, d_k]`; their sums are `dots`."""
        return self.query_vector * self.keys

    @property
    def weighted(self) -> Numbers:
        """Each value times its weight, `[key, d_v]`; their sum is `result`."""
        return self.weights[:, None] * self.values

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """The keys that the query may not see, `[key]`."""
        none = np.zeros(len(self.weights), bool)
        return np.isneginf(self.terms[MASK]) if MASK in self.terms else none

    @property
    def top(self) -> int:
        """The key with the largest weight."""
        return int(self.weights.argmax())


def attention_step(trace: Trace, kind: str, layer: int, head: int, query: int) -> AttentionStep:
    """The step of a head for row `query` of `kind`.

    Raises SelectionError for a layer, a head or a row that is not there, and where the trace does not have the queries
    and keys of the layer.
    """
    a = trace[kind]
    heads = a.heads(layer)
    a.matrix(layer, head)
    if not 0 <= query < len(a.rows):
        raise SelectionError(f"there is no row {query}", f"Rows: 0-{len(a.rows) - 1}.")
    if layer not in a.projections:
        message = f"the trace does not have the queries and keys of layer {layer}"
        hint = f"Trace the text again with them: attnviz trace TEXT --neurons {layer} -o neurons.safetensors"
        raise SelectionError(message, hint)
    one, index = a.projections[layer], heads.index(head)
    weights, values = one.weights(index, query), one.values[index].astype(np.float64)
    added = None if one.added is None else one.added[:, query].astype(np.float64)
    groups = a.groups.get(layer, ())
    return AttentionStep(
        attention=a,
        layer=layer,
        head=head,
        query=query,
        query_vector=one.queries[index, query].astype(np.float64),
        keys=one.keys[index].astype(np.float64),
        dots=one.products(index, query).sum(-1),
        scale=one.scale,
        softcap=one.softcap,
        scaled=one.scaled(index, query),
        terms={name: one.term(name, index, query) for name in one.terms},
        scores=one.scores(index, query),
        weights=weights,
        sink=0.0 if one.sinks is None else float(1 - weights.sum()),
        values=values,
        result=weights @ values,
        read=None if one.read is None else one.read[query].astype(np.float64),
        added=None if added is None else added[index],
        lengths=None if added is None else np.linalg.norm(added, axis=-1),
        is_rotated=one.unrotated_queries is not None,
        heads_of_keys=tuple(other for other, group in zip(heads, groups, strict=False) if group == groups[index]),
    )

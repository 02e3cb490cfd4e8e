"""The table of methods: what a picture, a ranking of heads or a list of sources counts attention by."""

from collections.abc import Sequence
from dataclasses import replace

from attnviz.analysis.flow import attention_flow
from attnviz.analysis.layer_mix import combine_layers
from attnviz.analysis.method import Method, Progress
from attnviz.analysis.rollout import attention_rollout
from attnviz.analysis.value_norm import by_value_norms
from attnviz.attention import Trace
from attnviz.errors import SelectionError

RAW, NORM, GRADIENT = "raw", "norm", "gradient"
METHOD = "method"
"""The key under which the provenance of a trace names the method that made its numbers; weights have none."""
_MIX = "half the mean of the heads + half the identity"


def _of_run(trace: Trace, layer: int | None, progress: Progress | None) -> Trace:
    """A trace that already holds relevance by gradients, which only a running model gives."""
    if trace.provenance.get(METHOD) == GRADIENT:
        return trace
    raise SelectionError(
        "method gradient is computed while a model runs, and this trace holds no gradients",
        "Run the text again: attnviz plot TEXT -m NAME --method gradient",
    )


def _raw(trace: Trace, layer: int | None, progress: Progress | None) -> Trace:
    return trace


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(RAW, "attention weights", "", "attention weight", "what each head gives each key", _raw),
        Method(
            "rollout",
            "attention rollout",
            "Abnar & Zuidema 2020",
            "rollout",
            f"the product, layer by layer, of {_MIX}, so that a row says from which tokens of the text it is mixed",
            lambda *given: combine_layers("rollout", attention_rollout, *given),
            combines=True,
        ),
        Method(
            "flow",
            "attention flow",
            "Abnar & Zuidema 2020",
            "flow",
            "the maximum flow from a token of the last layer to each token of the text, where a link has the capacity "
            f"{_MIX}; each row divided by its sum",
            lambda *given: combine_layers("flow", attention_flow, *given),
            combines=True,
        ),
        Method(
            NORM,
            "value-weighted attention",
            "Kobayashi et al. 2020",
            "value-weighted share",
            "each weight times the norm of what its head adds for the key, each row of a head divided by its sum",
            lambda trace, layer, progress: by_value_norms(trace),
            needs="value norms",
        ),
        Method(
            GRADIENT,
            "gradient × attention",
            "Chefer et al. 2021",
            "share of the relevance",
            "how much the score of the token that a row writes rests on each token: R grows by A · R in every layer, "
            "where A is the mean over heads of gradient × weight, where that is above 0; each row divided by its sum",
            _of_run,
            combines=True,
            needs="gradients",
        ),
    )
}


def method_named(name: str) -> Method:
    """The method with that name. Raises SelectionError for an unknown one."""
    if not isinstance(name, str) or name not in METHODS:
        raise SelectionError(f"method cannot be {name!r}", f"Methods: {', '.join(METHODS)}.")
    return METHODS[name]


def apply_method(name: str, trace: Trace, layer: int | None = None, progress: Progress | None = None) -> Trace:
    """`trace` with the numbers of a method in place of weights, and the method's name in its provenance.

    A method that combines layers takes those up to `layer`, which below 0 counts from the end. Raises SelectionError
    for an unknown method, and for a trace that lacks what the method needs.
    """
    method = method_named(name)
    made = method.apply(trace, layer, progress)
    return made if name == RAW else replace(made, provenance={**made.provenance, METHOD: name})


def last_layer(name: str, layers: Sequence[int] | None, heads: object) -> int | None:
    """The one of the named `layers` up to which a method that combines layers takes them; None if nobody named one.

    None for other methods too. Raises SelectionError for an unknown method, for several layers, and if `heads` were
    named: all heads count.
    """
    if not method_named(name).combines:
        return None
    if METHODS[name].needs == "gradients" and (layers or heads):
        raise SelectionError(f"method {name} combines all heads of all layers", "Leave out --layer and --head.")
    if heads:
        raise SelectionError(
            f"method {name} combines all heads of all layers up to one, and heads were named",
            "Leave out --head; a layer can be named: --layer 3.",
        )
    if layers is not None and len(layers) != 1:
        raise SelectionError(
            f"method {name} combines all layers up to one, and {len(layers)} were named", "Name the last: --layer 3."
        )
    return None if layers is None else layers[0]


def method_of(trace: Trace) -> Method:
    """The method that made the numbers of `trace`."""
    return METHODS[trace.provenance.get(METHOD, RAW)]

"""The target of a trace as every output shows it: marked where the model is not sure of what it wrote."""

from attnviz.attention import Trace

UNSURE = "not sure"
"""The entry of a trace's provenance that says why the model is not sure of its target; it is there only then."""


def mark_unsure(target: str) -> str:
    """`target`, marked as something that the model does not stand by."""
    return f"(not sure: {target})"


def shown_target(trace: Trace) -> str | None:
    """The target of `trace`, marked where the model wrote it and is not sure of it.

    `trace.target` itself is never marked: the spans of its tokens are ranges of it.
    """
    return mark_unsure(trace.target) if trace.target is not None and UNSURE in trace.provenance else trace.target

"""Title and caption for the sources of an answer: what is shown, what the numbers mean, and what they do not mean."""

from attnviz.analysis.answer_sources import AnswerSources
from attnviz.analysis.methods import METHODS, NORM, RAW
from attnviz.analysis.source_mass import RECENT, SINK_ABOVE
from attnviz.analysis.source_segments import OTHER
from attnviz.attention import Trace
from attnviz.labels import visible
from attnviz.render.plan import text_ends, title_of
from attnviz.render.weight_format import format_share

SHARE_MEANING = "share: the part of the mass that is left, over all rows that write the answer"
_UNIFORM = "uniform: that part if heads gave all tokens left the same weight"
_UNIFORM_OF_ALL = "uniform: that part of the {} of uniform attention, in which the mask alone favours the first tokens"
VALUE_WEIGHTED = (
    "value-weighted attention (Kobayashi et al. 2020): a weight counts times the norm of what its head adds for that"
    " token, so that a head counts by what it adds"
)
OTHER_MEANING = f"{OTHER}: the tokens between segments"
QUESTION_MEANING = "question: the share in the rows of the question"
NOT_ATTRIBUTION = "Attention is not attribution: the model may look at a token and write something for another reason"


def title_of_sources(trace: Trace, found: AnswerSources) -> str:
    """The prompt in one line, or its first and last words, and the answer."""
    if found.kind == "cross" or "chat" in trace.provenance:
        return title_of(trace)
    prompt, _, _ = trace.text.rpartition(found.answer)
    return visible(" → ".join(text_ends(" ".join(text.split())) for text in (prompt, found.answer)))


def heading_of(found: AnswerSources) -> str:
    """Which part of the answer or of the prompt is shown, and by which method; "" if all is shown, by weights."""
    words = " ".join(visible(one.text) for one in found.written)
    token = "" if found.token is None else f"only what wrote {words}"
    segment = "" if found.segment is None else f"only sources in {visible(found.segment)}"
    method = "" if found.method == RAW else METHODS[found.method].title
    return "; ".join(part for part in (method, token, segment) if part)


def caption_of(found: AnswerSources, has_question: bool) -> str:
    """The number of heads, the mass that was set aside, and what the numbers mean.

    `has_question` is whether the shares in the rows of the question are shown.
    """
    method = METHODS[found.method]
    how = f"{method.quantity} of" if method.combines else "sum over" if found.method == NORM else "mean over"
    by_gradients = method.needs == "gradients"
    counted_heads = f"{how} {found.heads} heads" if found.heads != 1 else "one head"
    heads = f"{method.title} of all heads" if by_gradients else counted_heads
    first = "the first token, " if found.kind == "masked-self" else ""
    large = "" if by_gradients else f", and those that take more than {SINK_ABOVE:.0%} from most rows of a head"
    aside = f"set aside: {format_share(found.sinks)} to sinks ({first}special tokens{large})"
    recent = f" and {format_share(found.recent)} to each row's own last {RECENT} tokens" if found.recent else ""
    left = "" if found.shares else ". Nothing is left, and no share can be given"
    counted = {RAW: [], NORM: [VALUE_WEIGHTED]}.get(found.method, [method.description])
    uniform = _UNIFORM_OF_ALL.format(method.quantity) if method.combines and not by_gradients else _UNIFORM
    question = [QUESTION_MEANING] if has_question else []
    other = [OTHER_MEANING] if any(one.name == OTHER for one in found.shares) else []
    parts = [f"{heads}; {aside}{recent}{left}", *counted, SHARE_MEANING, f"{uniform}; ×: how many times as much"]
    return ". ".join([*parts, *question, *other, NOT_ATTRIBUTION]) + "."

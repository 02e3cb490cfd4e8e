"""The keys of each segment of a prompt: context files, parts between marks, roles of a chat, or paragraphs."""

from collections.abc import Sequence
from dataclasses import replace

from attnviz.attention import Attention, Trace
from attnviz.segments import USER, Segment, chat_roles, locate_texts, split_text

SO_FAR, QUESTION, PROMPT = "the answer so far", "the question", "the prompt"
OTHER = "other"
"""The keys in no segment: text of a chat template around a message, white space between paragraphs."""

RESERVED = (SO_FAR, QUESTION, PROMPT, OTHER)
"""Names of segments that no context can have."""


def keys_by_segment(
    trace: Trace, attention: Attention, own: Sequence[int], contexts: Sequence[tuple[str, str]], split: str | None
) -> dict[str, list[int]]:
    """The keys of each segment by its name, in the order of the text; then OTHER, and the answer's `own` as SO_FAR.

    The segments are the `contexts`, (name, text), that were put before the question, and the QUESTION; or the parts
    between marks `split`; or the roles of a chat; or paragraphs. If no token has a place in the text, all keys are the
    PROMPT.
    """
    keys = attention.keys
    end = min((span[0] for index in own if (span := keys[index].span)), default=len(trace.text))
    parts = _parts(trace, attention, end, contexts, split)
    found: dict[str, list[int]] = {part.name: [] for part in parts}
    others: list[int] = []
    for index in sorted(set(range(len(keys))) - set(own)):
        span = keys[index].span
        inside = next((part for part in parts if span and part.start <= span[0] < part.end), None)
        (found[inside.name] if inside else others).append(index)
    ends = {OTHER if any(found.values()) else PROMPT: others, SO_FAR: sorted(own)}
    return {name: of for name, of in {**found, **ends}.items() if of}


def question_keys(segments: dict[str, list[int]]) -> set[int]:
    """The keys of the question, which is the last segment of a prompt; none if there is only one segment."""
    named = [name for name in segments if name not in (OTHER, SO_FAR)]
    return set(segments[named[-1]]) if len(named) > 1 else set()


def _parts(
    trace: Trace, attention: Attention, end: int, contexts: Sequence[tuple[str, str]], split: str | None
) -> list[Segment]:
    """The segments of the prompt, which ends at character `end`."""
    text, message = trace.text[:end], trace.provenance.get("chat")
    if message is None:
        return _divided(text, contexts, split)
    marks = [token.span for token in attention.keys if token.special and token.span and token.span[1] <= end]
    roles = chat_roles(text, message, marks)
    user = next((role for role in roles if role.name == USER), None)
    if user is None or not (contexts or split):
        return roles
    within = _divided(text[user.start : user.end], contexts, split)
    moved = [replace(part, start=part.start + user.start, end=part.end + user.start) for part in within]
    return sorted([*(role for role in roles if role is not user), *moved], key=lambda part: part.start)


def _divided(text: str, contexts: Sequence[tuple[str, str]], split: str | None) -> list[Segment]:
    """The segments of `text`: the `contexts` and the question after them, or the parts that `split_text` finds."""
    if not contexts:
        return split_text(text, split)
    found = locate_texts(text, contexts)
    end = found[-1].end if found else 0
    start = len(text) - len(text[end:].lstrip())
    return [*found, Segment(QUESTION, start, len(text))] if start < len(text) else found

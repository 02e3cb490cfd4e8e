"""The segments of a text: paragraphs, parts between marks, texts that were put together, the roles of a chat."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attnviz.errors import SelectionError

NAME = 32
"""The most characters in the name of a segment that is called by its first words."""
USER = "user"
_ROLE = re.compile(r"\s*(system|developer|user|assistant|model|tool)\s*(?:\n|$)", re.IGNORECASE)
"""How a chat template names the speaker: alone on a line, or alone between two special tokens."""
_BLANK_LINE, _SENTENCE = r"\n\s*\n", r"(?<=[.!?。！？])\s+"


@dataclass(frozen=True)
class Segment:
    """The characters of a text from `start` up to, not including, `end`, under a name."""

    name: str
    start: int
    end: int


def split_text(text: str, marker: str | None = None) -> list[Segment]:
    """The parts of `text` between marks; without a `marker` its paragraphs, or its sentences if there is one paragraph.

    The name of a part is its number and its first words. Raises SelectionError for a marker that is not in the text.
    """
    if marker is not None:
        if not marker or marker not in text:
            raise SelectionError(
                f"{marker!r} does not stand in the prompt", "Split it at a mark that does, or at none."
            )
        return _named(text, re.escape(marker))
    paragraphs = _named(text, _BLANK_LINE)
    return paragraphs if len(paragraphs) > 1 else _named(text, _SENTENCE)


def locate_texts(text: str, parts: Sequence[tuple[str, str]]) -> list[Segment]:
    """The places of `parts`, (name, content), in `text`, in order; a part that is not there is left out."""
    found, end = [], 0
    for name, content in parts:
        start = text.find(content, end)
        if content and start >= 0:
            end = start + len(content)
            found.append(Segment(name, start, end))
    return found


def chat_roles(text: str, message: str, marks: Sequence[tuple[int, int]]) -> list[Segment]:
    """The segments of `text`, which a chat template made of a user's `message`, named by the roles of the speakers.

    `marks` are the characters of special tokens. The user's segment is the message itself; another segment is the text
    between two marks that follows the name of a role. If the template names no roles, there is only the user's segment.
    """
    content = message.strip()
    start = text.rfind(content)
    found = [] if start < 0 else [Segment(USER, start, start + len(content))]
    role = None
    for begin, end in _between(marks, len(text)):
        if any(part.start < end and begin < part.end for part in found if part.name == USER):
            role = None
            continue
        if match := _ROLE.match(text, begin, end):
            role, begin = match[1].lower(), match.end()
        if role is not None and text[begin:end].strip():
            found.append(Segment(role, begin, end))
            role = None
    return sorted(found, key=lambda part: part.start)


def _between(marks: Sequence[tuple[int, int]], length: int) -> Iterator[tuple[int, int]]:
    """The ranges between `marks` in a text of `length` characters."""
    start = 0
    for mark, end in [*sorted(marks), (length, length)]:
        if start < mark:
            yield start, mark
        start = max(start, end)


def _named(text: str, boundary: str) -> list[Segment]:
    return [
        Segment(f"{number} {_first_words(text[start:end])}", start, end)
        for number, (start, end) in enumerate(_parts(text, boundary), 1)
    ]


def _parts(text: str, boundary: str) -> Iterator[tuple[int, int]]:
    """The parts of `text` that are not blank."""
    start = 0
    for match in [*re.finditer(boundary, text), None]:
        end = match.start() if match else len(text)
        if text[start:end].strip():
            yield start, end
        start = match.end() if match else end


def _first_words(part: str) -> str:
    words = " ".join(part.split())
    return words if len(words) <= NAME else words[: NAME - 1].rstrip() + "…"

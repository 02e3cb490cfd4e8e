"""The order of the pieces of a line of text that runs from right to left, or in both directions.

This is the Unicode Bidirectional Algorithm (UAX #9) for text without direction marks, which labels show as symbols. The
renderer orders the letters within a piece.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby

_RIGHT = ("R", "AL")
_STRONG = ("L", *_RIGHT)
_NUMBERS = ("EN", "AN")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "⟨": "⟩"}


def runs_left(text: str) -> bool:
    """Whether letters of `text` run from right to left."""
    return not text.isascii() and any(unicodedata.bidirectional(char) in _RIGHT for char in text)


def base_level(texts: Iterable[str]) -> int | None:
    """1 where the first letter of `texts` runs from right to left, 0 where it does not, None where there is none."""
    strong = (kind for text in texts for char in text if (kind := unicodedata.bidirectional(char)) in _STRONG)
    return next((int(kind in _RIGHT) for kind in strong), None)


def levels(text: str, base: int) -> list[int]:
    """The level of each character of a paragraph with level `base`: odd where it runs from right to left."""
    outside = "R" if base else "L"
    kinds = _weak([unicodedata.bidirectional(char) for char in text], outside)
    kinds = _neutral(_bracketed(text, kinds, outside), outside)
    return [{"L": 2 * base, "R": 1}.get(kind, 2) for kind in kinds]


def visual_order(depths: Sequence[int]) -> list[int]:
    """The indices of the pieces of a line, from left to right, by their levels (rule L2)."""
    order = list(range(len(depths)))
    for level in range(max(depths, default=0), 0, -1):
        deep = [(piece, depths[piece] >= level) for piece in order]
        runs = [(is_deep, [piece for piece, _ in run]) for is_deep, run in groupby(deep, key=lambda one: one[1])]
        order = [piece for is_deep, run in runs for piece in (reversed(run) if is_deep else run)]
    return order


def _weak(kinds: Sequence[str], outside: str) -> list[str]:
    """Kinds after the rules W1 to W7: a mark takes the kind of its letter, a number that of the text around it."""
    found: list[str] = []
    for kind in kinds:
        found.append((found[-1] if found else outside) if kind == "NSM" else kind)
    found = ["AN" if kind == "EN" and strong == "AL" else kind for kind, strong in _after_strong(found, outside)]
    found = ["R" if kind == "AL" else kind for kind in found]
    for index in range(1, len(found) - 1):
        before, kind, after = found[index - 1 : index + 2]
        if before == after and ((kind == "CS" and before in _NUMBERS) or (kind == "ES" and before == "EN")):
            found[index] = before
    for direction in (1, -1):  # signs such as % go with a number on either side
        found = found[::direction]
        for index in range(1, len(found)):
            found[index] = "EN" if found[index] == "ET" and found[index - 1] == "EN" else found[index]
        found = found[::direction]
    return ["L" if kind == "EN" and strong == "L" else kind for kind, strong in _after_strong(found, outside)]


def _after_strong(kinds: Sequence[str], outside: str) -> list[tuple[str, str]]:
    """Each kind with the last strong kind (that of a letter) up to it."""
    pairs, last = [], outside
    for kind in kinds:
        last = kind if kind in _STRONG else last
        pairs.append((kind, last))
    return pairs


def _bracketed(text: str, kinds: list[str], outside: str) -> list[str]:
    """Kinds after rule N0: brackets run as the text in them, or as the text before where that is the same way."""
    for start, end in _pairs(text, kinds):
        inside = {_direction(kind) for kind in kinds[start + 1 : end]} - {None}
        before = next((direction for kind in reversed(kinds[:start]) if (direction := _direction(kind))), outside)
        if inside:
            kinds[start] = kinds[end] = before if inside == {before} else outside
    return kinds


def _pairs(text: str, kinds: Sequence[str]) -> list[tuple[int, int]]:
    """The indices of brackets that belong together, ordered by the opening one."""
    pairs, opened = [], []
    for index, char in enumerate(text):
        if kinds[index] != "ON":
            continue
        if char in _BRACKETS:
            opened.append(index)
        elif found := [start for start in opened if _BRACKETS[text[start]] == char]:
            pairs.append((found[-1], index))
            del opened[opened.index(found[-1]) :]
    return sorted(pairs)


def _neutral(kinds: Sequence[str], outside: str) -> list[str]:
    """Kinds after the rules N1 and N2: a neutral character runs as both its neighbours, or else as the paragraph."""
    runs = [(direction, len(list(run))) for direction, run in groupby(kinds, key=_direction)]
    found: list[str] = []
    for index, (direction, count) in enumerate(runs):
        if direction is None:
            before, after = (runs[i][0] if 0 <= i < len(runs) else outside for i in (index - 1, index + 1))
            found += [before if before and before == after else outside] * count
        else:
            found += kinds[len(found) : len(found) + count]
    return found


def _direction(kind: str) -> str | None:
    """`L` or `R`, which includes numbers; None for a neutral character."""
    return "L" if kind == "L" else "R" if kind in ("R", *_NUMBERS) else None

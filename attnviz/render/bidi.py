"""Text that runs from right to left, or both ways: in which order its pieces stand on a line.

This is the Unicode Bidirectional Algorithm (UAX #9) for text without marks of direction, which labels write out. The
letters within a piece are ordered by what draws them.
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
    """The level of each character of a paragraph: odd where it runs from right to left. `base` is that of them all."""
    outside = "R" if base else "L"
    kinds = _weak([unicodedata.bidirectional(char) for char in text], outside)
    kinds = _neutral(_bracketed(text, kinds, outside), outside)
    return [{"L": 2 * base, "R": 1}.get(kind, 2) for kind in kinds]


def visual_order(depths: Sequence[int]) -> list[int]:
    """The pieces of a line, which have those levels, from left to right (rule L2)."""
    order = list(range(len(depths)))
    for level in range(max(depths, default=0), 0, -1):
        deep = [(piece, depths[piece] >= level) for piece in order]
        runs = [(is_deep, [piece for piece, _ in run]) for is_deep, run in groupby(deep, key=lambda one: one[1])]
        order = [piece for is_deep, run in runs for piece in (reversed(run) if is_deep else run)]
    return order


def _weak(kinds: Sequence[str], outside: str) -> list[str]:
    """Marks as what they stand on, and numbers with the signs in them as what they stand beside (rules W1 to W7)."""
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
    """Each kind with that of the last letter up to it."""
    pairs, last = [], outside
    for kind in kinds:
        last = kind if kind in _STRONG else last
        pairs.append((kind, last))
    return pairs


def _bracketed(text: str, kinds: list[str], outside: str) -> list[str]:
    """Brackets as the letters in them, or where these run against the paragraph as those before them (rule N0)."""
    for start, end in _pairs(text, kinds):
        inside = {_direction(kind) for kind in kinds[start + 1 : end]} - {None}
        before = next((way for kind in reversed(kinds[:start]) if (way := _direction(kind))), outside)
        if inside:
            kinds[start] = kinds[end] = before if inside == {before} else outside
    return kinds


def _pairs(text: str, kinds: Sequence[str]) -> list[tuple[int, int]]:
    """The brackets that belong together, by where they begin."""
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
    """What has no direction of its own as both its neighbours, or else as the paragraph (rules N1 and N2)."""
    runs = [(way, len(list(run))) for way, run in groupby(kinds, key=_direction)]
    found: list[str] = []
    for index, (way, count) in enumerate(runs):
        if way is None:
            before, after = (runs[i][0] if 0 <= i < len(runs) else outside for i in (index - 1, index + 1))
            found += [before if before and before == after else outside] * count
        else:
            found += kinds[len(found) : len(found) + count]
    return found


def _direction(kind: str) -> str | None:
    """L or R, as which numbers count too; None for what has none."""
    return "L" if kind == "L" else "R" if kind in ("R", *_NUMBERS) else None

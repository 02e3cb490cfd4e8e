"""Tokens as running text: the line and the position of each, from its width in any unit."""

import re
from collections.abc import Sequence
from itertools import chain, groupby, pairwise

from attnviz.attention import Token
from attnviz.labels import visible
from attnviz.render.bidi import base_level, levels, runs_left, visual_order

Places = list[tuple[int, float]]
"""The line and the left edge of each piece."""
_RIGHT_TO_LEFT, _OBJECT = "\N{RIGHT-TO-LEFT MARK}", "\N{OBJECT REPLACEMENT CHARACTER}"
_SIGNS = re.compile("⟨[^⟩]*⟩|[₀-₉]")
"""In labels: names of invisible characters, and numbers of parts. These letters and digits are not part of the text."""


def follows_without_space(tokens: Sequence[Token]) -> list[bool]:
    """Whether each token follows the one before it without a space."""
    ends = [None, *(token.span and token.span[1] for token in tokens)]
    return [token.span is not None and token.span[0] == end for token, end in zip(tokens, ends, strict=False)]


def running(tokens: Sequence[Token], text: str = "") -> str:
    """`tokens` in one line: as in `text`; or joined one by one, without a `text` or where one has no place in it."""
    spans = [token.span for token in tokens if token.span]
    if text and len(spans) == len(tokens):
        return visible(text[spans[0][0] : spans[-1][1]].strip(" "))
    spaces = ["" if joins else " " for joins in follows_without_space(tokens)]
    return "".join(space + visible(token.text) for space, token in zip(spaces, tokens, strict=True)).strip()


def line_ends(tokens: Sequence[Token], text: str) -> list[int]:
    """How many lines of `text` end between each of its tokens and the one before."""
    ends, last = [], 0
    for token in tokens:
        start = last if token.span is None else token.span[0]
        ends.append(text.count("\n", last, start))
        last = max(last, start)
    return ends


def flow(
    widths: Sequence[float], joined: Sequence[bool], limit: float, space: float, ends: Sequence[int] = ()
) -> Places:
    """The line and the left edge of each piece, in lines of at most `limit`, with `space` between words.

    `joined` pieces continue a word, which is broken only if it is longer than a line. `ends` says how many lines of the
    text end before each piece: one starts a new line, more also leave an empty line.
    """
    ends = ends or [0] * len(widths)
    starts = [index for index, joins in enumerate(joined) if not joins or index == 0 or ends[index]]
    places: Places = []
    line, x = 0, 0.0
    for start, stop in zip(starts, [*starts[1:], len(widths)], strict=True):
        if start and ends[start]:
            line, x = line + min(ends[start], 2), 0.0
        elif x and x + sum(widths[start:stop]) > limit:
            line, x = line + 1, 0.0
        for width in widths[start:stop]:
            if x and x + width > limit:
                line, x = line + 1, 0.0
            places.append((line, x))
            x += width
        x += space
    return places


def directed(
    places: Places,
    widths: Sequence[float],
    tokens: Sequence[Token],
    labels: Sequence[str],
    ends: Sequence[int] = (),
) -> tuple[Places, list[str]]:
    """`places` of `flow`, reordered by the direction of each paragraph; and `labels`, marked where brackets mirror.

    A paragraph whose first letter runs from right to left begins at the right. Special tokens do not count for that.
    """
    found, marked, texts = list(places), list(labels), [_SIGNS.sub(_sign, visible(token.text)) for token in tokens]
    if not any(map(runs_left, texts)):
        return found, marked
    right = max(x + width for (_, x), width in zip(places, widths, strict=True))
    starts = [index for index in range(len(tokens)) if index == 0 or (ends and ends[index])]
    for start, stop in zip(starts, [*starts[1:], len(tokens)], strict=True):
        own = [text for text, token in zip(texts[start:stop], tokens[start:stop], strict=True) if not token.special]
        base = next((level for some in (own, texts) if (level := base_level(some)) is not None), 0)
        spaces, within = _levels(texts[start:stop], follows_without_space(tokens[start:stop]), base)
        for index, level in enumerate(within, start):
            marked[index] = _RIGHT_TO_LEFT * (level % 2 and base_level([labels[index]]) is None) + labels[index]
        lines = groupby(range(start, stop), key=lambda index: places[index][0])
        for line, pieces in lines:
            here = list(pieces)
            first = here[0] - start
            depths = [*chain(*zip(spaces[first:], within[first : first + len(here)], strict=False))][1:]
            gaps = [places[b][1] - places[a][1] - widths[a] for a, b in pairwise(here)]
            sizes = [*chain(*zip([0.0, *gaps], (widths[index] for index in here), strict=True))][1:]
            edges = _edges(depths, sizes, right - sum(sizes) if base else 0.0)
            found[here[0] : here[-1] + 1] = [(line, x) for x in edges[::2]]
    return found, marked


def _levels(texts: Sequence[str], joined: Sequence[bool], base: int) -> tuple[list[int], list[int]]:
    """The level of the space before each text of a paragraph, and the level of each text: that of its first letter."""
    line, starts = "", []
    for text, joins in zip(texts, joined, strict=True):
        line += "" if joins or not line else " "
        starts.append(len(line))
        line += text
    found = [base, *levels(line, base)]
    within = []
    for start, text in zip(starts, texts, strict=True):
        letter = next((index for index, char in enumerate(text) if base_level([char]) is not None), None)
        own = found[start + 1 : start + 1 + len(text)]
        within.append(min(own, default=base) if letter is None else own[letter])
    return [found[start] for start in starts], within


def _sign(match: re.Match[str]) -> str:
    """What replaces a sign that is not part of the text while directions are computed: an object, or nothing."""
    return _OBJECT if match[0].startswith("⟨") else ""


def _edges(depths: Sequence[int], sizes: Sequence[float], x: float) -> list[float]:
    """The left edge of each piece of one line, from their levels and sizes; the leftmost is at `x`."""
    edges = [0.0] * len(sizes)
    for index in visual_order(depths):
        edges[index] = x
        x += sizes[index]
    return edges

"""Tokens as running text: where each stands, by its width, in any unit."""

from collections.abc import Sequence

from attnviz.attention import Token
from attnviz.labels import visible


def glued(tokens: Sequence[Token]) -> list[bool]:
    """For each token whether it follows the one before without a space."""
    ends = [None, *(token.span and token.span[1] for token in tokens)]
    return [token.span is not None and token.span[0] == end for token, end in zip(tokens, ends, strict=False)]


def running(tokens: Sequence[Token], text: str = "") -> str:
    """`tokens` in one line: as they stand in `text`, or where it is not given, or one is not in it, one by one."""
    spans = [token.span for token in tokens if token.span]
    if text and len(spans) == len(tokens):
        return visible(text[spans[0][0] : spans[-1][1]].strip(" "))
    spaces = ["" if joins else " " for joins in glued(tokens)]
    return "".join(space + visible(token.text) for space, token in zip(spaces, tokens, strict=True)).strip()


def line_ends(tokens: Sequence[Token], text: str) -> list[int]:
    """For each token how many lines of `text`, which they are in, end between it and the one before."""
    ends, last = [], 0
    for token in tokens:
        start = last if token.span is None else token.span[0]
        ends.append(text.count("\n", last, start))
        last = max(last, start)
    return ends


def flow(
    widths: Sequence[float], joined: Sequence[bool], limit: float, space: float, ends: Sequence[int] = ()
) -> list[tuple[int, float]]:
    """The line and the left edge of each piece, in lines of at most `limit`, with `space` between words.

    `joined` pieces are parts of a word, which is broken only where it is longer than a line. `ends` says how many lines
    end before each piece: after one another begins, after more stands an empty one.
    """
    ends = ends or [0] * len(widths)
    starts = [at for at, joins in enumerate(joined) if not joins or at == 0 or ends[at]]
    places: list[tuple[int, float]] = []
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

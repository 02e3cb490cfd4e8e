"""Tokens as lines of running text in a picture: the width and the position of each."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import Transform

from attnviz.attention import Token
from attnviz.render.picture.text_style import TextStyle
from attnviz.render.picture.typesetting import POINT
from attnviz.render.text_layout import directed, flow, follows_without_space, line_ends

LONGEST = 3.0
"""The longest token, in inches, if labels have the usual size."""
TOKEN_HEIGHT = 1.57
"""The height of a token's background, in sizes of its letters."""
SPACE = 0.07
"""The space between words, in inches, if labels have the usual size."""
FRAMES = {"query": (1.8, "solid"), "other": (1.0, (0, (2, 1.5)))}
"""The line width, in points, and the dashes of the frames: of the query, and of the other token that its row names."""


class TokenLines:
    """`tokens` with `labels`, in lines of at most `limit` inches, with the line breaks of `text` where it is given.

    `places` are the line and the left edge of each token, `widths` the widths of their backgrounds, `least` or more,
    both in inches, and `labels` the texts as they are drawn.
    """

    def __init__(
        self,
        tokens: Sequence[Token],
        labels: Sequence[str],
        text_style: TextStyle,
        limit: float,
        text: str | None = None,
        least: float = 0.0,
    ) -> None:
        zoom = text_style.typesetting.zoom
        short = [text_style.short(label, LONGEST * zoom, limit - 0.1) for label in labels]
        self.widths = [max(text_style.width(label) + 0.08, least) for label in short]
        ends = [] if text is None else line_ends(tokens, text)
        places = flow(self.widths, follows_without_space(tokens), limit, SPACE * zoom, ends)
        self.places, self.labels = directed(places, self.widths, tokens, short, ends)
        self.token_height = TOKEN_HEIGHT * text_style.body * POINT

    @property
    def count(self) -> int:
        """The number of lines."""
        return 1 + self.places[-1][0]

    @property
    def width(self) -> float:
        """The width of the longest line, in inches."""
        return max(x + width for (_, x), width in zip(self.places, self.widths, strict=True))


def draw_box(axes: Axes, x: float, y: float, width: float, height: float, transform: Transform, **style: Any) -> None:
    """Draw a rectangle from its lower left corner, in inches of `transform`."""
    axes.add_artist(Rectangle((x, y), width, height, transform=transform, clip_on=False, **style))


def draw_frame(
    axes: Axes, x: float, y: float, width: float, height: float, transform: Transform, what: str, text_style: TextStyle
) -> None:
    """Draw a frame of FRAMES around a token, over all backgrounds."""
    stroke, dashes = FRAMES[what]
    style = {"edgecolor": text_style.ink, "linewidth": stroke, "linestyle": dashes, "zorder": 2.5}
    draw_box(axes, x, y, width, height, transform, fill=False, **style)

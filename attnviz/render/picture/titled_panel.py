"""A panel with its title above it and its caption below: where both are wrapped."""

from attnviz.render.picture.page import Page, Panel, line_height
from attnviz.render.picture.typesetting import Typesetting

COMFORTABLE = 4.5
"""Titles and captions of the usual size can widen a small picture to this many inches before they are wrapped."""
TITLE_LINES = 3
"""The most lines of a title; a longer one loses its middle."""


class TitledPanel:
    """A panel with a title above it and a caption below."""

    def __init__(
        self, inner: Panel, title: str, caption: str, typesetting: Typesetting, width: float | None = None
    ) -> None:
        self.inner, self.typesetting = inner, typesetting
        small, body, large = typesetting.small, typesetting.body, typesetting.large
        first, _, rest = title.partition("\n")
        available = width or max(inner.width, COMFORTABLE * typesetting.zoom)

        def wrapped(text: str, size: float) -> list[str]:
            return typesetting.wrapped(text, size, available) if text else []

        self.title = typesetting.title(first, large, available, TITLE_LINES) if first else []
        self.rest, self.caption = wrapped(rest, body), wrapped(caption, small)
        sized = ((self.title, large), (self.rest, body), (self.caption, small))
        used = max((typesetting.width(line, size) for lines, size in sized for line in lines), default=0.0)
        self.width = width or max(inner.width, used + 0.05)
        self.above = self._height(self.title, large) + self._height(self.rest, body) + (0.12 if title else 0)
        self.height = self.above + inner.height + self._height(self.caption, small) + (0.1 if self.caption else 0)

    @property
    def has_room(self) -> bool:
        """Whether the panel inside is no wider than this."""
        return self.inner.width <= self.width + 0.01

    def lower(self, inches: float) -> None:
        """Put the panel so much farther below its title."""
        self.above, self.height = self.above + inches, self.height + inches

    def draw(self, page: "Page", x: float, y: float) -> None:
        """Draw the title, the panel and the caption."""
        small, body, large = self.typesetting.small, self.typesetting.body, self.typesetting.large
        below = page.lines(x, y, self.title, large, color=page.theme.ink)
        page.lines(x, below, self.rest, body, color=page.theme.muted)
        self.inner.draw(page, x, y + self.above)
        page.lines(x, y + self.above + self.inner.height + 0.1, self.caption, small, color=page.theme.muted)

    @staticmethod
    def _height(lines: list[str], size: float) -> float:
        return len(lines) * line_height(size)

"""A head as text in a picture: each key in its place in the text, shaded by the weight that one query gives it."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import Transform

from attnviz.labels import visible
from attnviz.render.colours import ink
from attnviz.render.links import FAINT, require_tokens
from attnviz.render.options import PlotOptions
from attnviz.render.picture.page import Box
from attnviz.render.picture.small_multiples import Margins
from attnviz.render.picture.text_style import TextStyle, from_corner
from attnviz.render.picture.token_lines import TokenLines, draw_box, draw_frame
from attnviz.render.query import query_label, query_rows, query_weights
from attnviz.render.scale import Scale
from attnviz.render.scene import FROM, TO, Scene
from attnviz.render.weight_format import format_weight

SETTINGS = (1.3, 6.5, 20), (1.0, 7.5, 40), (0.8, 9.5, 60), (0.7, 12.0, 0)
"""The size of the text in that of labels, the width of a line in inches, and the most lines; the last has no limit."""
BAR = 1.5, 0.1
"""The width and height of the colour bar, in inches, with numbers of the usual size."""


class RunningText:
    """The heads of a scene, each in separate axes of `box` inches."""

    keeps_size = True

    def __init__(
        self, scene: Scene, scale: Scale, text_style: TextStyle, options: PlotOptions, available: Box = (None, None)
    ) -> None:
        require_tokens(scene, "text")
        self.scene, self.scale, self.small, self.annotate = scene, scale, text_style, bool(options.annotate)
        self.rows = query_rows(scene)
        zoom = text_style.typesetting.zoom
        for larger, widest, most in SETTINGS:
            limit = widest * zoom if available[0] is None else available[0]
            self.text_style = text_style.sized(text_style.body * larger)
            self._set(limit)
            if self.tokens.count <= most:
                break
        self.step = self.tokens.token_height + (text_style.line if self.annotate else 0.06)
        used = self.tokens.width
        alone = len(scene.heads) == 1  # otherwise the query is named beside the first head's name
        self.indent = 0.0 if alone else 0.6 * zoom
        self.name = text_style.short(f"{FROM}: {query_label(scene, self.rows)}", limit - self.indent)
        used = max(used, self.indent + text_style.width(self.name))
        self.decoder_text = (
            DecoderText(scene, self.rows, text_style, limit) if alone and scene.attention.kind == "cross" else None
        )
        self.down = self.decoder_text.height if self.decoder_text else 0.0
        width = max(used, self.decoder_text.width if self.decoder_text else 0.0)
        self.box = width, self.down + self.tokens.count * self.step
        self.margins = Margins(0, text_style.line + 0.06 if alone else 0.0, 0, 0.0)

    def _set(self, limit: float) -> None:
        """Set the keys in lines of at most `limit` inches, with the line breaks of the text."""
        a = self.scene.attention
        tokens, least = [a.keys[start] for start, _ in a.columns], self.small.width(".00") if self.annotate else 0.0
        self.tokens = TokenLines(tokens, self.scene.columns, self.text_style, limit, self.scene.text, least)

    @cached_property
    def _framed(self) -> dict[int, str]:
        """The frames of the columns of the query, and of the token that its row writes, if these are keys."""
        a = self.scene.attention
        if a.kind == "cross":
            return {}
        read = [a.rows[row] for row in self.rows]
        written = [(start + 1, stop + 1) for start, stop in read] if a.predicts else []
        other = {i: "other" for i, column in enumerate(a.columns) if column in written}
        return other | {i: "query" for i, column in enumerate(a.columns) if column in read}

    def legend(self, available: float) -> "ColourLegend":
        """The legend of the colours."""
        return ColourLegend(self.scale, self.small, available)

    def draw(self, axes: Axes, index: int) -> None:
        """Draw head `index` of the scene into `axes`."""
        weights, reachable = query_weights(self.scene, index, self.rows)
        parts, indices = self.scale.fractions(weights), self.scale.indices(weights)
        corner, widths, height = from_corner(axes), self.tokens.widths, self.tokens.token_height
        axes.set_axis_off()
        if index == 0:
            self.small.text(axes, self.indent, 0.06, self.name, va="bottom", color=self.small.muted, transform=corner)
        if self.decoder_text:
            self.decoder_text.draw(axes, corner)
        for i, (line, x) in enumerate(self.tokens.places):
            y, colour = -self.down - line * self.step - height, self.scale.colours[indices[i]]
            if reachable[i]:
                draw_box(axes, x, y, widths[i], height, corner, color=colour / 255.0, linewidth=0)
            if i in self._framed:
                draw_frame(axes, x, y, widths[i], height, corner, self._framed[i], self.text_style)
            middle: dict[str, Any] = {"x": x + widths[i] / 2, "ha": "center", "transform": corner}
            shown = (
                self.text_style.muted if not reachable[i] else self.text_style.ink if parts[i] < FAINT else ink(colour)
            )
            self.text_style.text(axes, y=y + 0.3 * height, text=self.tokens.labels[i], color=shown, **middle)
            if self.annotate and reachable[i]:
                style: dict[str, Any] = {
                    "fontsize": self.small.small,
                    "color": self.text_style.muted,
                    "va": "top",
                    **middle,
                }
                self.small.text(axes, y=y - 0.02, text=format_weight(weights[i]), **style)


class DecoderText:
    """What the decoder of cross-attention reads and writes, in lines of `limit` inches, the query of `rows` framed."""

    def __init__(self, scene: Scene, rows: Sequence[int], text_style: TextStyle, limit: float) -> None:
        a, self.text_style = scene.attention, text_style
        tokens = [a.queries[start] for start, _ in a.rows]
        last = a.predicts[a.rows[-1][0]] if a.predicts else None
        self.framed = dict.fromkeys(rows, "other" if a.predicts else "query")
        if a.predicts:  # row i writes what row i + 1 reads
            self.framed |= {row + 1: "query" for row in rows}
        tokens += [last] if last else []
        self.tokens = TokenLines(tokens, [visible(token.text) for token in tokens], text_style, limit)
        self.step = self.tokens.token_height + 0.06
        self.name = TO
        self.height = self.tokens.count * self.step + text_style.line + 0.1
        self.width = self.tokens.width

    def draw(self, axes: Axes, corner: Transform) -> None:
        """Draw it below `corner`, which is in inches, and the name of the keys under it."""
        style: dict[str, Any] = {"color": self.text_style.muted, "transform": corner}
        widths, height = self.tokens.widths, self.tokens.token_height
        for i, (line, x) in enumerate(self.tokens.places):
            y = -line * self.step - height
            if i in self.framed:
                draw_frame(axes, x, y, widths[i], height, corner, self.framed[i], self.text_style)
            across, up = x + widths[i] / 2, y + 0.3 * height
            self.text_style.text(axes, across, up, self.tokens.labels[i], ha="center", **style)
        self.text_style.text(axes, 0, -self.height + 0.06, self.name, va="bottom", **style)


class ColourLegend:
    """A horizontal colour bar with its name, which is beside it if `available` inches are enough."""

    def __init__(self, scale: Scale, text_style: TextStyle, available: float) -> None:
        self.scale, self.text_style = scale, text_style.sized(text_style.small)
        zoom = text_style.typesetting.zoom
        self.bar = min(BAR[0] * zoom, max(available, zoom)), BAR[1] * zoom
        meaning = self.text_style.width(scale.meaning)
        self.beside = self.bar[0] + 0.1 + meaning <= available
        self.width = self.bar[0] + 0.1 + meaning if self.beside else max(self.bar[0], meaning)
        self.height = 0.13 + self.bar[1] + self.text_style.line * (1 if self.beside else 2)

    def draw(self, axes: Axes, corner: Transform) -> None:
        """Draw it below `corner`, which is in inches."""
        width, height = self.bar
        style: dict[str, Any] = {"transform": corner, "color": self.text_style.muted}
        for i, colour in enumerate(self.scale.colours[::4]):
            draw_box(
                axes,
                i * width / 64,
                -0.1 - height,
                width / 64 + 0.001,
                height,
                corner,
                color=colour / 255.0,
                linewidth=0,
            )
        for x, label in self._labels():
            self.text_style.text(axes, x, -0.13 - height, label, va="top", **style)
        place = (width + 0.1, -0.1 - height / 2) if self.beside else (0.0, -0.13 - height - 1.5 * self.text_style.line)
        self.text_style.text(axes, *place, self.scale.meaning, va="center", **style)

    def _labels(self) -> list[tuple[float, str]]:
        """The numbers and where they begin: those of the ends stay within the bar, others are centred if they fit."""
        ticks = self.scale.ticks()
        widths = [self.text_style.width(label) for _, label in ticks]
        last = self.bar[0] - widths[-1]
        labels, end = [(0.0, ticks[0][1])], widths[0]
        for (fraction, label), width in zip(ticks[1:-1], widths[1:-1], strict=True):
            x = fraction * self.bar[0] - width / 2
            if end + 0.06 <= x and x + width + 0.06 <= last:
                labels, end = [*labels, (x, label)], x + width
        return [*labels, (last, ticks[-1][1])]

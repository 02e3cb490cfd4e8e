"""The heads by how much a prediction changes without each, in the terminal, beside their weight on a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.ablation import HeadEffect
from attnviz.attention import Trace
from attnviz.kinds import KIND_NAMES
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.plan import title_of
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.weight_format import format_share

TOP = 10
"""The number of heads that are shown by default."""
MEANING = (
    "without: the probability of the word if what this head gives is taken out. effect: ln(probability with all heads /"
    " without), in nats: above 0 the head helps the word, below 0 it works against it. Heads that make up for each"
    " other show little effect alone"
)


@dataclass(frozen=True)
class EffectTable(Drawing):
    """The first `top` of `effects` on `word`, as a rich renderable; `link` is the link whose weights stand beside."""

    trace: Trace
    word: str
    effects: Sequence[HeadEffect]
    link: tuple[str, str] | None = None
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        first, kinds = self.effects[0], {one.kind for one in self.effects}
        yield heading(visible(title_of(self.trace)), console_options.max_width)
        yield Text(f"“{visible(self.word)}” has {format_share(first.before)} with all heads")
        yield Text()
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("head", no_wrap=True)
        if len(kinds) > 1:
            grid.add_column("kind", no_wrap=True)
        grid.add_column("without", justify="right", no_wrap=True, min_width=BAR + 7)
        grid.add_column("effect", justify="right", no_wrap=True)
        if self.link:
            grid.add_column("weight", justify="right", no_wrap=True)
        for one in self.effects[: self.top or TOP]:
            without = bar(one.after, 1.0, brush) + Text(f"{format_share(one.after):>7}")
            kind = [KIND_NAMES[one.kind]] if len(kinds) > 1 else []
            weight = ["–" if isnan(one.weight) else brush.number(one.weight)] if self.link else []
            grid.add_row(one.name, *kind, without, brush.written(f"{one.effect:+.2f}".replace("-", "−")), *weight)
        yield grid
        yield Text()
        yield Text(f"{'. '.join([*self._compared(), MEANING])}.", style="dim")

    def _compared(self) -> list[str]:
        """Where weight and effect disagree, and how many heads are shown."""
        shown = min(self.top or TOP, len(self.effects))
        lines = [f"{shown} of {len(self.effects)} heads (--top)"]
        weighed = [one for one in self.effects if not isnan(one.weight)]
        if self.link and weighed:
            most = max(weighed, key=lambda one: one.weight)
            rank = self.effects.index(most) + 1
            first = self.effects[0]
            words = " to ".join(map(visible, self.link))
            lines.append(
                f"weight: from {words}. {most.name} gives this link most, {most.weight:.2f}, and its effect is number"
                f" {rank} of {len(self.effects)} ({most.effect:+.2f})".replace("-", "−")
            )
            if not isnan(first.weight) and first is not most:
                weight_rank = 1 + sum(one.weight > first.weight for one in weighed)
                lines.append(f"{first.name}, with the largest effect, is number {weight_rank} by weight")
        return lines

"""The result of a probe, as a table in the terminal."""

from dataclasses import dataclass
from math import isnan

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.probe import ProbeResult
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.weight_format import format_weight

TOP = 10
"""The number of heads that are shown by default."""
LEAST = 0.005
"""A baseline below this is written with one significant digit, because 0.00 says nothing."""


@dataclass(frozen=True)
class ProbeTable(Drawing):
    """The first `top` heads of a probe, as a rich renderable."""

    probe: ProbeResult
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        probe, brush = self.probe, Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(f"{probe.name} heads of {visible(probe.model)}", console_options.max_width)
        yield Text()
        if probe.is_zero:
            yield Text(_why_empty(probe))
            return
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("head", no_wrap=True)
        grid.add_column(probe.measure, justify="right", no_wrap=True, min_width=BAR + 6)
        grid.add_column("spread", justify="right", no_wrap=True)
        if probe.threshold is not None:
            grid.add_column(f"> {format_weight(probe.threshold)}", justify="right", no_wrap=True)
        shown = probe.heads[: self.top or TOP]
        for head in shown:
            number = bar(head.mean, 1.0, brush) + Text(brush.number(head.mean))
            spread = "–" if isnan(head.spread) else f"±{head.spread:.2f}"
            rate = () if head.rate is None else (f"{head.rate:.0%}",)
            grid.add_row(head.name, number, *map(brush.written, (spread, *rate)))
        yield grid
        yield Text()
        yield Text(_caption(probe, len(shown)), style="dim")


def _why_empty(probe: ProbeResult) -> str:
    """The text in place of a table in which all numbers are 0."""
    zeros = f"The {probe.measure} of every head is 0: {probe.meaning}." if probe.heads else ""
    return " ".join(filter(None, (probe.remark, zeros)))


def _caption(probe: ProbeResult, shown: int) -> str:
    """What the numbers mean, and the baseline."""
    samples = f"{probe.samples} sample{'s' * (probe.samples != 1)}"
    baseline = f"{probe.baseline:.2f}" if probe.baseline >= LEAST else f"{probe.baseline:.1g}"
    caption = f"{probe.baseline_name} gives {baseline}; {shown} of {len(probe.heads)} heads (--top). "
    if probe.rate is not None:
        caption += f"Sink rate: above {probe.threshold:g} in {probe.rate:.1%} of all heads × samples. "
    caption += f"{probe.remark} " if probe.remark else ""
    caption += "Mean and standard deviation over " if probe.samples > 1 else "Of "
    caption += samples if probe.samples == probe.tried else f"the {samples} that count, of {probe.tried}"
    return f"{caption}: {probe.meaning}."

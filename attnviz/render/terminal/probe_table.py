"""What a probe found, as a table in the terminal."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.probe import Probe
from attnviz.render.options import PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing

TOP = 10
"""So many heads are shown, unless another number is asked for."""


@dataclass(frozen=True)
class ProbeTable(Drawing):
    """The first `top` heads of a probe, as something that rich prints."""

    probe: Probe
    top: int | None = None

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        probe, brush = self.probe, Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(f"{probe.name} heads of {probe.model}", console_options.max_width)
        yield Text()
        grid = Table(box=None, padding=(0, 1, 0, 0))
        grid.add_column("head", no_wrap=True)
        grid.add_column("prefix matching", justify="right", no_wrap=True, min_width=BAR + 6)
        grid.add_column("spread", justify="right", no_wrap=True)
        shown = probe.heads[: self.top or TOP]
        for head in shown:
            number = bar(head.mean, 1.0, brush) + Text(brush.number(head.mean))
            grid.add_row(head.name, number, brush.written(f"±{head.spread:.2f}"))
        yield grid
        yield Text()
        said = f"uniform attention gives {probe.baseline:.2f}; {len(shown)} of {len(probe.heads)} heads (--top N). Mean"
        said += (
            f" and standard deviation over {probe.samples} sequences of {probe.length} random tokens, each twice in a"
        )
        said += " row: the weight on what came after the same token before (Olsson et al. 2022)."
        yield Text(said, style="dim")

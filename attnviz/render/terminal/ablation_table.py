"""What changes without some heads, in the terminal: predictions, the translation, and later attention."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.ablation import LISTED, AblationResult, PredictionChange
from attnviz.kinds import KIND_NAMES
from attnviz.labels import visible
from attnviz.render.options import PlotOptions
from attnviz.render.plan import text_ends
from attnviz.render.scale import scale_of
from attnviz.render.terminal.bar import BAR, bar
from attnviz.render.terminal.cells import heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.weight_format import format_share

MEANING = (
    "KL: Σ p ln(p/q) over all tokens, in nats, p with all heads and q without. Later attention: the distance of a"
    " head's weights from what they were, as a share of the largest possible one (Jensen–Shannon, Clark et al. 2019)."
    " No change does not prove that a head has no part: others can make up for it."
)


@dataclass(frozen=True)
class AblationTable(Drawing):
    """An ablation, with the first `top` later heads, as a rich renderable."""

    result: AblationResult
    top: int = 5

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        found, brush = self.result, Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        yield heading(visible(text_ends(found.text)), console_options.max_width)
        yield Text(f"{visible(found.model)} without {visible(found.what)}")
        yield Text()
        if found.prediction is None:
            yield Text("This model writes nothing: only its attention can be compared.")
        else:
            yield from _prediction(found.prediction, brush)
        if found.translations:
            before, after = map(visible, found.translations)
            yield Text()
            yield Text(f"translation  {before}" if before == after else f"translation  {before}\nwithout      {after}")
            if before == after:
                yield Text("without      the same", style="dim")
        if found.attention:
            yield Text()
            yield _attention(found, self.top, brush)
        yield Text()
        yield Text(MEANING, style="dim")


def _prediction(change: PredictionChange, brush: Brush) -> RenderResult:
    yield Text(f"row “{change.row}”: KL {change.divergence:.3g} nats")
    grid = Table(box=None, padding=(0, 1, 0, 0))
    grid.add_column("token", no_wrap=True)
    for title in ("with all heads", "without"):
        grid.add_column(title, justify="right", no_wrap=True, min_width=BAR + 7)
    for number, one in enumerate(change.likeliest):
        if number == LISTED:
            grid.add_row(Text("likely only without:", style="dim"), "", "")
        cells = (bar(p, 1.0, brush) + Text(f"{format_share(p):>7}") for p in (one.before, one.after))
        grid.add_row(visible(one.token), *cells)
    yield grid


def _attention(found: AblationResult, top: int, brush: Brush) -> Table:
    grid = Table(box=None, padding=(0, 1, 0, 0))
    grid.add_column("later attention", no_wrap=True)
    grid.add_column("", no_wrap=True)
    grid.add_column("changed", justify="right", no_wrap=True, min_width=BAR + 7)
    for one in found.attention[:top]:
        share = bar(one.share, 1.0, brush) + Text(f"{format_share(one.share):>7}")
        grid.add_row(KIND_NAMES[one.kind], one.name, share)
    return grid

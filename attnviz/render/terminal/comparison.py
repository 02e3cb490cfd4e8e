"""Two heads and their difference in the terminal, and below them the distances of heads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from attnviz.analysis.comparison import Comparison, HeadDistance
from attnviz.kinds import KIND_NAMES
from attnviz.render.comparison import comparison_scenes, left_out_lines
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.scale import scale_of
from attnviz.render.scene import Scene
from attnviz.render.terminal.bar import bar
from attnviz.render.terminal.cells import heading
from attnviz.render.terminal.colours import Brush
from attnviz.render.terminal.drawing import Drawing
from attnviz.render.terminal.heatmap import Heatmap
from attnviz.render.terminal.heatmap_layout import HeatmapLayout

TOP = 10
"""The number of distances that are shown by default."""
GAP = 3
"""Columns between two heatmaps."""
NUMBER = 5
"""The width of a distance in a table of heads × heads, in columns."""
DISTANCE = "distance: the sum over rows of the Jensen–Shannon divergence of the two heads, in nats (Clark et al. 2019)"
SHARE = "; share: that sum divided by the largest possible one, ln 2 for each row"


@dataclass(frozen=True)
class ComparisonDrawing(Drawing):
    """A, B and A − B, side by side if their words fit, and the distances of the first `top` heads."""

    comparison: Comparison
    options: PlotOptions = DEFAULT
    top: int | None = None

    def is_coarse(self, width: int) -> bool:
        """Whether the names of the columns do not fit into `width` terminal cells."""
        return any(drawing.is_coarse(width) for drawing in self._drawings())

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The parts of the drawing, from top to bottom."""
        drawings, width = self._drawings(), console_options.max_width
        above, _, _ = drawings[0].scene.title.partition("\n")
        if above:
            yield heading(above, width)
            yield Text()
        drawings = [
            replace(one, scene=replace(one.scene, title=one.scene.title.partition("\n")[2])) for one in drawings
        ]
        share = (width - 2 * GAP) // 3
        if all(_has_words(one.scene, share) for one in drawings):
            grid = Table.grid(padding=(0, GAP, 0, 0))
            for _ in drawings:
                grid.add_column(width=share)
            grid.add_row(*(heading(one.scene.title, share) for one in drawings))  # all cells begin on one line
            grid.add_row(*(replace(one, scene=replace(one.scene, title="")) for one in drawings))
            yield grid
        else:
            for index, drawing in enumerate(drawings):
                yield from [Text()] * bool(index)
                yield drawing
        yield from (Text(f"\n{line}", style="dim") for line in left_out_lines(self.comparison))
        brush = Brush.on(console, scale_of(PlotOptions(theme="dark"), [1.0]))
        if len(self.comparison.distances) > 1:
            yield from self._distances(brush, width)

    def _drawings(self) -> list[Heatmap]:
        """The three heatmaps: A and B with one scale, A − B with its own."""
        *sides, difference = comparison_scenes(self.comparison, self.options.title)
        shared = replace(self.options, title=None, vmax=self.options.vmax or max(side.top for side in sides))
        own = replace(self.options, title=None, cmap=None, log=False)
        return [*(Heatmap(side, shared) for side in sides), Heatmap(difference, own)]

    def _distances(self, brush: Brush, width: int) -> Iterator[Table | Text]:
        has_shares = False
        for kind in dict.fromkeys(one.kind for one in self.comparison.distances):
            some = [one for one in self.comparison.distances if one.kind == kind]
            heads, others = (list(dict.fromkeys(one.names[side] for one in some)) for side in (0, 1))
            yield Text()
            yield Text(f"{KIND_NAMES[kind]}: distance of heads", style="bold")
            is_in_order = len(some) == len(heads)
            if not is_in_order and len(heads) <= (self.top or TOP) and 6 + len(others) * (NUMBER + 1) <= width:
                yield _every_two(some, heads, others, brush)
            else:
                has_shares = True
                yield from (_in_order if is_in_order else _nearest)(some, brush, self.top or TOP)
        yield Text()
        yield Text(f"{DISTANCE}{SHARE if has_shares else ''}.", style="dim")


def _has_words(scene: Scene, width: int) -> bool:
    """Whether all words of a heatmap fit into `width` terminal cells uncut."""
    layout = HeatmapLayout.of(scene, width)
    return layout.cell > max(map(cell_len, scene.columns)) and layout.label >= max(map(cell_len, scene.rows))


def _table(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in titles:
        is_number = title in ("distance", "share")
        table.add_column(title, justify="right" if is_number else "left", no_wrap=True)
    return table


def _in_order(some: Sequence[HeadDistance], brush: Brush, top: int) -> Iterator[Table | Text]:
    """The distances, the largest first."""
    ordered = sorted(some, key=lambda one: -one.distance)
    table = _table("head", "distance", "share")
    for one in ordered[:top]:
        head = one.names[0] if one.names[0] == one.names[1] else " and ".join(one.names)
        drawn = bar(one.distance, ordered[0].distance, brush) + Text(f"{one.distance:.2f}")
        table.add_row(head, drawn, f"{one.share:.0%}")
    yield table
    mean = sum(one.distance for one in some) / len(some)
    more = f"; {top} of {len(some)} heads, the farthest first (--top)" if len(some) > top else ""
    yield Text(f"the mean is {mean:.2f}{more}", style="dim")


def _every_two(some: Sequence[HeadDistance], heads: Sequence[str], others: Sequence[str], brush: Brush) -> Table:
    """A row for each head of A, a column for each of B."""
    table = _table("A ↓  B →" if brush.blocks else "A / B", *others)
    found = {one.names: f"{one.distance:.2f}" for one in some}
    for head in heads:
        table.add_row(head, *(found[head, other] for other in others))
    return table


def _nearest(some: Sequence[HeadDistance], brush: Brush, top: int) -> Iterator[Table | Text]:
    """The nearest and the farthest other head of each head; the heads with the nearest other first."""
    by_head: dict[str, list[HeadDistance]] = {}
    for one in some:
        if one.names[0] != one.names[1]:
            by_head.setdefault(one.names[0], []).append(one)
    ends = [(min(of, key=lambda one: one.distance), max(of, key=lambda one: one.distance)) for of in by_head.values()]
    ends.sort(key=lambda pair: pair[0].distance)
    table = _table("head", "nearest", "distance", "farthest", "distance", "share")
    for near, far in ends[:top]:
        table.add_row(
            near.names[0],
            near.names[1],
            f"{near.distance:.2f}",
            far.names[1],
            f"{far.distance:.2f}",
            f"{far.share:.0%}",
        )
    yield table
    if len(ends) > top:
        yield Text(f"{top} of {len(ends)} heads, those with the nearest other first (--top)", style="dim")

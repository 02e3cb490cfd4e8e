"""The cells of a heatmap and their labels in matplotlib axes: for SVG, PDF and the axes of a caller."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from attnviz.render.picture.cells import Cells, FittingText
from attnviz.render.picture.heatmap import PAD, READABLE, TAKEN, TICK, HeatmapPanel
from attnviz.render.picture.text_style import TextStyle, shifted


def draw_into(axes: Axes, panel: HeatmapPanel) -> ScalarMappable:
    """Draw the cells of `panel` and their labels so that they fill `axes`; returns what a colour bar needs."""
    text_style, (n, m) = panel.text_style, panel.scene.reachable.shape
    drawn = Cells(axes, np.ma.masked_invalid(panel.weights), panel.scale)
    axes.set(xlim=(-0.5, m - 0.5), ylim=(n - 0.5, -0.5))
    rows, columns = panel.borders
    for cell in rows:
        text_style.border(axes, 0, cell - 0.5, (-0.5, m - 0.5), panel.cell[1])
    for cell in columns:
        text_style.border(axes, 1, cell - 0.5, (-0.5, n - 0.5), panel.cell[0])
    _label(axes, panel, text_style)
    _show_taken(axes, panel, text_style)
    for y, x in panel.framed:
        corners = [x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5]
        for width, colour in zip(panel.frame_widths, (panel.scale.theme.background, text_style.ink), strict=True):
            axes.fill(*corners, fill=False, edgecolor=colour, linewidth=width, zorder=3, clip_on=False)
    _annotate(axes, panel, text_style)
    return drawn


def _label(axes: Axes, panel: HeatmapPanel, text_style: TextStyle) -> None:
    """Label the rows and columns."""
    style = text_style.ticks
    marks: dict[str, Any] = {"color": text_style.muted} if text_style.themes else {}
    axes.xaxis.tick_top()
    for axis, ticks, cells in (
        (axes.xaxis, panel.columns, panel.scene.columns),
        (axes.yaxis, panel.rows, panel.scene.rows),
    ):
        length = 0 if len(ticks) == len(cells) else TICK  # a mark points at the cell
        axis.set_tick_params(length=length, pad=PAD, **marks)
    axes.set_yticks([tick.position - 0.5 for tick in panel.rows], [tick.label for tick in panel.rows], **style)
    turned: dict[str, Any] = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"} if panel.turned == 45 else {}
    axes.set_xticks(
        [tick.position - 0.5 for tick in panel.columns],
        [tick.label for tick in panel.columns],
        **{**style, "rotation": panel.turned, **turned},
    )


def _show_taken(axes: Axes, panel: HeatmapPanel, text_style: TextStyle) -> None:
    """Hatch the masked columns and the rows that lost everything; write beside each row what it lost."""
    n, m = panel.scene.reachable.shape
    rows, columns = panel.hatched
    hatch: dict[str, Any] = {
        "fill": False,
        "hatch": "//////",
        "edgecolor": text_style.muted,
        "linewidth": 0,
        "alpha": 0.5,
    }
    for index in columns:
        axes.fill([index - 0.5, index + 0.5, index + 0.5, index - 0.5], [-0.5, -0.5, n - 0.5, n - 0.5], **hatch)
    for index in rows:
        axes.fill([-0.5, -0.5, m - 0.5, m - 0.5], [index - 0.5, index + 0.5, index + 0.5, index - 0.5], **hatch)
    style: dict[str, Any] = {"fontsize": text_style.small, "color": text_style.muted, "ha": "right"}
    for y, text in enumerate(panel.losses):
        place = shifted(axes, panel.beside, 0)
        text_style.text(axes, m - 0.5, y, text, transform=place, va="center_baseline", **style)
    if panel.losses:
        place = shifted(axes, panel.beside, panel.label_height)
        text_style.text(axes, m - 0.5, -0.5, TAKEN, transform=place, va="bottom", **style)


def _annotate(axes: Axes, panel: HeatmapPanel, text_style: TextStyle) -> None:
    """Write the weights, smaller where cells are small."""
    for number in panel.numbers():
        axes.add_artist(FittingText(
            number.column, number.row, number.text, panel.number_unit, READABLE, fontsize=text_style.small,
            transform=axes.transData, color=number.colour, fontweight="bold" if number.is_peak else "normal",
            parse_math=False, usetex=False,
        ))  # fmt: skip

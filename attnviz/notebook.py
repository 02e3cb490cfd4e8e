"""A trace in Jupyter is shown as the heatmap that `attnviz plot` draws, a comparison as `attnviz compare` draws it."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attnviz.analysis.comparison import Comparison
    from attnviz.attention import Trace


def show_traces() -> None:
    """Tell a running IPython how to show a `Trace` and a `Comparison`, by their names: nothing is imported by this."""
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None:
        pictures = shell.display_formatter.formatters["image/png"]
        pictures.for_type_by_name("attnviz.attention", "Trace", heatmap)
        pictures.for_type_by_name("attnviz.analysis.comparison", "Comparison", comparison)


def heatmap(trace: "Trace") -> bytes:
    """A PNG of the head that `attnviz plot` chooses."""
    from attnviz.render import render
    from attnviz.render.plan import plot_scene
    from attnviz.selection import Selection

    scene, _ = plot_scene(trace, Selection())
    return render(trace, [scene], ".png")


def comparison(found: "Comparison") -> bytes:
    """A PNG of A, B and their difference."""
    from attnviz.render.comparison import comparison_picture

    return comparison_picture(found)

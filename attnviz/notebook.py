"""A trace in Jupyter: it is shown as the heatmap that `attnviz plot` draws."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attnviz.attention import Trace


def show_traces() -> None:
    """Tell a running IPython how to show a `Trace`. By its name, so that nothing is imported before there is one."""
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type_by_name("attnviz.attention", "Trace", heatmap)


def heatmap(trace: "Trace") -> bytes:
    """A PNG of the head that `attnviz plot` chooses."""
    from attnviz.render import render
    from attnviz.render.plan import plot_scene
    from attnviz.selection import Selection

    scene, _ = plot_scene(trace, Selection())
    return render(trace, [scene], ".png")

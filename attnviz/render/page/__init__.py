"""Traces as one interactive page: a file of HTML that holds all it needs and asks no network for anything.

`contents.py` says what the page is told of a trace, `neurons.py` what of its queries and keys, `pair.py` what of two
traces, `packing.py` how all of that is kept small, `budget.py` what is left out or pooled where it is still too large,
`start.py` what the page shows first, and `assembly.py` puts all of that and the files of `web/` into one page.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from attnviz.attention import Trace
from attnviz.errors import PlotOptionError, SelectionError
from attnviz.files import write_whole
from attnviz.render.page.budget import MAX_MB, fit, megabytes

HEIGHT = 720
"""How high the page is in a notebook, in CSS pixels."""


@dataclass(frozen=True, repr=False)
class Page:
    """The interactive page of a trace, as `html`; `notes` say what was pooled to meet its size.

    In a notebook it shows itself, in a frame that can reach neither the notebook nor a network.
    """

    html: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Page of {megabytes(self.html):.1f} MB>"

    def _repr_html_(self) -> str:
        return (
            '<iframe title="attnviz" sandbox="allow-scripts allow-downloads" '
            f'style="width:100%;height:{HEIGHT}px;border:0" srcdoc="{escape(self.html)}"></iframe>'
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to one file, `x.html`, whole or not at all. Raises FileError."""
        return write_whole(path, self.html.encode())


def view(
    trace: Trace | Sequence[Trace],
    *,
    exact: bool = False,
    max_mb: float = MAX_MB,
    source: str | Sequence[str | None] | None = None,
    start: str = "",
) -> Page:
    """The interactive page of every head of `trace`; of several traces, with any two of them side by side.

    Weights are kept to 8 bits on a square-root scale, which moves none by more than 0.004; with `exact` to 16 bits,
    which moves none by more than 0.00002. A page of more than `max_mb` megabytes (10⁶ bytes) has no queries and keys,
    and if need be fewer, larger cells, and says so. `source` is the file of a saved trace, for the commands that the
    page shows; of several traces one for each, None where it is not saved. `start` is what the page shows first, as its
    address says it: `kind=cross&head=L1H2&view=text`; by default the head that `plot` chooses, and of several traces
    `view=compare`.

    Raises SelectionError for a trace without a head and for negative weights, as differences have, and PlotOptionError
    for a size that cannot be met.
    """
    traces = [trace] if isinstance(trace, Trace) else list(trace)
    sources = [source] if isinstance(source, str) else list(source or [None] * len(traces))
    if not traces or not all(any(attention.layers for attention in one.attentions) for one in traces):
        raise SelectionError("this trace has no head to show", "Trace again without --layer and --head.")
    if any((weights < 0).any() for one in traces for a in one.attentions for weights in a.by_layer.values()):
        raise SelectionError(
            "the page shows weights, and some of these are negative", "attnviz plot draws differences."
        )
    if not max_mb > 0:
        raise PlotOptionError(f"max_mb cannot be {max_mb:g}", "Megabytes, more than 0, such as 25.")
    return Page(*fit(traces, max_mb, exact=exact, sources=sources, start=start or "view=compare" * (len(traces) > 1)))

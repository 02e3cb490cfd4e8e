"""What the page shows first: what `plot` and `heads` draw, as the page's address says it (`web/state.js`)."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from attnviz.attention import Trace
from attnviz.head_names import head_name
from attnviz.render.named_link import NamedLink
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.plan import head_scenes, link_scenes
from attnviz.render.query import query_rows
from attnviz.render.scene import Scene

VIEWS = {"heatmap": "matrix", "lines": "lines", "arcs": "arcs", "text": "text"}
"""The view of the page for each style."""


def start_of(trace: Trace, scene: Scene, options: PlotOptions) -> str:
    """The state in which the page shows `scene`, which `plot` draws of `trace`: `kind=self&head=L3H2&view=lines`.

    Of several heads that are not drawn as one, the page shows the first.
    """
    a = trace[scene.attention.kind]
    heads = [head_name(layer, head) for layer in a.layers for head in a.heads(layer)]
    if scene.combined:
        several = {"set": ",".join(heads), "combine": options.combines} if len(heads) > 1 else {}
        return _address(scene, options, {"head": heads[0], **several})
    return _address(scene, options, {"head": head_name(*scene.heads[0])})


def start_of_heads(trace: Trace, options: PlotOptions, sort: str | None) -> str:
    """The state in which the page shows all heads of the first kind of `trace`, in the order of a measure."""
    return _address(head_scenes(trace, options)[0], options, {"sort": sort})


def start_of_link(trace: Trace, links: Sequence[NamedLink], options: PlotOptions) -> str:
    """The state in which the page shows the head that gives a link most, and its row in focus."""
    link = next(link for link in links if not link.is_hidden)
    scene = link_scenes(trace, link, options, 1)[0]
    row, column = scene.marked[0]
    found = {"head": head_name(*scene.heads[0]), "cursor": f"{row[0]},{column[0]}"}
    return _address(scene, options, found | {"focus": _listed({row[0]: None for row, _ in scene.marked})})


def _address(scene: Scene, options: PlotOptions, found: Mapping[str, str | None]) -> str:
    """The address of a state: what was `found`, and what `options` say."""
    told = {"kind": scene.attention.kind, "view": VIEWS[options.style], **found}
    if options.drawn_as.shows_one_query:
        told["focus"] = _listed(scene.attention.rows[row][0] for row in query_rows(scene))
    chosen = {name: getattr(options, name) for name in ("sink", "special", "theme")}
    told |= {name: value for name, value in chosen.items() if value != getattr(DEFAULT, name)}
    if options.log:
        told["scale"] = "log"
    return urlencode({name: value for name, value in told.items() if value is not None})


def _listed(tokens: Iterable[int]) -> str:
    return ",".join(map(str, tokens))

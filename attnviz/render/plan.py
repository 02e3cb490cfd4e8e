"""What `plot` and `heads` draw of a trace: which heads, under which title."""

from dataclasses import replace

from attnviz.analysis import choose
from attnviz.attention import Trace, ranges
from attnviz.render.look import DEFAULT, Look
from attnviz.render.query import asked
from attnviz.render.scene import Scene, scene
from attnviz.render.taken import without
from attnviz.selection import Selection


def plot_scene(trace: Trace, selection: Selection, look: Look = DEFAULT) -> tuple[Scene, str | None]:
    """The heads that were asked for, of one kind; one that `choose` takes where neither layer nor head was named.

    The title and the query are those of `look`. Returns the scene and, where the head was chosen, the reason. Raises
    SelectionError.
    """
    narrowed = selection.narrow(trace)
    kind = narrowed.kinds[0]
    if selection.layers is None and selection.heads is None:
        choice = choose(narrowed, kind)
        return _looked(trace, _scene(trace, kind, ((choice.layer, choice.head),)), look), choice.reason
    return _looked(trace, _scene(trace, kind, _pairs(narrowed, kind)), look), None


def head_scenes(trace: Trace, look: Look = DEFAULT) -> list[Scene]:
    """Every head of the trace: a scene for each kind. Raises SelectionError for a query that `look` names in vain."""
    scenes = [_scene(trace, kind, _pairs(trace, kind)) for kind in trace.kinds]
    names = [scene.attention.name for scene in scenes]
    title = title_of(trace) if look.title is None else look.title
    titles = [f"{title}\n{names[0]}", *names[1:]]
    scenes = [_looked(trace, scene, replace(look, title=None)) for scene in scenes]
    return [replace(scene, title=title) for scene, title in zip(scenes, titles, strict=True)]


def title_of(trace: Trace) -> str:
    """The text, and what it was translated to or read with; of a chat the message and the answer, without the rest."""
    text = trace.provenance.get("chat", trace.text)
    written = trace.provenance.get("generated") if "chat" in trace.provenance else trace.target
    return text if written is None else f"{text} → {written}"


def drawn(trace: Trace, shown: Scene) -> Trace:
    """The part of `trace` that `shown` draws, for the files that hold numbers."""
    layers, heads = ({pair[at] for pair in shown.heads} for at in (0, 1))
    return Selection(tuple(sorted(layers)), tuple(sorted(heads)), (shown.attention.kind,)).narrow(trace)


def _looked(trace: Trace, scene: Scene, look: Look) -> Scene:
    """`scene` with the title and the query of `look`, without what it takes out."""
    title = scene.title if look.title is None else look.title
    queries = () if look.query is None else asked(trace, scene.attention, look.query)
    return without(replace(scene, title=title, queries=queries), look.sink, look.special)


def _pairs(trace: Trace, kind: str) -> tuple[tuple[int, int], ...]:
    attention = trace[kind]
    return tuple((layer, head) for layer in attention.layers for head in attention.heads(layer))


def _scene(trace: Trace, kind: str, pairs: tuple[tuple[int, int], ...]) -> Scene:
    attention = trace[kind]
    heads = ranges(tuple({head for _, head in pairs}))
    layers = ranges(tuple({layer for layer, _ in pairs}))
    if len(pairs) == 1:
        which = f"L{layers}H{heads}"
    else:
        which = f"layer {layers}" if "," not in layers and "-" not in layers else f"layers {layers}"
        which += f", head {heads}" if heads.isdecimal() else f", heads {heads}"
    return scene(trace, kind, pairs, title=title_of(trace), caption=f"{attention.name} · {which} · {trace.model}")

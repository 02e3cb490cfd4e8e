"""What `plot` and `heads` draw of a trace: which heads, under which title."""

from dataclasses import replace

from attnviz.analysis import choose
from attnviz.attention import Trace, ranges
from attnviz.render.scene import Scene, scene
from attnviz.selection import Selection


def plot_scene(trace: Trace, selection: Selection) -> tuple[Scene, str | None]:
    """The heads that were asked for, of one kind; one that `choose` takes where neither layer nor head was named.

    Returns the scene and, where the head was chosen, the reason. Raises SelectionError.
    """
    narrowed = selection.narrow(trace)
    kind = narrowed.kinds[0]
    if selection.layers is None and selection.heads is None:
        choice = choose(narrowed, kind)
        return _scene(trace, kind, ((choice.layer, choice.head),)), choice.reason
    return _scene(trace, kind, _pairs(narrowed, kind)), None


def head_scenes(trace: Trace) -> list[Scene]:
    """Every head of the trace: a scene for each kind."""
    scenes = [_scene(trace, kind, _pairs(trace, kind)) for kind in trace.kinds]
    names = [scene.attention.name for scene in scenes]
    titles = [f"{title_of(trace)}\n{names[0]}", *names[1:]]
    return [replace(scene, title=title) for scene, title in zip(scenes, titles, strict=True)]


def title_of(trace: Trace) -> str:
    """The text, and what it was translated to or read with."""
    return trace.text if trace.target is None else f"{trace.text} → {trace.target}"


def drawn(trace: Trace, shown: Scene) -> Trace:
    """The part of `trace` that `shown` draws, for the files that hold numbers."""
    layers, heads = ({pair[at] for pair in shown.heads} for at in (0, 1))
    return Selection(tuple(sorted(layers)), tuple(sorted(heads)), (shown.attention.kind,)).narrow(trace)


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

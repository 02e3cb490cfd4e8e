"""What `plot` and `heads` draw of a trace: which heads, under which title."""

from dataclasses import replace
from math import isnan

from attnviz.analysis import HeadChoice, choose_head
from attnviz.analysis.methods import RAW, method_of
from attnviz.attention import Trace
from attnviz.attention.shown_target import shown_target
from attnviz.errors import PlotOptionError
from attnviz.head_names import describe_heads
from attnviz.labels import visible
from attnviz.pooling import combine_heads
from attnviz.render.exclusion import exclude
from attnviz.render.named_link import NamedLink
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.query import find_query, other_rows_note, query_rows
from attnviz.render.scene import Scene, scene
from attnviz.selection import Selection

BASELINE = "the mask alone already favours the first tokens"
"""Why the attention of all layers of a decoder is drawn as a difference."""
LONG_TITLE, LINE = 200, 72
"""The title of a text of more than LONG_TITLE characters is its first and last words, about LINE characters."""


def plot_scene(
    trace: Trace, selection: Selection, options: PlotOptions = DEFAULT, choice: HeadChoice | None = None
) -> tuple[Scene, HeadChoice | None]:
    """The heads that the user named, of one kind; where none was named, the head of `choice`, or of `choose_head`.

    `selection` has already been applied to `trace`. The title and the query are those of `options`. If a method
    combined all heads, they are one scene; in masked self-attention it is the difference to uniform attention. Returns
    the scene, and the choice where the head was chosen. Raises SelectionError, and PlotOptionError for an option that
    this scene does not have.
    """
    kind = trace.kinds[0]
    if method_of(trace).combines:
        choice, shown = None, _of_all_layers(trace, kind, options)
    elif not chooses_head(selection, options):
        choice = None
        shown = (
            _combined(trace, kind, options.combines)
            if options.combines
            else _scene(trace, kind, _all_heads(trace, kind))
        )
    else:
        choice = choice or choose_head(trace, kind)
        shown = _scene(trace, kind, ((choice.layer, choice.head),))
    return replace(_with_options(trace, shown, options), notes=trace.notes), choice


def chooses_head(selection: Selection, options: PlotOptions) -> bool:
    """Whether a picture shows a head that nobody named."""
    return not selection.names_heads and not options.combines


def head_scenes(trace: Trace, options: PlotOptions = DEFAULT) -> list[Scene]:
    """Every head of the trace: a scene for each kind. Raises SelectionError for a query that is not in every scene."""
    scenes = [_scene(trace, kind, _all_heads(trace, kind)) for kind in trace.kinds]
    title = title_of(trace) if options.title is None else options.title
    titles = [title] + [""] * (len(scenes) - 1)
    scenes = [_with_options(trace, scene, replace(options, title=None)) for scene in scenes]
    scenes = [replace(one, title=f"{title}\n{one.attention.name}") for one, title in zip(scenes, titles, strict=True)]
    return _with_notes(trace, scenes)


def link_scenes(trace: Trace, link: NamedLink, options: PlotOptions = DEFAULT, count: int = 3) -> list[Scene]:
    """The `count` heads that give a link most, a scene for each, with its cells marked."""
    a = trace[link.kind]
    marked = tuple((a.rows[row], a.columns[column]) for row in link.rows for column in link.columns)
    scenes: list[Scene] = []
    for head in link.heads[:count]:
        one = _scene(trace, link.kind, ((head.layer, head.head),))
        note = f"from {link.query} to {link.key}: {head.weight:.2f}, {head.ratio:.1f} × what uniform attention gives"
        note += "" if isnan(head.others) else f"; the other rows give {head.others:.2f}"
        one = replace(one, title="" if scenes else one.title, caption=f"{one.caption}\n{note}", marked=marked)
        scenes.append(_with_options(trace, one, options if not scenes else replace(options, title=None)))
    return _with_notes(trace, scenes)


def _with_notes(trace: Trace, scenes: list[Scene]) -> list[Scene]:
    """The scenes of one picture, of which the last has the notes of `trace`: they stand at the picture's foot."""
    return [*scenes[:-1], *(replace(last, notes=trace.notes) for last in scenes[-1:])]


def title_of(trace: Trace) -> str:
    """The text in one line, with its translation or its second text; for a chat, the message and the answer."""
    facts = trace.provenance
    text, written = (facts["chat"], facts.get("generated")) if "chat" in facts else (trace.text, shown_target(trace))
    texts = [text]
    if "text pair" in facts:
        texts = [text.removesuffix(f"\n{facts['text pair']}"), facts["text pair"]]
    title = " · ".join(map(text_ends, texts))
    return visible(title if written is None else f"{title} → {text_ends(written)}")


def text_ends(text: str) -> str:
    """`text`; or, if it is long, its first and last words, which fit on a line."""
    if len(text) <= LONG_TITLE:
        return text
    words = text.split()
    start, end = "", ""
    for word in words:
        if len(start) + len(word) >= LINE // 2:
            break
        start += f"{word} "
    for word in reversed(words):
        if len(end) + len(word) >= LINE // 2 - 4:
            break
        end = f" {word}{end}"
    return f"{start or text[: LINE // 2]}…{end or text[4 - LINE // 2 :]}"


def drawn(trace: Trace, shown: Scene) -> Trace:
    """The part of `trace` that `shown` draws, for the files that hold numbers."""
    return Selection(kinds=(shown.attention.kind,), layer_heads=shown.heads).apply(trace)


def _with_options(trace: Trace, scene: Scene, options: PlotOptions) -> Scene:
    """`scene` with the title and the query of `options`, without the tokens that they exclude."""
    title = scene.title if options.title is None else options.title
    queries = () if options.query is None else find_query(trace, scene.attention, options.query)
    notes = (
        _rows_note(scene, options),
        "" if options.query is None else other_rows_note(trace, scene.attention, options.query),
    )
    caption = "\n".join(line for line in (scene.caption, *notes) if line)
    shown = exclude(replace(scene, title=title, caption=caption, queries=queries), options.sink, options.special)
    if options.drawn_as.shows_one_query:  # so that the scale is that of the rows that are shown
        shown = replace(shown, queries=query_rows(shown))
    return (
        replace(shown, caption=f"{shown.caption}\n{shown.scale_note}")
        if shown.scale_note and options.vmax is None
        else shown
    )


def _rows_note(scene: Scene, options: PlotOptions) -> str:
    """The note on a decoder's rows in that style."""
    note = options.drawn_as.rows_note
    return scene.arrows_note if note is None or not scene.arrows_note else note


def _all_heads(trace: Trace, kind: str) -> tuple[tuple[int, int], ...]:
    attention = trace[kind]
    return tuple((layer, head) for layer in attention.layers for head in attention.heads(layer))


def _scene(trace: Trace, kind: str, heads: tuple[tuple[int, int], ...]) -> Scene:
    attention = trace[kind]
    caption = f"{attention.name} · {describe_heads(heads)} · {trace.model}"
    if other := trace.provenance.get("tokenizer"):
        caption += f" · tokenizer {visible(other)}"
    if (method := method_of(trace)).name != RAW:
        caption += f"\n{method.description}"
    if attention.part == "decoder" and (what := trace.provenance.get("decoder reads")):
        caption += f"\nthe decoder reads {what}"
    return scene(trace, kind, heads, title=title_of(trace), caption=caption)


def _of_all_layers(trace: Trace, kind: str, options: PlotOptions) -> Scene:
    """What a method made of all heads up to a layer; minus the same for uniform attention, where it has that."""
    method, a = method_of(trace), trace[kind]
    if options.combines:
        message = f"method {method.name} combines all heads by itself"
        raise PlotOptionError(message, f"Leave out --{options.combines}.")
    (layer,) = a.layers
    which = "all layers" if method.needs == "gradients" else f"layers 0–{layer}" if layer else "layer 0"
    name = f"{method.title} of {which}"
    heads = tuple((layer, head) for head in a.heads(layer))
    shown = _scene(trace, kind, heads)
    matrices = a.weights(layer)
    if len(matrices) == 1:
        caption = shown.caption.replace(describe_heads(heads), name, 1)
        return replace(shown, combined=name, caption=caption)
    for option in (option for option in ("sink", "special") if option in options.given):
        message = f"--{option} cannot go with a difference to uniform attention, which method {method.name} draws here"
        raise PlotOptionError(message, "Leave it out.")
    difference = f"{method.quantity} − uniform"
    caption = shown.caption.replace(describe_heads(heads), f"{name} − that of uniform attention", 1)
    caption += f"\nuniform: the {method.quantity} if every head gave all tokens that it may see the same weight"
    if a.columns[0] == (0, 1):
        first, of_uniform = matrices[:, -1, 0]
        caption += f"; {BASELINE}: the first has {first:.3f} of the last row, and {of_uniform:.3f} of the uniform one"
    attention = replace(a, by_layer={layer: (matrices[0] - matrices[1])[None]}, head_numbers={layer: (0,)})
    heads = ((layer, 0),)
    return replace(shown, attention=attention, heads=heads, combined=difference, difference=difference, caption=caption)


def _combined(trace: Trace, kind: str, how: str) -> Scene:
    """The heads of one kind as one."""
    heads = _all_heads(trace, kind)
    name = f"{'mean' if how == 'mean' else 'maximum'} of {len(heads)} head{'s' * (len(heads) != 1)}"
    scene = _scene(trace, kind, heads)
    described = describe_heads(heads)
    caption = scene.caption.replace(described, f"{name}: {described}", 1)
    combined = combine_heads(scene.attention, how)
    return replace(scene, attention=combined, heads=((0, 0),), combined=name, caption=caption)

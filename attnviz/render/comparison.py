"""Two heads and their difference as scenes: A, B, and A − B."""

from dataclasses import replace

from attnviz.analysis.comparison import Comparison, HeadDistance
from attnviz.attention import Trace
from attnviz.errors import PlotOptionError
from attnviz.labels import visible
from attnviz.render.options import DEFAULT, PlotOptions
from attnviz.render.plan import title_of
from attnviz.render.scene import Scene, scene

DIFFERENCE = "A − B"
"""The name of the third scene."""
_OF_ONE_HEAD = ("style", "query", "sink", "special")
"""Options that change how one head is drawn, which a comparison does not have."""


def require_comparable(options: PlotOptions) -> None:
    """Raise PlotOptionError for an option that a comparison does not have."""
    for name in (name for name in _OF_ONE_HEAD if name in options.given):
        raise PlotOptionError(f"a comparison has no --{name}", "Leave it out, or draw one: attnviz plot.")


def comparison_scenes(comparison: Comparison, title: str | None = None) -> list[Scene]:
    """Three heatmaps: all of A, all of B, and A − B in their common cells. `title` replaces the text as title."""
    a, b = comparison.traces
    above, first, second = _titles(comparison)
    scenes = [
        _of_side(comparison, 0, f"{above if title is None else title}\nA: {first}"),
        _of_side(comparison, 1, f"\nB: {second}"),
        replace(
            scene(a, comparison.a.kind, ((0, 0),)),
            attention=comparison.difference,
            title=f"\n{DIFFERENCE}",
            caption=_caption(comparison),
            combined=DIFFERENCE,
            difference=DIFFERENCE,
        ),
    ]
    notes = (*left_out_lines(comparison), *dict.fromkeys((*a.notes, *b.notes)))
    return [*scenes[:2], replace(scenes[2], notes=notes)]


def comparison_picture(comparison: Comparison, suffix: str = ".png", options: PlotOptions = DEFAULT) -> bytes:
    """The three heatmaps side by side as the bytes of a `.png`, `.svg` or `.pdf`. Raises PlotOptionError."""
    from attnviz.render.picture import picture

    require_comparable(options)
    a, b = comparison.traces
    return picture(a, comparison_scenes(comparison, options.title), suffix, options, other=b)


def shown_distance(comparison: Comparison) -> HeadDistance | None:
    """The distance of the two heads that are shown; None if several heads are shown as one."""
    kind, names = comparison.a.kind, comparison.names
    return next((one for one in comparison.distances if (one.kind, one.names) == (kind, names)), None)


def left_out_lines(comparison: Comparison) -> list[str]:
    """What could not be compared, as one line of text; no line if everything could."""
    return [f"not compared: {'; '.join(comparison.left_out)}"] if comparison.left_out else []


def format_distance(one: HeadDistance) -> str:
    """A distance beside the largest possible one, in words."""
    return f"distance {one.distance:.2f} nats, {one.share:.0%} of the most that {one.rows} rows can have"


def _titles(comparison: Comparison) -> tuple[str, str, str]:
    """The title above both sides, if they have one text, and the names of A and B: texts, models or heads."""
    first, second = (title_of(one) for one in comparison.traces)
    models = [visible(one.model) for one in comparison.traces]
    if models[0] != models[1] and comparison.traces[0].text == comparison.traces[1].text:
        return first, models[0], models[1]  # one of them may have written a target, too
    return (first, *comparison.names) if first == second else ("", first, second)


def _of_side(comparison: Comparison, side: int, title: str) -> Scene:
    trace: Trace = comparison.traces[side]
    attention = (comparison.a, comparison.b)[side]
    shown = replace(scene(trace, attention.kind, ((0, 0),)), attention=attention, combined=comparison.names[side])
    caption = f"{attention.name} · {comparison.names[side]} · {visible(trace.model)}"
    return replace(shown, title=title, caption="\n".join(line for line in (caption, shown.arrows_note) if line))


def _caption(comparison: Comparison) -> str:
    """The caption below the difference: the distance of the two heads, and why they are shown."""
    distance = shown_distance(comparison)
    lines = [format_distance(distance) if distance else "", comparison.reason]
    return "\n".join(line for line in lines if line)

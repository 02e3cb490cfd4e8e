"""The caption of a picture, and the notes below it."""

from attnviz.render.options import PlotOptions
from attnviz.render.scene import Scene
from attnviz.render.ticks import pooling_note


def caption(scene: Scene, options: PlotOptions) -> str:
    """The caption of `scene`, and what cells and lines mean, which the terminal says above the cells."""
    a = scene.attention
    notes = [pooling_note(a.rows, a.columns), scene.borders_note] if options.drawn_as.is_matrix else []
    return "\n".join(line for line in (scene.caption, *notes) if line)


def foot(scene: Scene, options: PlotOptions) -> str:
    """All text below a picture of `scene`: its caption, then the notes of its trace, one on each line.

    In the terminal, the notes are printed on stderr.
    """
    return "\n".join(line for line in (caption(scene, options), notes(scene)) if line)


def notes(scene: Scene) -> str:
    """The notes of its trace, one a line."""
    return "\n".join(f"note: {note}" for note in scene.notes)

"""What stands below a picture."""

from attnviz.render.look import Look
from attnviz.render.scene import Scene
from attnviz.render.ticks import covering


def caption(scene: Scene, look: Look) -> str:
    """The caption of `scene`, and what only a picture has to say there: the terminal says it above the cells."""
    a = scene.attention
    notes = [covering(a.rows, a.columns), scene.divided] if look.style == "heatmap" else []
    return "\n".join(line for line in (scene.caption, *notes) if line)

"""What all drawings in the terminal share: no line is wider than the console, and none ends in spaces."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.render.scene import Scene
from attnviz.render.terminal.cells import Line, heading


class Drawing(ABC):
    """A rich renderable that adapts to the width, colours and characters of the console."""

    @abstractmethod
    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn, from top to bottom."""

    def is_coarse(self, width: int) -> bool:
        """Whether a picture would show more than `width` columns do; false where all words fit."""
        return False

    def __rich_console__(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        drawn = Group(*self.parts(console, console_options))  # type: ignore[arg-type]  # segments, too
        for line in console.render_lines(drawn, console_options, pad=False):
            yield from _without_end_spaces(line)
            yield Segment.line()


class SceneDrawing(Drawing):
    """One scene: its title, what `body` draws, and its caption."""

    scene: Scene

    @abstractmethod
    def body(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn between the title and the caption."""

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        return framed(self.scene, console_options.max_width, self.body(console, console_options))


def framed(scene: Scene, width: int, body: RenderResult) -> RenderResult:
    """The title of `scene`, in `width` columns, its `body`, and its caption."""
    if scene.title:
        yield heading(scene.title, width)
    yield from body
    if scene.caption:
        yield Text(scene.caption, style="dim")


@dataclass(frozen=True)
class Trimmed(Drawing):
    """A renderable of rich, such as a table, without spaces at the ends of lines."""

    inner: RenderableType

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        yield self.inner


def _without_end_spaces(line: Line) -> Line:
    """`line` up to its last visible character, which can be a space with a background colour."""
    while line:
        *before, last = line
        if last.style and last.style.bgcolor:
            break
        if text := last.text.rstrip(" "):
            return [*before, Segment(text, last.style)]
        line = before
    return line

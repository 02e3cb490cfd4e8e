"""Words of two languages by topic, in lines that fit the terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from attnviz.render.terminal.cells import flowing
from attnviz.render.terminal.drawing import Drawing


@dataclass(frozen=True)
class WordLists(Drawing):
    """By topic, words in one language and in the other; a word and what it is in the other stay on one line."""

    topics: Mapping[str, Sequence[tuple[str, str]]]

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """The name of each topic with its number of words, and its words below; a line is free between topics."""
        for number, (topic, words) in enumerate(self.topics.items()):
            if number:
                yield Text()
            yield Text.assemble((topic, "bold"), (f"  {len(words)}", "dim"))
            yield from flowing(
                (Text.assemble((one, "dim"), f" {other}") for one, other in words), console_options.max_width
            )

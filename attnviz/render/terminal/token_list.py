"""The tokens of a trace in the terminal, with the numbers by which rows and columns are chosen."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from attnviz.attention import Part, Token, Trace, borders
from attnviz.labels import visible
from attnviz.render.plan import title_of
from attnviz.render.scene import arrows_note, row_label
from attnviz.render.terminal.cells import heading, ltr
from attnviz.render.terminal.drawing import Drawing


@dataclass(frozen=True)
class TokenList(Drawing):
    """Every token of `trace`, one a line, under the kinds of attention whose rows or columns they are.

    A decoder's tokens are labelled like its rows. A line is free where another part of the input begins.
    """

    trace: Trace

    def parts(self, console: Console, console_options: ConsoleOptions) -> RenderResult:
        """What is drawn."""
        uses: defaultdict[Part, list[str]] = defaultdict(list)
        read: dict[Part, tuple[Token, ...]] = {}
        written: dict[Part, tuple[Token | None, ...]] = {}
        for a in self.trace.attentions:
            uses[a.part].append(f"{'rows' if a.kind == 'cross' else 'rows and columns'} of {a.name}")
            read[a.part], written[a.part] = a.queries, a.predicts or (None,) * len(a.queries)
            if a.kind == "cross":
                uses["encoder"].append(f"columns of {a.name}")
                read["encoder"], written["encoder"] = a.keys, (None,) * len(a.keys)
        yield heading(visible(title_of(self.trace)), console_options.max_width)
        for part in sorted(uses, reverse=True):  # what the encoder reads comes first
            yield Text()
            yield Text(f"{part}: {', '.join(uses[part])}", style="dim")
            yield from _numbered(read[part], written[part])
            if note := arrows_note(written[part]):
                yield Text(note, style="dim")


def _numbered(read: Sequence[Token], written: Sequence[Token | None]) -> Iterator[Text]:
    begins, width = borders(read), len(str(len(read) - 1))
    for number, tokens in enumerate(zip(read, written, strict=True)):
        if number in begins:
            yield Text()
        line = Text.assemble((f"{number:>{width}}  ", "dim"), ltr(row_label(*tokens)))
        line.no_wrap, line.overflow = True, "ellipsis"
        yield line

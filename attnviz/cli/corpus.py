"""`attnviz heads --corpus FILE`: what heads do over many texts."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from attnviz.cli.console import notes, printable, report, say
from attnviz.cli.errors import FAILED, PARTLY_FAILED, UsageError
from attnviz.cli.head_options import HeadOptions
from attnviz.cli.output import print_path
from attnviz.cli.pager import show
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.run import Run
from attnviz.errors import InputError
from attnviz.files import write_whole

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.corpus import Entry
    from attnviz.corpus.measured import CorpusMeasures
    from attnviz.models.base import Model

NOT_OF_CORPUS = ("text_pair", "rows", "columns")
"""Options that one text has, or that leave out rows or columns, which measures need."""


def show_corpus(
    run: Run, head_options: HeadOptions, plot_options: PlotOptionGroup, output: Path | None, suffix: str | None
) -> None:
    """Read the texts of a corpus and show, or write, what the heads do over all of them."""
    from attnviz.corpus import read_corpus

    for name in NOT_OF_CORPUS:
        if getattr(run, name):
            raise UsageError(f"--{name.replace('_', '-')} has no place beside --corpus", "Leave it out.")
    file = Path(head_options.corpus or "")
    texts = sum(1 for _ in read_corpus(file))
    if not texts:
        raise InputError(f"{file} holds no text", "One text a line.")
    model = run.load()
    measures, has_failed = _measure(run, model, file, texts)
    for measure in (head_options.sorted_by, head_options.mapped):
        if measure:
            measures.require_applies(measure)
    title = f"{printable(file.name)}: {measures.texts:,} text{'s' * (measures.texts != 1)} · {printable(model.name)}"
    if output is None:
        _show(measures, title, head_options)
    else:
        print_path(write_whole(output, _written(measures, title, suffix or "", head_options, plot_options)))
    if has_failed:
        raise typer.Exit(PARTLY_FAILED)


def _measure(run: Run, model: "Model", file: Path, texts: int) -> "tuple[CorpusMeasures, bool]":
    """The measures over all texts that the model can read, and whether there are others, which are told of."""
    from attnviz.cli.progress import bar, interruptible
    from attnviz.corpus import read_corpus
    from attnviz.corpus.measured import CorpusMeasures, measure_each
    from attnviz.corpus.remarks import Remarks

    def trace_all(some: "Sequence[Entry]") -> "Iterator[Trace]":
        given = [entry.text for entry in some], [entry.target for entry in some]
        return run.trace_all_with(model, *given, text_pairs=[entry.pair for entry in some])

    measures, faults, remarks = CorpusMeasures(), Remarks(), Remarks()
    with bar(f"{file.name}: texts read", texts) as advance, interruptible() as heed:
        for measured in measure_each(read_corpus(file), trace_all):
            heed()
            advance()
            if isinstance(measured.measures, CorpusMeasures):
                measures += measured.measures
                for note in measured.notes:
                    remarks.add(measured.place, note)
            else:
                faults.add(measured.place, measured.measures.message, measured.measures.hint)
    notes(remark.message for remark in remarks.told(str(file), texts))
    for error in faults.told(str(file)):
        report(error)
    if faults.count:
        say(f"{measures.texts:,} of {texts:,} texts were read.")
    if measures.lost:
        notes(
            [f"left out: {measures.lost:,} dependencies whose words the model reads as one, or one of them not at all"]
        )
    if not measures.texts:
        raise typer.Exit(FAILED)
    return measures, faults.count > 0


def _show(measures: "CorpusMeasures", title: str, head_options: HeadOptions) -> None:
    if measures.scores and not head_options.of_measures:
        from attnviz.render.terminal.score_table import ScoreTable

        show(ScoreTable(title, measures.best_heads(), head_options.top))
    else:
        from attnviz.render.terminal.corpus_table import CorpusTable

        shown = head_options.sorted_by, head_options.role, head_options.top
        show(CorpusTable(title, measures.texts, measures.heads(), *shown))


def _written(
    measures: "CorpusMeasures", title: str, suffix: str, head_options: HeadOptions, plot_options: PlotOptionGroup
) -> bytes:
    """A table as a file that ends in `suffix`, or a map of a measure."""
    if measure := head_options.mapped:
        from attnviz.render.picture.measure_map import head_map

        about = f"{measure} of each head, mean over {measures.texts:,} texts"
        return head_map(measures.heads(), measure, title, about, about, suffix, plot_options)
    from attnviz.analysis.head_table import arranged
    from attnviz.render.corpus_data import CORPUS_NAMES, SCORE_NAMES, corpus_records, score_records
    from attnviz.render.head_data import TABLES

    if measures.scores and not head_options.of_measures:
        scored = [head for heads in measures.best_heads().values() for head in heads[: head_options.top]]
        return TABLES[suffix](score_records(scored), SCORE_NAMES)
    which = head_options.sorted_by, head_options.role, head_options.top
    rows = [row for heads in measures.heads().values() for row in arranged(heads, *which)]
    return TABLES[suffix](corpus_records(rows), CORPUS_NAMES)

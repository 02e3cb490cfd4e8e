"""`attnviz heads --corpus FILE`: what heads do over many texts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
from attnviz.files import require_writable, write_whole
from attnviz.head_names import head_name

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.corpus import Entry
    from attnviz.corpus.examples import TextNumbers
    from attnviz.corpus.measures import CorpusMeasures

NOT_OF_CORPUS = ("text_pair", "rows", "columns")
"""Options of a single text, and options that leave out rows or columns, which measures need."""

TraceAll = Callable[[Sequence["Entry"]], Iterator["Trace"]]


@dataclass
class _Reading:
    """The result of reading a corpus: sums over its texts, the numbers of one head, and whether a text failed."""

    measures: "CorpusMeasures"
    numbers: "TextNumbers | None" = None
    has_failed: bool = False


def show_corpus(
    run: Run, head_options: HeadOptions, plot_options: PlotOptionGroup, output: Path | None, suffix: str | None
) -> None:
    """Read the texts of a corpus, and show or write what the heads do over all of them."""
    from attnviz.corpus import read_corpus

    for name in NOT_OF_CORPUS:
        if getattr(run, name):
            raise UsageError(f"--{name.replace('_', '-')} cannot go with --corpus", "Leave it out.")
    file = Path(head_options.corpus or "")
    roles = _roles_file(run, head_options, output)
    texts = sum(1 for _ in read_corpus(file))
    if not texts:
        raise InputError(f"{file} holds no text", "Write one text a line.")
    model = run.load()

    def trace_all(some: "Sequence[Entry]") -> "Iterator[Trace]":
        given = [entry.text for entry in some], [entry.target for entry in some]
        return run.trace_all_with(model, *given, text_pairs=[entry.pair for entry in some])

    reading = _read(file, texts, trace_all, head_options)
    measures = reading.measures
    title = f"{printable(file.name)}: {measures.texts:,} text{'s' * (measures.texts != 1)} · {printable(model.name)}"
    if roles:
        _save_roles(measures, model.name, roles)
    if reading.numbers:
        _show_examples(reading, file, trace_all, title, head_options, output, suffix)
    elif output is None:
        _show(measures, title, head_options)
    else:
        print_path(write_whole(output, _file(measures, title, suffix or "", head_options, plot_options)))
    if reading.has_failed:
        raise typer.Exit(PARTLY_FAILED)


def _read(file: Path, texts: int, trace_all: TraceAll, head_options: HeadOptions) -> _Reading:
    """Measure all texts that the model can read; print errors for the others, and the notes on their traces."""
    from attnviz.cli.progress import bar, interruptible
    from attnviz.corpus import read_corpus
    from attnviz.corpus.examples import TextNumbers, kind_of_head
    from attnviz.corpus.measures import CorpusMeasures, measure_each
    from attnviz.corpus.remarks import Remarks

    reading, faults, remarks = _Reading(CorpusMeasures()), Remarks(), Remarks()
    with bar(f"{file.name}: texts read", texts) as advance, interruptible() as raise_if_pressed:
        for measured in measure_each(read_corpus(file), trace_all):
            raise_if_pressed()
            advance()
            if not isinstance(measured.measures, CorpusMeasures):
                faults.add(f"{file}, {measured.place}", measured.measures.message, measured.measures.hint)
                continue
            reading.measures += measured.measures
            for note in measured.notes:
                remarks.add(f"{file}, {measured.place}", note)
            if head := head_options.example_head:
                kind = kind_of_head(measured.measures, *head)
                reading.numbers = reading.numbers or TextNumbers(kind, *head)
                reading.numbers.add(measured.index, measured.measures)
    notes(remark.message for remark in remarks.listed(texts))
    for error in faults.listed():
        report(error)
    if faults.count:
        say(f"{reading.measures.texts:,} of {texts:,} texts were read.")
    if lost := reading.measures.lost:
        notes([f"left out: {lost:,} dependencies of words that share a token or have none"])
    if not reading.measures.texts:
        raise typer.Exit(FAILED)
    for measure in (head_options.sorted_by, head_options.mapped):
        if measure:
            reading.measures.require_applies(measure)
    reading.has_failed = faults.count > 0
    return reading


def _show(measures: "CorpusMeasures", title: str, head_options: HeadOptions) -> None:
    if measures.scores and not head_options.of_measures:
        from attnviz.render.terminal.score_table import ScoreTable

        show(ScoreTable(title, measures.best_heads(), head_options.top))
    else:
        from attnviz.render.terminal.corpus_table import CorpusTable

        shown = head_options.sorted_by, head_options.role, head_options.top
        show(CorpusTable(title, measures.texts, measures.heads(), *shown))


def _file(
    measures: "CorpusMeasures", title: str, suffix: str, head_options: HeadOptions, plot_options: PlotOptionGroup
) -> bytes:
    """The content of a file that ends in `suffix`: a table of heads, or a map of a measure."""
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


def _show_examples(
    reading: _Reading,
    file: Path,
    trace_all: TraceAll,
    title: str,
    head_options: HeadOptions,
    output: Path | None,
    suffix: str | None,
) -> None:
    """Show or write the texts in which the number of a head is largest, in the middle, and smallest."""
    from attnviz.corpus import read_corpus
    from attnviz.corpus.examples import EACH, deciles, describe, find_examples, quantity_of_head
    from attnviz.render.terminal.example_list import ExampleList

    numbers = reading.numbers
    assert numbers
    quantity = head_options.sorted_by or quantity_of_head(reading.measures, numbers.kind, numbers.layer, numbers.head)
    groups = deciles(numbers.ranked(quantity), head_options.top or EACH)
    found = find_examples(read_corpus(file), trace_all, numbers, quantity, groups)
    if output is not None:
        from attnviz.render.corpus_data import EXAMPLE_NAMES, example_records
        from attnviz.render.head_data import TABLES

        print_path(write_whole(output, TABLES[suffix or ""](example_records(found), EXAMPLE_NAMES)))
    else:
        headings = {group.name: group.heading for group in groups}
        name = head_name(numbers.layer, numbers.head)
        show(ExampleList(f"{name} in {title}", describe(quantity, groups), headings, found))


def _roles_file(run: Run, head_options: HeadOptions, output: Path | None) -> Path | None:
    """The file of --save-roles, if given. Raises FileError if it cannot be written, or is an input or the output."""
    if head_options.save_roles is None:
        return None
    from attnviz.measured_roles import FILE, output_file

    file = output_file(head_options.save_roles)
    inputs = (path for path in run.reads() if path.name != FILE)  # an older file of roles is written again
    require_writable([file], [Path(head_options.corpus or ""), *([output] if output else ()), *inputs])
    return file


def _save_roles(measures: "CorpusMeasures", model: str, file: Path) -> None:
    from attnviz.corpus.roles import measured_roles
    from attnviz.measured_roles import of_model

    roles = measured_roles(measures)
    write_whole(file, of_model(model, roles).to_bytes())
    say(f"{file}: {len(roles)} role{'s' * (len(roles) != 1)}")

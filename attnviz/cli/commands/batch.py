"""`attnviz batch`: files of sentences to pictures."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from os.path import abspath, isdir, splitext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnviz.cli.console import notes, report, say
from attnviz.cli.errors import FAILED, PARTLY_FAILED
from attnviz.cli.options import Why, option, positive
from attnviz.cli.output import print_path, require_folder_name
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.progress import bar, interruptible
from attnviz.cli.run import Run, expand_option_groups
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.analysis import HeadChoice
    from attnviz.attention import Trace
    from attnviz.batch import ChosenHead, Done, Job, Manifest, Settings, Spool
    from attnviz.corpus import Fault
    from attnviz.corpus.remarks import Remarks
    from attnviz.models.base import Model
    from attnviz.render.options import PlotOptions

EXAMPLES = """\
attnviz batch samples -o pictures
attnviz batch english.txt pairs.tsv -o pictures --layer 3"""
TOGETHER = 64
"""The most lines that run at once by default; a model does not take more."""
_ANYWHERE = {"model", "device", "trust_remote_code"}
"""Options that do not change a picture, and the model, which is compared by itself."""


@expand_option_groups
def batch(
    run: Run,
    plot_options: PlotOptionGroup,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files of texts, folders of them, or patterns.")],
    output: Annotated[
        Path, option("--output", "-o", metavar="FOLDER", help="The folder that the pictures are written to.")
    ],
    each: Annotated[
        bool, option("--each", help="Choose a head for each line, not one for all the lines of a file.")
    ] = False,
    batch_size: Annotated[
        int,
        option(
            "--batch-size",
            metavar="N",
            callback=positive,
            help=f"Run at most N lines at once, {TOGETHER} by default; fewer where memory is short.",
        ),
    ] = TOGETHER,
    why: Why = False,
) -> None:
    """Draw every line of files of sentences to a .png, as plot would.

    A line is a text in a .txt file; text, tab, target in a .tsv file. Of a .csv, .jsonl or .parquet file, the columns
    text, target and pair are read. Line 7 of korean.txt becomes FOLDER/korean.txt/007.png. Where no layer and no head
    is named, all pictures of a file show the one head that the rule of plot chooses over all its lines, so that they
    can be compared.

    FOLDER/manifest.jsonl has a line for each text: its head, its measures, its picture, or the error. Where the command
    was interrupted, the same command goes on, and draws nothing twice.
    """
    from attnviz.batch import Manifest, find_files
    from attnviz.files import require_writable
    from attnviz.render import PICTURES

    _ = run.selection  # raises its errors before a model is loaded
    picture = output if output.suffix.lower() in PICTURES else f"{splitext(output)[0]}.png"
    one = f"\nOr draw one picture: attnviz plot TEXT -o {picture}"
    require_folder_name(output, "batch makes many pictures", one)
    files = find_files(paths)
    jobs, faults, errors = _read(files, output)
    require_writable((job.output for job in jobs), (*files, *run.reads()))
    lines, written, remarks = len(jobs) + len(faults), 0, _remarks(faults)
    if jobs:
        manifest = Manifest(output, _settings(run, plot_options, each))
        written = _draw(_Batch(jobs, faults, manifest, run, plot_options, each, batch_size), why, remarks)
    for error in [*errors, *remarks.listed()]:
        report(error)
    if jobs:  # otherwise the errors say it
        say(f"{_count(written, 'picture')} of {_count(lines, 'line')} in {_count(len(files), 'file')}.")
    if written:
        print_path(output)
    if errors or remarks.count:
        raise typer.Exit(PARTLY_FAILED if written else FAILED)


def _read(files: Sequence[Path], output: Path) -> "tuple[list[Job], list[tuple[Path, Fault]], list[AttnvizError]]":
    """The lines of all files, those that cannot be used, and the errors of files without lines."""
    from attnviz.batch import folders, read_jobs

    jobs: list[Job] = []
    faults, errors = list[tuple[Path, "Fault"]](), list[AttnvizError]()
    for file, folder in folders(files, output).items():
        try:
            of_file, unusable = read_jobs(file, folder)
        except AttnvizError as error:
            errors.append(error)
        else:
            jobs += of_file
            faults += [(file, fault) for fault in unusable]
    return jobs, faults, errors


def _remarks(faults: "Sequence[tuple[Path, Fault]]") -> "Remarks":
    from attnviz.corpus.remarks import Remarks

    remarks = Remarks(most=None)
    for file, fault in faults:
        remarks.add(f"{file}, {fault.place}", fault.error.message, fault.error.hint)
    return remarks


def _settings(run: Run, plot_options: PlotOptionGroup, each: bool) -> "Settings":
    """What has to be the same in all runs that fill one folder."""
    from importlib.metadata import version

    from attnviz.batch import Settings

    model = abspath(run.model) if isdir(run.model) else run.model
    asked = {field.name: getattr(run, field.name) for field in fields(run) if field.name not in _ANYWHERE}
    usual = {field.name: field.default for field in fields(run)}
    options = {name: value for name, value in asked.items() if value != usual[name]} | plot_options.given
    options |= {"each": True} if each else {}
    return Settings(
        version("attnviz"), model, {name.replace("_", "-"): _written(value) for name, value in options.items()}
    )


class _Batch:
    """The work of one command: which texts are left, in which order they run, and the heads that their files show."""

    def __init__(
        self,
        jobs: "Sequence[Job]",
        faults: "Sequence[tuple[Path, Fault]]",
        manifest: "Manifest",
        run: Run,
        plot_options: PlotOptionGroup,
        each: bool,
        batch_size: int,
    ) -> None:
        from attnviz.render.plan import chooses_head

        self.jobs, self.faults, self.manifest = jobs, faults, manifest
        self.run, self.plot_options, self.batch_size = run, plot_options, batch_size
        self.is_chosen = chooses_head(run.selection, plot_options)
        self.of_files: dict[Path, list[Job]] = {}
        for job in jobs:
            self.of_files.setdefault(job.source, []).append(job)
        self.choices: dict[Path, HeadChoice | None] = dict.fromkeys(self.of_files)
        self.chooses = self.is_chosen and not each
        if self.chooses:
            self.choices = {file: manifest.chosen(file, some) for file, some in self.of_files.items()}
        new = {file for file, choice in self.choices.items() if choice is None} if self.chooses else set()
        self.to_choose = sorted((job for job in jobs if job.source in new), key=_length)
        ready = (job for job in jobs if job.source not in new and not manifest.has(job, self.choices[job.source]))
        self.ready = sorted(ready, key=_length)

    def trace(self, model: "Model", jobs: "Sequence[Job]") -> "Iterator[tuple[Job, Trace | AttnvizError]]":
        """The traces of jobs, several at a time."""
        from attnviz.corpus.tracing import trace_each

        def trace_all(some: "Sequence[Job]") -> "Iterator[Trace]":
            entries = [job.entry for job in some]
            given = [entry.text for entry in entries], [entry.target for entry in entries]
            pairs = [entry.pair or self.run.text_pair for entry in entries]
            return self.run.trace_all_with(model, *given, self.plot_options.query, text_pairs=pairs)

        return trace_each(jobs, trace_all, self.batch_size)


def _length(job: "Job") -> int:
    """About how long a text is, so that those that run at once need little padding."""
    return len(job.entry.text) + len(job.entry.target or "")


def _draw(work: _Batch, why: bool, remarks: "Remarks") -> int:
    """Write the picture of every line, print the notes, and add to `remarks` why a line could not be drawn.

    Returns how many lines have a picture. Raises AbsentHeadError, before anything is drawn, for a kind, layer or head
    that the model does not have.
    """
    from attnviz.analysis.head_choice import RULE
    from attnviz.batch import Drawing, Line, Spool, draw_all, processes

    manifest, noted, reasons, failed = work.manifest, dict[str, None](), list[str](), list["Done"]()
    pictures = len(work.to_choose) + len(work.ready)
    count = processes(pictures)
    if count > 1:  # the model and the processes that draw share the cores
        os.environ.setdefault("OMP_NUM_THREADS", str(max(count // 2, 1)))
    spool = Spool()
    with interruptible() as raise_if_pressed:
        model = work.run.load() if pictures else None
        heads = _choose_heads(work, model, spool, raise_if_pressed) if model and work.to_choose else {}
        for source, choice in work.choices.items():
            if choice:
                say(f"{source}: {choice.reason if why else choice.summary}")

        def to_draw() -> "Iterator[tuple[Job, Trace | AttnvizError, HeadChoice | None]]":
            for job, trace in spool:
                if not manifest.has(job, work.choices[job.source]):
                    yield job, trace, work.choices[job.source]
            if model is not None:
                for job, trace in work.trace(model, work.ready):
                    yield job, trace, work.choices[job.source]

        drawing = Drawing(manifest.folder, work.run.selection, _plain(work.plot_options))
        with bar("Drawing", len(work.jobs)) as advance:
            advance(len(work.jobs) - pictures)
            for done in draw_all(to_draw(), drawing, count):
                manifest.begin(heads, work.jobs)
                manifest.add(done.line)
                advance(now=f"{done.job.source.name}:{done.job.entry.number}")
                noted.update(dict.fromkeys(f"{done.job.place}: {note}" for note in done.notes))
                reasons += [f"{done.job.place}: {done.reason}"] if why and done.reason else []
                failed += [done] if done.error else []
                raise_if_pressed()
    spool.close()
    order = {(str(job.source), job.entry.number): place for place, job in enumerate(work.jobs)}
    for done in sorted(failed, key=lambda one: order[one.line.key]):
        assert done.error is not None
        remarks.add(done.job.place, done.error.message, done.error.hint)
    written = len(work.jobs) - len(failed)
    if written or manifest.lines:
        manifest.begin(heads, work.jobs)
        for file, fault in work.faults:
            number = int(fault.place.split()[1])
            manifest.add(Line(str(file), number, error=fault.error.message, hint=fault.error.hint or None))
            order[str(file), number] = len(order)
        manifest.finish(sorted(order))
    notes(noted)
    for reason in [*reasons, RULE] if why and (any(work.choices.values()) or reasons) else ():
        say(reason)
    return written


def _plain(plot_options: PlotOptionGroup) -> "PlotOptions":
    """The same options without the command line, which a process that draws does not need."""
    from attnviz.render.options import PlotOptions

    return PlotOptions(**{field.name: getattr(plot_options, field.name) for field in fields(PlotOptions)})


def _choose_heads(
    work: _Batch, model: "Model", spool: "Spool", raise_if_pressed: "Callable[[], None]"
) -> "dict[str, ChosenHead]":
    """For each file whose head is not known, the head that the rule chooses over all its lines.

    There is none for a file whose lines all fail. The traces are put into `spool`, so that the model runs once.
    """
    from attnviz.analysis import HeadScores, choose_common_head, score_heads
    from attnviz.batch import ChosenHead
    from attnviz.batch.manifest import digest

    scores: dict[Path, list[HeadScores]] = {}
    with bar("Choosing a head", len(work.to_choose)) as advance:
        for job, trace in work.trace(model, work.to_choose):
            raise_if_pressed()
            advance(now=f"{job.source.name}:{job.entry.number}")
            spool.add((job, trace))
            if not isinstance(trace, AttnvizError):
                scores.setdefault(job.source, []).append(score_heads(trace))
    chosen = {source: choose_common_head(of_lines) for source, of_lines in scores.items()}
    work.choices |= chosen
    return {str(file): ChosenHead(digest(work.of_files[file]), choice) for file, choice in chosen.items()}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _written(value: object) -> str:
    """The value of an option as it is given: several with commas."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

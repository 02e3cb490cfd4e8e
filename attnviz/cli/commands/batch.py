"""`attnviz batch`: files of sentences to pictures."""

from collections.abc import Callable, Iterator, Sequence
from os.path import splitext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnviz.cli.console import notes, report, say
from attnviz.cli.errors import FAILED, PARTLY_FAILED
from attnviz.cli.options import Why, option
from attnviz.cli.output import print_path, require_folder_name
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.progress import bar, interruptible
from attnviz.cli.run import Run, expand_option_groups
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.analysis import HeadChoice
    from attnviz.attention import Trace
    from attnviz.batch import Job
    from attnviz.corpus.remarks import Remarks

EXAMPLES = """\
attnviz batch samples -o pictures
attnviz batch english.txt pairs.tsv -o pictures --layer 3"""


@expand_option_groups
def batch(
    run: Run,
    plot_options: PlotOptionGroup,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files (.txt, .tsv), or folders of them.")],
    output: Annotated[
        Path, option("--output", "-o", metavar="FOLDER", help="The folder that the pictures are written to.")
    ],
    each: Annotated[
        bool, option("--each", help="Choose a head for each line, not one for all the lines of a file.")
    ] = False,
    why: Why = False,
) -> None:
    """Draw every line of files of sentences to a .png, as plot would.

    A line is a text in a .txt file; text, tab, target in a .tsv file. Line 7 of korean.txt becomes
    FOLDER/korean.txt/007.png. Other files are ignored. Where no layer and no head is named, all pictures of a file
    show the one head that the rule of plot chooses over all its lines, so that they can be compared.
    """
    from attnviz.batch import find_files
    from attnviz.files import require_writable
    from attnviz.render import PICTURES

    _ = run.selection  # raises its errors before a model is loaded
    picture = output if output.suffix.lower() in PICTURES else f"{splitext(output)[0]}.png"
    one = f"\nOr draw one picture: attnviz plot TEXT -o {picture}"
    require_folder_name(output, "batch makes many pictures", one)
    files = find_files(paths)
    jobs, remarks, errors = _read(files, output)
    require_writable((job.output for job in jobs), (*files, *run.reads()))
    lines = len(jobs) + remarks.count
    if jobs:
        _draw(jobs, run, plot_options, each, why, remarks)
    for error in [*errors, *remarks.listed()]:
        report(error)
    written = lines - remarks.count
    if jobs:  # otherwise the errors say it
        say(f"{_count(written, 'picture')} of {_count(lines, 'line')} in {_count(len(files), 'file')}.")
    if written:
        print_path(output)
    if errors or remarks.count:
        raise typer.Exit(PARTLY_FAILED if written else FAILED)


def _read(files: Sequence[Path], output: Path) -> "tuple[list[Job], Remarks, list[AttnvizError]]":
    """The lines of all files, remarks on those that cannot be used, and the errors of files without lines."""
    from attnviz.batch import folders, read_jobs
    from attnviz.corpus.remarks import Remarks

    jobs: list[Job] = []
    remarks, errors = Remarks(most=None), list[AttnvizError]()
    for file, folder in folders(files, output).items():
        try:
            of_file, faults = read_jobs(file, folder)
        except AttnvizError as error:
            errors.append(error)
        else:
            jobs += of_file
            for fault in faults:
                remarks.add(f"{file}, {fault.place}", fault.error.message, fault.error.hint)
    return jobs, remarks, errors


def _draw(
    jobs: "Sequence[Job]", run: Run, plot_options: PlotOptionGroup, each: bool, why: bool, remarks: "Remarks"
) -> None:
    """Write the picture of every line and print its notes; add to `remarks` why a line could not be drawn.

    Raises AbsentHeadError, before anything is drawn, for a kind, layer or head that the model does not have.
    """
    from attnviz.analysis.head_choice import RULE
    from attnviz.batch import draw_all
    from attnviz.corpus.tracing import trace_each
    from attnviz.files import write_whole
    from attnviz.render import render
    from attnviz.render.plan import chooses_head, plot_scene

    model = run.load()
    noted: dict[str, None] = {}
    reasons: list[str] = []

    def trace_all(some: "Sequence[Job]") -> "Iterator[Trace]":
        entries = [job.entry for job in some]
        given = [entry.text for entry in entries], [entry.target for entry in entries]
        return run.trace_all_with(model, *given, plot_options.query)

    chosen = {} if each or not chooses_head(run.selection, plot_options) else _choose_heads(jobs, trace_all)
    for source, choice in chosen.items():
        say(f"{source}: {choice.reason if why else choice.summary}")

    def draw(job: "Job", trace: "Trace") -> None:
        noted.update(dict.fromkeys(f"{job.place}: {note}" for note in trace.notes))
        scene, choice = plot_scene(trace, run.selection, plot_options, chosen.get(job.source))
        if why and choice and each:
            reasons.append(f"{job.place}: {choice.reason}")
        write_whole(job.output, render(trace, [scene], ".png", plot_options))

    with bar("Drawing", len(jobs)) as advance, interruptible() as raise_if_pressed:
        for done in draw_all(trace_each(jobs, trace_all), draw):
            raise_if_pressed()
            advance(now=f"{done.job.source.name}:{done.job.entry.number}")
            if done.error:
                remarks.add(done.job.place, done.error.message, done.error.hint)
    notes(noted)
    for reason in [*reasons, RULE] if why and (chosen or reasons) else ():
        say(reason)


def _choose_heads(
    jobs: "Sequence[Job]", trace_all: "Callable[[Sequence[Job]], Iterator[Trace]]"
) -> "dict[Path, HeadChoice]":
    """For each file, the head that the rule chooses over all its lines; none for a file whose lines all fail."""
    from attnviz.analysis import HeadScores, choose_common_head, score_heads
    from attnviz.corpus.tracing import trace_each

    scores: dict[Path, list[HeadScores]] = {}
    with bar("Choosing a head", len(jobs)) as advance, interruptible() as raise_if_pressed:
        for job, trace in trace_each(jobs, trace_all):
            raise_if_pressed()
            advance(now=f"{job.source.name}:{job.entry.number}")
            if not isinstance(trace, AttnvizError):
                scores.setdefault(job.source, []).append(score_heads(trace))
    return {source: choose_common_head(of_lines) for source, of_lines in scores.items()}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""`attnviz batch`: files of sentences to pictures."""

from collections.abc import Iterator, Sequence
from os.path import isdir
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnviz.cli.inputs import Run, with_run
from attnviz.cli.look import LookOptions
from attnviz.cli.options import Why, option
from attnviz.cli.output import wrote
from attnviz.cli.running import FAILED, PARTLY_FAILED, bar, interruptible, notes, report, say
from attnviz.errors import AttnvizError, FileError

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.batch import Job

EXAMPLES = """\
attnviz batch samples -o pictures
attnviz batch english.txt pairs.tsv -o pictures --layer 3"""


@with_run
def batch(
    run: Run,
    look: LookOptions,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files (.txt, .tsv), and folders of them.")],
    output: Annotated[Path, option("--output", "-o", metavar="FOLDER", help="Where the pictures go.")],
    why: Why = False,
) -> None:
    """Draw every line of files of sentences to a .png, as plot would.

    A line is a text in a .txt file; text, tab, target in a .tsv file. Line 7 of korean.txt becomes
    FOLDER/korean.txt/007.png. Other files are passed over.
    """
    from attnviz.batch import find_files
    from attnviz.files import require_writable
    from attnviz.models import model_files

    _ = run.selection  # what cannot be asked for is found out before a model is loaded
    _require_folder(output)
    files = find_files(paths)
    jobs, errors = _read(files, output)
    require_writable((job.output for job in jobs), (*files, *model_files(run.model)))
    failed = _draw(jobs, run, look, why) if jobs else []
    for error in [*errors, *failed]:
        report(error)
    written = len(jobs) - len(failed)
    say(f"{_count(written, 'picture')} of {_count(len(jobs), 'line')} in {_count(len(files), 'file')}.")
    if written:
        wrote(output)
    if errors or failed:
        raise typer.Exit(PARTLY_FAILED if written else FAILED)


def _require_folder(output: Path) -> None:
    """Refuse a folder that is called as a file is. Raises FileError."""
    from attnviz.render import OUTPUTS

    if output.suffix.lower() in OUTPUTS and not isdir(output):
        raise FileError(
            f"{output} would be a folder: batch makes many pictures",
            f"Name a folder: -o {output.with_suffix('')}. Or draw one picture: attnviz plot TEXT -o {output}",
        )


def _read(files: Sequence[Path], output: Path) -> "tuple[list[Job], list[AttnvizError]]":
    """The lines of all the files, and what is wrong with files that have none."""
    from attnviz.batch import folders, read_jobs

    jobs: list[Job] = []
    errors: list[AttnvizError] = []
    for file, folder in folders(files, output).items():
        try:
            jobs += read_jobs(file, folder)
        except AttnvizError as error:
            errors.append(error)
    return jobs, errors


def _draw(jobs: "Sequence[Job]", run: Run, look: LookOptions, why: bool) -> list[AttnvizError]:
    """Write the picture of every line, and tell its notes; why some could not be drawn."""
    from attnviz.analysis.choice import RULE
    from attnviz.batch import draw_all, trace_each
    from attnviz.files import write_whole
    from attnviz.render import render
    from attnviz.render.plan import plot_scene

    model = run.load()
    noted: dict[str, None] = {}
    reasons: list[str] = []

    def trace_all(some: "Sequence[Job]") -> "Iterator[Trace]":
        return run.all_by(model, [job.text for job in some], [job.target for job in some], look.query)

    traces = trace_each(jobs, trace_all)

    def draw(job: "Job") -> None:
        trace = next(traces)  # its own, for both go in order
        if isinstance(trace, AttnvizError):
            raise trace
        noted.update(dict.fromkeys(f"{job.source}, line {job.line}: {note}" for note in trace.notes))
        scene, choice = plot_scene(trace, run.selection, look)
        if why and choice:
            reasons.append(f"{job.source}, line {job.line}: {choice.reason}")
        write_whole(job.output, render(trace, [scene], ".png", look))

    errors = []
    with bar("Drawing", len(jobs)) as advance, interruptible() as heed:
        for done in draw_all(jobs, draw):
            heed()
            advance(now=f"{done.job.source.name}:{done.job.line}")
            if done.error:
                place = f"{done.job.source}, line {done.job.line}: {done.error.message}"
                errors.append(AttnvizError(place, done.error.hint))
    notes(noted)
    for reason in [*reasons, RULE] if reasons else ():
        say(reason)
    return errors


def _count(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"

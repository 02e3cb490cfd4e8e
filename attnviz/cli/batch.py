"""`attnviz batch`: files of sentences to pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnviz.cli.inputs import Run, with_run
from attnviz.cli.look import LookOptions
from attnviz.cli.options import option
from attnviz.cli.output import wrote
from attnviz.cli.running import PARTLY_FAILED, bar, interruptible, notes, report, say
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.attention import Trace

EXAMPLES = """\
attnviz batch samples -o pictures
attnviz batch english.txt pairs.tsv -o pictures --layer 3"""


@with_run
def batch(
    run: Run,
    look: LookOptions,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files (.txt, .tsv), and folders of them.")],
    output: Annotated[Path, option("--output", "-o", metavar="FOLDER", help="Where the pictures go.")],
) -> None:
    """Draw every line of files of sentences to a .png, as plot would.

    A line is a text in a .txt file; text, tab, target in a .tsv file. Line 7 of korean.txt becomes
    FOLDER/korean.txt/007.png. Other files are passed over.
    """
    from attnviz.batch import Job, draw_all, find_files, folders, read_jobs, trace_each
    from attnviz.files import write_whole
    from attnviz.render import render
    from attnviz.render.plan import plot_scene

    selection = run.selection  # a kind that is none is found out before a model is loaded
    files = find_files(paths)
    errors: list[AttnvizError] = []
    jobs: list[Job] = []
    for file, folder in folders(files, output).items():
        try:
            jobs += read_jobs(file, folder)
        except AttnvizError as error:
            errors.append(error)
    model = run.load()
    noted: dict[str, None] = {}

    def trace_all(some: Sequence[Job]) -> "Iterator[Trace]":
        return run.all_by(model, [job.text for job in some], [job.target for job in some])

    traces = trace_each(jobs, trace_all)

    def draw(job: Job) -> None:
        trace = next(traces)  # its own, for both go in order
        if isinstance(trace, AttnvizError):
            raise trace
        noted.update(dict.fromkeys(f"{job.source}, line {job.line}: {note}" for note in trace.notes))
        scene, _ = plot_scene(trace, selection, look)
        write_whole(job.output, render(trace, [scene], ".png", look))

    written = 0
    with bar("Drawing", len(jobs)) as advance, interruptible() as heed:
        for done in draw_all(jobs, draw):
            heed()
            advance(now=f"{done.job.source.name}:{done.job.line}")
            written += done.error is None
            if done.error:
                place = f"{done.job.source}, line {done.job.line}: {done.error.message}"
                errors.append(AttnvizError(place, done.error.hint))
    notes(noted)
    for failed in errors:
        report(failed)
    of_files = f"{len(files)} file" if len(files) == 1 else f"{len(files)} files"
    say(f"{written} pictures of {len(jobs)} lines in {of_files}.")
    wrote(output)
    if errors:
        raise typer.Exit(PARTLY_FAILED)

"""Many texts to many pictures."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import count
from os.path import abspath, commonpath, exists, isdir, isfile
from pathlib import Path

from attnviz.attention import Trace
from attnviz.errors import AbsentHeadError, AttnvizError, FileError, InputError
from attnviz.files import decoded

ENDINGS = (".txt", ".tsv")
TOGETHER = 16  # lines that are handed to a model at once


@dataclass(frozen=True)
class Job:
    """One line of a file, to be drawn to `output`."""

    source: Path
    line: int
    text: str
    target: str | None
    output: Path


@dataclass(frozen=True)
class Done:
    """What became of a job: `error` is None where its picture was written."""

    job: Job
    error: AttnvizError | None = None


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The .txt and .tsv files among `paths` and in its folders, in order. Raises FileError for a path that is not."""
    found: dict[Path, None] = {}
    for path in paths:
        if not exists(path):
            raise FileError(f"no such file or folder: {path}", "Give .txt or .tsv files, or folders of them.")
        inside = sorted(path.rglob("*")) if isdir(path) else [path]
        found |= dict.fromkeys(file for file in inside if file.suffix.lower() in ENDINGS and isfile(file))
    if not found:
        raise FileError(f"no .txt or .tsv file in {', '.join(map(str, paths))}", "A .txt file holds one text a line.")
    return list(found)


def read_jobs(file: Path, output: Path) -> list[Job]:
    """A job for each line of `file` that is not blank: its text, and in a .tsv file its target after a tab.

    The picture of line 7 of `korean.txt` is `output/korean.txt/007.png`. Raises InputError where the file is not
    UTF-8 or all its lines are blank, and FileError where it cannot be read.
    """
    try:
        lines = decoded(file.read_bytes(), str(file)).split("\n")
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from error
    digits = max(3, len(str(len(lines))))
    jobs = []
    for number, line in enumerate(lines, start=1):
        text, target = line.rstrip("\r"), ""
        if file.suffix.lower() == ".tsv":
            text, _, target = text.partition("\t")
        if line.strip():
            jobs.append(Job(file, number, text, target.strip() or None, output / f"{number:0{digits}}.png"))
    if not jobs:
        raise InputError(f"{file} holds no text", "One text a line; in a .tsv file text, tab, target.")
    return jobs


def folders(files: Sequence[Path], output: Path) -> dict[Path, Path]:
    """A folder of its own under `output` for each file, named after the file.

    Where files share a name, it stands below as much of their paths as tells them apart.
    Raises FileError where a file stands in the place of one of the folders.
    """
    absolute = {file: Path(abspath(file)) for file in files}
    alike: dict[str, set[Path]] = {}
    for path in absolute.values():
        alike.setdefault(path.name, set()).add(path)
    named = {path: name for paths in alike.values() for path, name in _names_apart(paths).items()}
    chosen = {file: output / named[path] for file, path in absolute.items()}
    for file, folder in chosen.items():
        for taken in (place for place in (folder, *folder.parents) if isfile(place)):
            raise FileError(
                f"cannot write the pictures of {file} to the folder {folder}: {taken} is a file",
                "Choose another folder with -o.",
            )
    return chosen


def _names_apart(paths: Collection[Path]) -> dict[Path, Path]:
    """The end of each of `paths`, as many folders and the file as it takes to tell them apart."""
    root = commonpath([path.parent for path in paths])
    below = {path: path.relative_to(root).parts for path in paths}
    length = next(n for n in count(1) if len({parts[-n:] for parts in below.values()}) == len(paths))
    return {path: Path(*parts[-length:]) for path, parts in below.items()}


def trace_each(
    jobs: Sequence[Job], trace_all: Callable[[Sequence[Job]], Iterator[Trace]]
) -> Iterator[Trace | AttnvizError]:
    """The trace of every job, in order, or why there is none; `trace_all` makes those of several, or fails."""
    for start in range(0, len(jobs), TOGETHER):
        waiting = list(jobs[start : start + TOGETHER])
        try:
            for trace in trace_all(tuple(waiting)):
                del waiting[0]
                yield trace
        except AttnvizError:  # of one of them: which, each alone will tell
            for job in waiting:
                try:
                    yield from trace_all([job])
                except AttnvizError as error:
                    yield error


def draw_all(
    traced: Iterable[tuple[Job, Trace | AttnvizError]],
    draw: Callable[[Job, Trace], None],
    executor: Executor | None = None,
) -> Iterator[Done]:
    """Draw every job with its trace, here or by `executor`; tell of each as it is done, in order.

    One that fails, or of which there is no trace, stops no other. Raises AbsentHeadError: what the model does not have,
    it has for no job.
    """
    return (executor.map if executor else map)(partial(_attempt, draw), traced)


def _attempt(draw: Callable[[Job, Trace], None], traced: tuple[Job, Trace | AttnvizError]) -> Done:
    job, trace = traced
    try:
        if isinstance(trace, AttnvizError):
            raise trace
        draw(job, trace)
    except AbsentHeadError:
        raise
    except AttnvizError as error:
        return Done(job, error)
    return Done(job)

"""What there is to do: a picture for each line of files of texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from glob import glob
from itertools import count
from os.path import abspath, commonpath, exists, isdir, isfile
from pathlib import Path

from attnviz.corpus import Entry, Fault, read_corpus
from attnviz.errors import FileError, InputError

ENDINGS = (".txt", ".tsv", ".csv", ".jsonl", ".parquet")
"""The files of texts."""
OWN = "manifest.jsonl"
"""What `batch` itself writes into a folder."""


@dataclass(frozen=True)
class Job:
    """One line of the file `source`, and the picture to draw of it."""

    source: Path
    entry: Entry
    output: Path

    @property
    def place(self) -> str:
        """The file and the line: `a.txt, line 7`."""
        return f"{self.source}, {self.entry.place}"


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files of texts among `paths`, in their folders and of their patterns (`texts/*.csv`), in order.

    Raises FileError if a path does not exist.
    """
    found: dict[Path, None] = {}
    known = f"Files of texts are {', '.join(ENDINGS)}; or give folders of them."
    for path in paths:
        matching = [path] if exists(path) else sorted(map(Path, glob(str(path), recursive=True)))
        if not matching:
            raise FileError(f"no such file or folder: {path}", known)
        for one in matching:
            inside = sorted(one.rglob("*")) if isdir(one) else [one]
            texts = (file for file in inside if file.suffix.lower() in ENDINGS and file.name != OWN)
            found |= dict.fromkeys(file for file in texts if isfile(file))
    if not found:
        raise FileError(f"no file of texts in {', '.join(map(str, paths))}", known)
    return list(found)


def read_jobs(file: Path, output: Path) -> tuple[list[Job], list[Fault]]:
    """A job for each text of `file`, as `read_corpus` reads it, and the lines that cannot be used.

    The picture of line 7 is `output/007.png`. Raises InputError if there is no text, and FileError if the file cannot
    be read.
    """
    lines = list(read_corpus(file))
    entries = [one for one in lines if isinstance(one, Entry)]
    if not lines:
        raise InputError(
            f"{file} holds no text", "One text a line; in a .tsv file text, tab, target; in a table a column text."
        )
    digits = max([3, *(len(str(entry.number)) for entry in entries)])
    jobs = [Job(file, entry, output / f"{entry.number:0{digits}}.png") for entry in entries]
    return jobs, [one for one in lines if isinstance(one, Fault)]


def folders(files: Sequence[Path], output: Path) -> dict[Path, Path]:
    """A folder under `output` for each file, with the name of the file.

    If files have the same name, their folders include the parts of their paths that differ. Raises FileError if a file
    exists where a folder has to be.
    """
    absolute = {file: Path(abspath(file)) for file in files}
    by_name: dict[str, set[Path]] = {}
    for path in absolute.values():
        by_name.setdefault(path.name, set()).add(path)
    names = {path: name for paths in by_name.values() for path, name in _distinct_names(paths).items()}
    outputs = {file: output / names[path] for file, path in absolute.items()}
    for file, folder in outputs.items():
        for existing in (path for path in (folder, *folder.parents) if isfile(path)):
            raise FileError(
                f"cannot write the pictures of {file} to the folder {folder}: {existing} is a file",
                "Choose another folder with -o.",
            )
    return outputs


def _distinct_names(paths: Collection[Path]) -> dict[Path, Path]:
    """The last parts of each path, as many as are needed to make all of them different."""
    root = commonpath([path.parent for path in paths])
    below = {path: path.relative_to(root).parts for path in paths}
    length = next(n for n in count(1) if len({parts[-n:] for parts in below.values()}) == len(paths))
    return {path: Path(*parts[-length:]) for path, parts in below.items()}

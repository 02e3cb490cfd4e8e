"""A corpus is a file of many texts. This package reads it, and measures what heads do over all its texts.

A reader yields an `Entry` for each text, and a `Fault` for each line that cannot be used. It holds one line at a time.
The files in the order of the work: `lines`, `records` and `conllu` read, `tracing` runs the model, `pairs` finds pairs
of words, `measures` adds up, `examples` and `roles` are made from the sums; `remarks` lists errors and notes.
"""

from collections.abc import Callable, Iterator
from os.path import isdir, isfile
from pathlib import Path

from attnviz.corpus.conllu import read_conllu
from attnviz.corpus.entry import Entry, Fault
from attnviz.corpus.records import read_csv, read_jsonl, read_parquet, read_tsv, read_txt
from attnviz.errors import FileError

READERS: dict[str, Callable[[Path], Iterator[Entry | Fault]]] = {
    ".txt": read_txt,
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
    ".conllu": read_conllu,
}
"""The reader of each file ending."""

__all__ = ["READERS", "Entry", "Fault", "read_corpus"]


def read_corpus(file: Path) -> Iterator[Entry | Fault]:
    """The texts of `file`, in order. Only regular files are read, so that a second pass is possible.

    Raises FileError if `file` is not a file, has an unknown ending or cannot be read, and InputError for a table
    without a column `text`.
    """
    endings = f"A corpus is a file: {', '.join(READERS)}."
    if not isfile(file):
        raise FileError(f"{file} is a folder" if isdir(file) else f"no such file: {file}", endings)
    if file.suffix.lower() not in READERS:
        raise FileError(f"cannot read {file.suffix or 'such'} files as a corpus: {file}", endings)
    return READERS[file.suffix.lower()](file)

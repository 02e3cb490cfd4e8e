"""Many texts in a file, with what goes with them, and what the heads of a model do over all of them.

A reader gives one entry after the other, and a fault for each that cannot be used; no more of the file is held.
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
"""What reads a file that ends so."""

__all__ = ["READERS", "Entry", "Fault", "read_corpus"]


def read_corpus(file: Path) -> Iterator[Entry | Fault]:
    """The texts of `file`, in order; it can be read again, for it is no pipe.

    Raises FileError for what is no file of texts or cannot be read, and InputError for a table without a column `text`.
    """
    endings = f"A corpus is a file: {', '.join(READERS)}."
    if not isfile(file):
        raise FileError(f"{file} is a folder" if isdir(file) else f"no such file: {file}", endings)
    if file.suffix.lower() not in READERS:
        raise FileError(f"cannot read {file.suffix or 'such'} files as a corpus: {file}", endings)
    return READERS[file.suffix.lower()](file)

"""Texts, each in a line of text or of JSON, or in a row of a table, with its target and its pair of words."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attnviz.corpus.entry import FIELDS, FROM, PAIR, TARGET, TEXT, TO, Entry, Fault
from attnviz.corpus.lines import read_lines
from attnviz.errors import FileError, InputError

COLUMNS = f"Its columns: {TEXT}, and as needed {', '.join(FIELDS[1:])}."


def read_txt(file: Path) -> Iterator[Entry | Fault]:
    """A text for each line that is not blank."""
    for number, line in read_lines(file):
        if isinstance(line, Fault):
            yield line
        elif line.strip():
            yield Entry(f"line {number}", line)


def read_jsonl(file: Path) -> Iterator[Entry | Fault]:
    """A text for each line, which holds a JSON object."""
    for number, line in read_lines(file):
        if isinstance(line, Fault):
            yield line
        elif line.strip():
            yield _entry_of_json(f"line {number}", line)


def read_csv(file: Path) -> Iterator[Entry | Fault]:
    """A text for each row after the first, which names the columns. Raises InputError if none is `text`."""
    faults: list[Fault] = []
    reader = csv.reader(_usable_lines(read_lines(file), faults), strict=True)
    names: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            faults.append(Fault(f"line {reader.line_num}", InputError(f"not a row of CSV: {error}")))
            row = []
        yield from faults
        faults.clear()
        if names is None and row:
            names = _require_text_column(row, file)
        elif names and row:
            yield _entry_of_row(f"line {reader.line_num}", names, row)
    yield from faults


def read_tsv(file: Path) -> Iterator[Entry | Fault]:
    """A text for each line. The first may name the columns; if it does not, they are text and target."""
    names: Sequence[str] | None = None
    for number, line in read_lines(file):
        if isinstance(line, Fault):
            yield line
            continue
        row = line.split("\t")
        if names is None:
            named = [name.strip().lower() for name in row]
            names = named if TEXT in named else FIELDS[:2]
            if names is named:
                continue
        if line.strip():
            yield _entry_of_row(f"line {number}", names, row if len(names) > 2 else line.split("\t", 1))


def read_parquet(file: Path) -> Iterator[Entry | Fault]:
    """A text for each row. Raises FileError without the package pyarrow, and InputError if no column is `text`."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise FileError("reading .parquet needs the package pyarrow", "pip install 'attnviz[parquet]'") from error
    try:
        with ParquetFile(file) as table:
            names = [name for name in table.schema_arrow.names if name in FIELDS]
            _require_text_column(names, file)
            number = 0
            for batch in table.iter_batches(batch_size=256, columns=names):
                for record in batch.to_pylist():
                    number += 1
                    yield _entry(f"row {number}", record)
    except (ArrowException, OSError, ValueError) as error:
        raise FileError(f"cannot read {file}: {error}", "Is it a .parquet file?") from error


def _usable_lines(lines: Iterable[tuple[int, str | Fault]], faults: list[Fault]) -> Iterator[str]:
    """The lines, each with a line end; a fault is added to `faults`, and an empty line takes its place."""
    for _, line in lines:
        if isinstance(line, Fault):
            faults.append(line)
            line = ""
        yield f"{line}\n"


def _require_text_column(row: Sequence[str], file: Path) -> list[str]:
    names = [name.strip().lower() for name in row]
    if TEXT not in names:
        raise InputError(f"{file} has no column {TEXT!r}", COLUMNS)
    return names


def _entry_of_row(place: str, names: Sequence[str], row: Sequence[str]) -> Entry | Fault:
    if len(row) > len(names):
        return Fault(place, InputError(f"it has {len(row)} fields, and there are {len(names)} columns", COLUMNS))
    return _entry(place, dict(zip(names, row, strict=False)))


def _entry_of_json(place: str, line: str) -> Entry | Fault:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Fault(place, InputError(f"not JSON: {error}", 'For example: {"text": "I ate an apple"}'))
    if not isinstance(record, dict):
        return Fault(place, InputError("not a JSON object", 'For example: {"text": "I ate an apple"}'))
    return _entry(place, record)


def _entry(place: str, record: Mapping[str, Any]) -> Entry | Fault:
    """The text of a record, and what belongs to it; a blank field counts as missing."""
    given = {name: record[name] for name in FIELDS if not _is_blank(record.get(name))}
    for name, value in given.items():
        if not isinstance(value, str):
            return Fault(place, InputError(f"its {name} is of type {type(value).__name__}, not a text"))
    if TEXT not in given:
        return Fault(place, InputError("the text is empty", COLUMNS))
    if (FROM in given) != (TO in given):
        has, lacks = (FROM, TO) if FROM in given else (TO, FROM)
        return Fault(place, InputError(f"it has {has!r} without {lacks!r}", "A pair has both words."))
    words = (given[FROM], given[TO]) if FROM in given else None
    return Entry(place, given[TEXT], given.get(TARGET), given.get(PAIR), words)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())

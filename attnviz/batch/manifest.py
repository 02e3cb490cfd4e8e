"""What a folder of pictures holds: `manifest.jsonl`, with a line for each text, and `batch.json`, how they were drawn.

A line is appended when its picture has been written, so that a run that was ended at any moment can be continued. A
finished manifest is in the order of the texts.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from attnviz.analysis import HeadChoice
from attnviz.batch.jobs import OWN, Job
from attnviz.errors import FileError
from attnviz.files import write_whole

MANIFEST, SETTINGS = OWN, "batch.json"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one text: its picture `output`, or an `error`.

    `output` is below the folder of the manifest. `number` is that of its line or row in the file `source`. `measures`
    are those of the head that is drawn, null where one does not apply; `seconds` is how long drawing took.
    """

    source: str
    number: int
    text: str = ""
    target: str | None = None
    pair: str | None = None
    model: str | None = None
    revision: str | None = None
    kind: str | None = None
    layer: int | None = None
    head: int | None = None
    measures: dict[str, float | None] | None = None
    output: str | None = None
    seconds: float | None = None
    error: str | None = None
    hint: str | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Which text of all it is."""
        return self.source, self.number

    def having(self, **values: Any) -> "Line":
        """The same line with other `values`."""
        return msgspec.structs.replace(self, **values)


class ChosenHead(msgspec.Struct, frozen=True):
    """The head that was chosen over all texts of a file; `texts` is a digest of them."""

    texts: str
    choice: HeadChoice


class Settings(msgspec.Struct, frozen=True):
    """How all pictures of a folder were drawn: the model and the options; and the head that was chosen for each file.

    `attnviz` is the version that began the folder.
    """

    attnviz: str
    model: str
    options: dict[str, str]
    heads: dict[str, ChosenHead] = {}


def digest(jobs: Iterable[Job]) -> str:
    """A digest of the texts of a file, with their targets and pairs."""
    texts = [(job.entry.number, job.entry.text, job.entry.target, job.entry.pair) for job in jobs]
    return sha256(msgspec.json.encode(texts)).hexdigest()[:32]


class Manifest:
    """The manifest of `folder`. Nothing is written before `begin`.

    Raises FileError where the folder holds pictures of another model or of other options, or cannot be read.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.lines: dict[tuple[str, int], Line] = {}
        self._file: BinaryIO | None = None
        try:
            if (known := self._read(SETTINGS)) is not None:
                self.settings = _require_same(folder, known, settings)
            self.lines = {line.key: line for line in _lines(self._read(MANIFEST) or b"")}
        except OSError as error:
            raise FileError(f"cannot read {folder}: {error.strerror}", "Choose another folder with -o.") from error

    def _read(self, name: str) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def chosen(self, source: Path, jobs: Iterable[Job]) -> HeadChoice | None:
        """The head that an earlier run chose over the texts of `source`, if these are the same."""
        known = self.settings.heads.get(str(source))
        return known.choice if known and known.texts == digest(jobs) else None

    def has(self, job: Job, choice: HeadChoice | None = None) -> bool:
        """Whether the picture of a job was drawn, of its text and of the head of `choice`."""
        line = self.lines.get((str(job.source), job.entry.number))
        entry = job.entry
        if line is None or line.error or (line.text, line.target, line.pair) != (entry.text, entry.target, entry.pair):
            return False
        if choice and (line.kind, line.layer, line.head) != (choice.kind, choice.layer, choice.head):
            return False
        return line.output == self.name_of(job) and job.output.is_file()

    def name_of(self, job: Job) -> str:
        """The picture of a job, below the folder."""
        return job.output.relative_to(self.folder).as_posix()

    def begin(self, heads: Mapping[str, ChosenHead], jobs: Iterable[Job]) -> None:
        """Begin or continue: write the settings, with the heads that were chosen, and what is done so far.

        Files that an earlier run of `jobs` left half written are deleted.
        """
        if self._file is not None:
            return
        self.settings = msgspec.structs.replace(self.settings, heads={**self.settings.heads, **heads})
        write_whole(self.folder / SETTINGS, msgspec.json.format(msgspec.json.encode(self.settings), indent=1) + b"\n")
        self._write()
        whole: dict[Path, set[str]] = {}
        for path in (self.folder / SETTINGS, self.folder / MANIFEST, *(job.output for job in jobs)):
            whole.setdefault(path.parent, set()).add(path.name)
        for folder, names in whole.items():
            for left in folder.glob(".*.*.*") if folder.is_dir() else ():
                if left.name[1:].rpartition(".")[0] in names:  # as `write_whole` names what it writes
                    left.unlink(missing_ok=True)
        self._file = open(self.folder / MANIFEST, "ab", buffering=0)  # noqa: SIM115

    def add(self, line: Line) -> None:
        """Append a line, in one step."""
        assert self._file is not None
        self.lines[line.key] = line
        self._file.write(msgspec.json.encode(line) + b"\n")

    def finish(self, order: Sequence[tuple[str, int]]) -> None:
        """Write the manifest in the `order` of the texts, after those of other files."""
        self.close()
        places = {key: place for place, key in enumerate(order)}
        self.lines = dict(sorted(self.lines.items(), key=lambda item: places.get(item[0], -1)))
        self._write()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self) -> None:
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in self.lines.values())
        write_whole(self.folder / MANIFEST, data)


def _lines(data: bytes) -> Iterable[Line]:
    """The lines that were written whole: the last one may not be."""
    decoder = msgspec.json.Decoder(Line)
    for line in data.split(b"\n"):
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue


def _require_same(folder: Path, data: bytes, settings: Settings) -> Settings:
    """The settings of the pictures in `folder`. Raises FileError where they are not those of this run."""
    try:
        known = msgspec.json.decode(data, type=Settings)
    except msgspec.DecodeError as error:
        raise FileError(
            f"{folder / SETTINGS} is not a file of attnviz batch", "Choose another folder with -o."
        ) from error
    hint = "Choose another folder with -o, or delete this one."
    if known.model != settings.model:
        raise FileError(f"{folder} holds pictures of the model {known.model}, not of {settings.model}", hint)
    if known.options != settings.options:
        theirs, ours = (
            " ".join(f"--{name} {value}" for name, value in sorted(options.items())) or "no option"
            for options in (known.options, settings.options)
        )
        raise FileError(f"{folder} holds pictures with other options: with {theirs}, and now with {ours}", hint)
    return known

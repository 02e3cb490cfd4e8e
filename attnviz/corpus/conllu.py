"""Sentences of CoNLL-U, the format of Universal Dependencies: a word a line, ten columns, blank lines between them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from unicodedata import normalize

from attnviz.attention import Range
from attnviz.corpus.entry import Entry, Fault
from attnviz.corpus.lines import read_lines
from attnviz.corpus.sentence import Dependency, Sentence
from attnviz.errors import InputError

_COLUMNS = 10
_NUMBER, _SEVERAL, _EMPTY_NODE = r"[1-9]\d{0,5}", r"([1-9]\d{0,5})-([1-9]\d{0,5})", r"\d+\.\d+"


def read_conllu(file: Path) -> Iterator[Entry | Fault]:
    """The sentences of `file`, each at the line that its first word stands on; comments and empty nodes are left out.

    The text is made of the forms, in Unicode's composed form, as the format has them, with a space after each unless
    its last column says `SpaceAfter=No`. A sentence with a damaged line is a fault.
    """
    for is_blank, lines in groupby(read_lines(file), key=lambda line: isinstance(line[1], str) and not line[1].strip()):
        if not is_blank and (entry := _entry_of(lines)):
            yield entry


def _entry_of(lines: Iterable[tuple[int, str | Fault]]) -> Entry | Fault | None:
    """The sentence of some lines; None where they are comments alone."""
    first, rows = None, list[list[str]]()
    for number, line in lines:
        if isinstance(line, Fault):
            return line
        if line.startswith("#"):
            continue
        first = first or f"line {number}"
        row = line.split("\t")
        if len(row) != _COLUMNS:
            said = f"it has {len(row)} columns, and a line of CoNLL-U {_COLUMNS}"
            return Fault(f"line {number}", InputError(said, "A tab stands between them."))
        rows.append(row)
    if first is None:
        return None
    try:
        text, words = _placed(rows)
        return Entry(first, text, sentence=Sentence(words, tuple(_dependencies(rows, len(words)))))
    except ValueError as error:
        return Fault(first, InputError(f"no sentence of CoNLL-U: {error}"))


def _placed(rows: Sequence[Sequence[str]]) -> tuple[str, tuple[Range, ...]]:
    """The text of a sentence, and where each of its words stands. Raises ValueError for numbers out of order."""
    forms = {row[0]: normalize("NFC", row[1]) for row in rows}
    text, words, written = "", list[Range](), set[str]()
    for number, _, *_, misc in rows:
        if re.fullmatch(_EMPTY_NODE, number):
            continue
        if number in written:  # as one with others
            written.remove(number)
            continue
        several = re.fullmatch(_SEVERAL, number)
        first, last = (int(several[1]), int(several[2])) if several else (_number(number),) * 2
        if first != len(words) + 1 or last < first:
            raise ValueError(f"word {number} stands after word {len(words)}")
        if not forms[number]:
            raise ValueError(f"word {number} is empty")
        words += _places(len(text), forms[number], [_form(forms, word) for word in range(first, last + 1)])
        written |= {str(word) for word in range(first, last + 1)} if several else set()
        text += forms[number] + " " * ("SpaceAfter=No" not in misc.split("|"))
    return text.rstrip(" "), tuple(words)


def _places(start: int, written: str, parts: Sequence[str]) -> Iterator[Range]:
    """Where each of `parts` stands in what is `written` from `start` on.

    Each has letters of its own where they make it up, as `do` and `n't`; all of it stands for each where they do not,
    as in `du`, which is `de le`.
    """
    own = "".join(parts) == written
    for part in parts:
        yield start, start + len(part if own else written)
        start += len(part) * own


def _form(forms: Mapping[str, str], word: int) -> str:
    if str(word) not in forms:
        raise ValueError(f"word {word} is missing")
    return forms[str(word)]


def _dependencies(rows: Sequence[Sequence[str]], words: int) -> Iterator[Dependency]:
    """What each word depends on, where that is said.

    Raises ValueError for a head that is no word, and for a relation without a name.
    """
    for number, *_, head, relation, _, _ in rows:
        if not re.fullmatch(_NUMBER, number) or head in ("0", "_"):
            continue
        if _number(head) > words:
            raise ValueError(f"word {number} depends on word {head} of {words}")
        if not relation:
            raise ValueError(f"word {number} has no relation to word {head}")
        yield Dependency(int(number) - 1, int(head) - 1, relation)


def _number(written: str) -> int:
    if not re.fullmatch(_NUMBER, written):
        raise ValueError(f"{written!r} is no number of a word")
    return int(written)

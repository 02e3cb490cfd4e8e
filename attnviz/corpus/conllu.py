"""Sentences in CoNLL-U, the format of Universal Dependencies: a word a line, ten columns, a blank line after each."""

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
_NUMBER, _RANGE, _EMPTY_NODE = r"[1-9]\d{0,5}", r"([1-9]\d{0,5})-([1-9]\d{0,5})", r"\d+\.\d+"


def read_conllu(file: Path) -> Iterator[Entry | Fault]:
    """The sentences of `file`, each with the line of its first word; comments and empty nodes are left out.

    The text is the forms of the words in Unicode's composed form (NFC), with a space after each unless its last column
    says `SpaceAfter=No`. A sentence with a damaged line is a fault.
    """
    for is_blank, lines in groupby(read_lines(file), key=lambda line: isinstance(line[1], str) and not line[1].strip()):
        if not is_blank and (entry := _entry_of(lines)):
            yield entry


def _entry_of(lines: Iterable[tuple[int, str | Fault]]) -> Entry | Fault | None:
    """The sentence in some lines; None if all of them are comments."""
    first, rows = None, list[list[str]]()
    for number, line in lines:
        if isinstance(line, Fault):
            return line
        if line.startswith("#"):
            continue
        first = first or f"line {number}"
        row = line.split("\t")
        if len(row) != _COLUMNS:
            message = f"it has {len(row)} columns, and a line of CoNLL-U has {_COLUMNS}"
            return Fault(f"line {number}", InputError(message, "Columns are separated by tabs."))
        rows.append(row)
    if first is None:
        return None
    try:
        text, words = _text_and_words(rows)
        return Entry(first, text, sentence=Sentence(words, tuple(_dependencies(rows, len(words)))))
    except ValueError as error:
        return Fault(first, InputError(f"not a sentence of CoNLL-U: {error}"))


def _text_and_words(rows: Sequence[Sequence[str]]) -> tuple[str, tuple[Range, ...]]:
    """The text of a sentence, and the characters of each of its words. Raises ValueError for numbers out of order."""
    forms = {row[0]: normalize("NFC", row[1]) for row in rows}
    text, words, done = "", list[Range](), set[str]()
    for number, _, *_, misc in rows:
        if re.fullmatch(_EMPTY_NODE, number):
            continue
        if number in done:  # it was part of a range, which has the form
            done.remove(number)
            continue
        in_range = re.fullmatch(_RANGE, number)
        first, last = (int(in_range[1]), int(in_range[2])) if in_range else (_number(number),) * 2
        if first != len(words) + 1 or last < first:
            raise ValueError(f"word {number} stands after word {len(words)}")
        if not forms[number]:
            raise ValueError(f"word {number} is empty")
        words += _word_ranges(len(text), forms[number], [_form(forms, word) for word in range(first, last + 1)])
        done |= {str(word) for word in range(first, last + 1)} if in_range else set()
        text += forms[number] + " " * ("SpaceAfter=No" not in misc.split("|"))
    return text.rstrip(" "), tuple(words)


def _word_ranges(start: int, form: str, parts: Sequence[str]) -> Iterator[Range]:
    """The characters of each word of `parts`, which the text writes as one `form` from `start` on.

    If the parts spell the form, as `do` and `n't` do, each has its own characters. If they do not, as in French `du`,
    which is `de` and `le`, each has all characters of the form.
    """
    are_separate = "".join(parts) == form
    for part in parts:
        yield start, start + len(part if are_separate else form)
        start += len(part) * are_separate


def _form(forms: Mapping[str, str], word: int) -> str:
    if str(word) not in forms:
        raise ValueError(f"word {word} is missing")
    return forms[str(word)]


def _dependencies(rows: Sequence[Sequence[str]], words: int) -> Iterator[Dependency]:
    """The dependencies that are given, without that of the root.

    Raises ValueError for a head that is not a word, and for a relation without a name.
    """
    for number, *_, head, relation, _, _ in rows:
        if not re.fullmatch(_NUMBER, number) or head in ("0", "_"):
            continue
        if _number(head) > words:
            raise ValueError(f"word {number} depends on word {head} of {words}")
        if not relation:
            raise ValueError(f"word {number} has no relation to word {head}")
        yield Dependency(int(number) - 1, int(head) - 1, relation)


def _number(field: str) -> int:
    if not re.fullmatch(_NUMBER, field):
        raise ValueError(f"{field!r} is not the number of a word")
    return int(field)

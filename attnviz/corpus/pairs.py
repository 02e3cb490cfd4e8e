"""Pairs of words in a text, as tokens of the model: two words that are named, or the dependencies of a sentence."""

from contextlib import suppress
from dataclasses import dataclass

from attnviz.analysis.pair_score import Relation, UnitPairs
from attnviz.analysis.word_units import units_of_tokens, units_of_words
from attnviz.attention import Attention, Trace
from attnviz.corpus.entry import Entry
from attnviz.corpus.sentence import Sentence
from attnviz.errors import InputError, SelectionError
from attnviz.labels import visible
from attnviz.render.named_link import find_link


@dataclass(frozen=True)
class TextPairs:
    """The pairs of a text by relation, and the number of pairs that are `lost`: see `CorpusMeasures`."""

    by_relation: dict[Relation, UnitPairs]
    lost: int = 0


def find_pairs(entry: Entry, trace: Trace) -> TextPairs:
    """The pairs of `entry` in its trace, in both directions; pairs that a mask hides are left out.

    Raises SelectionError if a word is not in the text or is there several times, and InputError if two words share a
    token.
    """
    found, lost = _of_sentence(entry.sentence, trace) if entry.sentence else (_of_words(entry, trace), 0)
    seen = ((relation, pairs.visible(trace[relation.kind])) for relation, pairs in found.items())
    return TextPairs({relation: pairs for relation, pairs in seen if pairs.pairs}, lost)


def _of_sentence(sentence: Sentence, trace: Trace) -> tuple[dict[Relation, UnitPairs], int]:
    """The dependencies of a sentence in each attention from the sentence to itself, and how many are lost."""
    found: dict[Relation, UnitPairs] = {}
    lost = 0
    for attention in trace.attentions:
        if attention.kind == "cross" or (attention.part == "decoder" and trace.target is not None):
            continue
        words = units_of_words(sentence.words, attention.keys, trace.text)
        pairs: dict[str, list[tuple[int, int]]] = {}
        for one in sentence.dependencies:
            dependent, head = words.of_word[one.dependent], words.of_word[one.head]
            if dependent is None or head is None or dependent == head:
                lost += 1
            else:
                pairs.setdefault(one.relation, []).append((dependent, head))
        for name, both in pairs.items():
            back = [(head, dependent) for dependent, head in both]
            found[Relation(attention.kind, name)] = UnitPairs(words.units, words.units, both)
            found[Relation(attention.kind, name, is_reversed=True)] = UnitPairs(words.units, words.units, back)
    return found, lost


def _of_words(entry: Entry, trace: Trace) -> dict[Relation, UnitPairs]:
    """The pair of words of an entry in each kind that has both; in both directions where one text is read."""
    assert entry.words
    found: dict[Relation, UnitPairs] = {}
    errors: list[SelectionError] = []
    query, key = entry.words
    for attention in trace.attentions:
        try:
            found[Relation(attention.kind, "")] = _pair(trace, attention, query, key)
        except SelectionError as error:
            errors.append(error)
        else:
            with suppress(SelectionError):  # a row may be named by the token that it writes
                if attention.kind != "cross":
                    found[Relation(attention.kind, "", is_reversed=True)] = _pair(trace, attention, key, query)
    if not found:
        raise errors[0]
    return found


def _pair(trace: Trace, attention: Attention, query: str, key: str) -> UnitPairs:
    rows, columns = find_link(trace, attention, query, key)
    if attention.kind == "cross":
        keys = units_of_tokens(attention.keys, columns)
        return UnitPairs([rows], keys, [(0, keys.index(columns))])
    if {*rows} & {*columns}:
        raise InputError(f"{visible(query)!r} and {visible(key)!r} share a token", "A pair is of two words.")
    units = units_of_tokens(attention.keys, rows, columns)
    return UnitPairs(units, units, [(units.index(rows), units.index(columns))])

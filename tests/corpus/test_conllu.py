"""Sentences of CoNLL-U: their text, the characters of each word, and the dependencies."""

from pathlib import Path
from unicodedata import normalize

import pytest

from attnviz.corpus import Fault, read_corpus
from attnviz.corpus.sentence import Dependency

SAMPLE = Path(__file__).parents[2] / "samples" / "simple.conllu"


def word(number, form, head="0", relation="root", misc="_"):
    return "\t".join([str(number), form, "_", "_", "_", "_", str(head), relation, "_", misc])


def read(folder: Path, *lines: str):
    (folder / "a.conllu").write_text("\n".join(lines), "utf-8")
    return list(read_corpus(folder / "a.conllu"))


def words_of(entry):
    return [entry.text[start:end] for start, end in entry.sentence.words]


def test_the_text_of_a_sentence_is_its_forms_and_their_spaces(tmp_path):
    lines = [
        word(1, "I", 2, "nsubj"),
        word(2, "ate"),
        word(3, "apples", 2, "obj", "SpaceAfter=No"),
        word(4, ".", 2, "punct"),
    ]
    [entry] = read(tmp_path, "# text = whatever", *lines, "")
    assert (entry.place, entry.text) == ("line 2", "I ate apples.")
    assert words_of(entry) == ["I", "ate", "apples", "."]
    assert entry.sentence.dependencies == (
        Dependency(0, 1, "nsubj"),
        Dependency(2, 1, "obj"),
        Dependency(3, 1, "punct"),
    )


def test_words_that_are_written_as_one_have_their_own_characters_or_share_all(tmp_path):
    [entry] = read(
        tmp_path,
        word("1-2", "Don't", "_", "_"), word(1, "Do", 3, "aux"), word(2, "n't", 3, "advmod"), word(3, "run"),
        word("4-5", "du", "_", "_", "SpaceAfter=No"), word(4, "de", 3, "case"), word(5, "le", 3, "det"),
        word(6, "!", 3, "punct"),
    )  # fmt: skip
    assert entry.text == "Don't run du!"
    assert words_of(entry) == ["Do", "n't", "run", "du", "du", "!"]


def test_empty_nodes_and_missing_heads_are_skipped(tmp_path):
    [entry] = read(
        tmp_path, word("0.1", "who", "_", "_"), word(1, "I"), word("1.1", "ate", "_", "_"), word(2, "it", "_", "_")
    )
    assert (entry.text, words_of(entry), entry.sentence.dependencies) == ("I it", ["I", "it"], ())


def test_forms_are_in_composed_unicode(tmp_path):
    [entry] = read(tmp_path, word(1, normalize("NFD", "사과를")), word(2, normalize("NFD", "é"), 1, "x"))
    assert (entry.text, words_of(entry)) == ("사과를 é", ["사과를", "é"])


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([word(1, "I"), word(1, "I")], "word 1 stands after word 1"),
        (["1\tI\t_"], "it has 3 columns"),
        ([word("one", "I")], "'one' is not the number of a word"),
        ([word(2, "I")], "word 2 stands after word 0"),
        ([word(1, "I"), word(3, "ate")], "word 3 stands after word 1"),
        ([word(1, "I", 2, "nsubj")], "word 1 depends on word 2 of 1"),
        ([word(1, "I", "x", "nsubj")], "'x' is not the number of a word"),
        ([word(1, "", 0)], "word 1 is empty"),
        ([word(1, "I", 2, ""), word(2, "ate")], "word 1 has no relation to word 2"),
        ([word("1-2", "du"), word(1, "de")], "word 2 is missing"),
        ([word("2-1", "du"), word(1, "de")], "word 2-1 stands after word 0"),
        ([word(1, "I"), word("1-2", "du"), word(2, "le")], "word 1-2 stands after word 1"),
    ],
)
def test_a_damaged_sentence_is_a_fault_and_the_others_are_read(lines, says, tmp_path):
    first, fault, last = read(tmp_path, word(1, "one"), "", *lines, "", "# comment", "", word(1, "three"), "")
    assert (first.text, last.text) == ("one", "three")
    assert isinstance(fault, Fault)
    assert fault.place.startswith("line ")
    assert says in fault.error.message


def test_the_text_of_the_sample_is_that_in_its_comments():
    texts = [
        line.removeprefix("# text = ") for line in SAMPLE.read_text("utf-8").splitlines() if line.startswith("# text")
    ]
    entries = list(read_corpus(SAMPLE))
    assert [entry.text for entry in entries] == texts
    assert len(texts) >= 10
    assert {word for entry in entries for word in words_of(entry)} >= {"does", "n't", "'s", ".", "apple"}

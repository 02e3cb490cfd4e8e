"""What heads do over many texts: against numpy over all texts, against evaluate.py, and for any split of a corpus."""

import random
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from handmade_traces import attention

import attnviz
from attnviz.analysis import MEASURES, Role, head_roles
from attnviz.analysis.head_statistics import HeadStatistics
from attnviz.analysis.pair_score import Relation
from attnviz.attention import Trace
from attnviz.corpus import Entry, Fault
from attnviz.corpus.measures import CorpusMeasures, measure_each
from attnviz.corpus.sentence import Dependency, Sentence
from attnviz.errors import AbsentHeadError, InputError, SelectionError
from attnviz.scratch import transformer
from attnviz.scratch.corpus import draw_corpus, examples
from attnviz.scratch.evaluate import best_offset, verb_to_object
from attnviz.scratch.store import shipped
from attnviz.scratch.tokenizer import ENGLISH, KOREAN

MODEL = attnviz.load("builtin")
TEXTS = [
    "I ate an apple",
    "She wore a red hat.",
    "He played the piano.",
    "그는 버스를 탔다.",
    "They took a bus and went to school.",
    "She ate an apple and she ate an apple.",
    "I took a picture in the garden.",
]


def total(parts):
    return sum(parts, CorpusMeasures())


def measured(entries: list[Entry | Fault], together: int = 16, **options) -> list[CorpusMeasures]:
    """The measures of each text, of which so many are run at once."""

    def trace_all(some):
        for start in range(0, len(some), together):
            part = some[start : start + together]
            yield from MODEL.trace_all([attnviz.Prompt(one.text, one.target) for one in part], **options)

    return [one.measures for one in measure_each(entries, trace_all)]


def entries(texts: list[str]) -> list[Entry]:
    return [Entry(f"line {number}", text) for number, text in enumerate(texts, 1)]


def test_means_spreads_and_counts_are_those_that_numpy_gives_for_all_texts():
    whole = total(measured(entries(TEXTS)))
    assert whole.texts == len(TEXTS)
    traces = [attnviz.trace(text) for text in TEXTS]
    for kind, heads in whole.heads().items():
        for name, measure in MEASURES.items():
            values = np.array([[measure(trace[kind], row.layer)[row.head] for row in heads] for trace in traces])
            for row, of_head in zip(heads, values.T, strict=True):
                known = of_head[~np.isnan(of_head)]
                assert row.texts[name] == len(known)
                assert row.values[name] == pytest.approx(np.mean(known) if len(known) else np.nan, nan_ok=True)
                assert row.spreads[name] == pytest.approx(np.std(known) if len(known) > 1 else np.nan, nan_ok=True)
    assert {row.texts["duplicate"] for row in whole.heads()["self"]} == {1}  # one text has a word twice


@pytest.mark.parametrize("together", [1, 3, 16])
@pytest.mark.parametrize("seed", [None, 1])
def test_the_numbers_are_the_same_however_the_corpus_is_shuffled_split_and_batched(together, seed):
    one_by_one = [*map(CorpusMeasures.of, entries(TEXTS), map(attnviz.trace, TEXTS))]
    order = [*range(len(TEXTS))]
    if seed:
        random.Random(seed).shuffle(order)
    parts = measured([entries(TEXTS)[index] for index in order], together)
    whole = total(one_by_one)
    for cuts in ([0, len(TEXTS)], [0, 1, len(TEXTS)], [0, 2, 5, len(TEXTS)]):
        again = total(total(parts[start:end]) for start, end in pairwise(cuts))
        for kind, heads in whole.heads().items():
            for row, other in zip(heads, again.heads()[kind], strict=True):
                assert row.texts == other.texts
                assert row.values == pytest.approx(other.values, abs=1e-12, nan_ok=True)
                assert row.spreads == pytest.approx(other.spreads, abs=1e-7, nan_ok=True)  # the root of 1e-14
                assert (row.role and row.role.name) == (other.role and other.role.name)


def test_every_text_has_the_same_weight_whatever_its_length():
    # previous: 1 in a text of 2 tokens, 0 in one of 10
    back, own = np.eye(2, k=-1) + np.diag([1.0, 0.0]), np.eye(10)
    whole = HeadStatistics.of(attention([back])) + HeadStatistics.of(attention([own]))
    [row] = whole.rows()
    assert (row.values["previous"], row.spreads["previous"], row.texts["previous"]) == (0.5, 0.5, 2)
    assert row.texts["next"] == 2


def test_a_role_compares_the_mean_of_its_measure_with_the_mean_of_its_baseline():
    back = np.eye(4, k=-1) + np.diag([1.0, 0, 0, 0])
    some = 0.5 * back + 0.5 * np.eye(4)
    whole = HeadStatistics.of(attention([back, some])) + HeadStatistics.of(attention([some, some]))
    first, second = whole.rows()
    # 1 and .5, beside 1/4 of uniform attention
    assert (first.role.name, first.role.value, first.role.baseline) == ("previous", 0.75, pytest.approx(0.25))
    assert first.role_texts == 2
    assert second.role is None or second.role.name != "previous"
    assert isinstance(Role, type)


def test_a_corpus_of_one_text_has_the_roles_of_its_trace():
    trace = attnviz.trace("She ate an apple and went to school.")
    for kind, heads in CorpusMeasures.of(entries(["x"])[0], trace).heads().items():
        roles = [role for layer in trace[kind].layers for role in head_roles(trace[kind], layer)]
        assert [row.role for row in heads] == roles


def of_example(example) -> Entry:
    """A sentence of the built-in model's grammar; each object depends on its verb."""
    text, words = "", []
    for word in example.source:
        words.append((len(text), len(text) + len(word)))
        text += f"{word} "
    dependencies = tuple(Dependency(object, verb, "obj") for verb, object in example.objects)
    return Entry("line 1", text.strip(), sentence=Sentence(tuple(words), dependencies))


@pytest.mark.parametrize("language", [KOREAN, ENGLISH])  # of the target: English and Korean sources
def test_the_score_from_verb_to_object_is_that_of_the_table_of_the_built_in_model(language):
    tests = [one for one in examples(draw_corpus().test) if one.language == language][:150]
    # <name1> stands for a name: it is one word of the corpus, and no text
    tests = [one for one in tests if one.objects and not any("<" in word for word in one.source)]
    whole = total(measured([of_example(one) for one in tests], kinds="self"))
    relation = Relation("self", "obj", is_reversed=True)
    score, heads = whole.scores[relation], whole.statistics["self"].heads
    assert score.pairs == sum(len(one.objects) for one in tests)
    assert (score.offset, score.offset_rate) == best_offset(tests)
    # the table counts the verb itself among the words that it looks at: so do we not
    table = verb_to_object(shipped(), tests)
    rates = dict(zip(heads, score.rates, strict=True))
    assert all(rates[layer, head] >= table[layer, head] for layer, head in heads)
    best = whole.best_heads()[relation][0]
    assert (best.layer, best.head) == np.unravel_index(table.argmax(), table.shape)
    assert best.rate == pytest.approx(table.max(), abs=0.01)
    # by the weights themselves, with the verb left out
    hits = defaultdict(int)
    checkpoint = shipped()
    for one in tests:
        ids = np.array([checkpoint.tokenizer.pairs(one.source)])
        _, seen = transformer.encode(ids, np.ones(ids.shape[:2], bool), checkpoint.weights, checkpoint.config.h, np)
        for (layer, head), (verb, object) in ((at, pair) for at in heads for pair in one.objects):
            row = seen.encoder[layer][0, head, verb].tolist()
            row[verb] = -1
            hits[layer, head] += row.index(max(row)) == object
    assert [hits[head] for head in heads] == score.hits.tolist()


def test_a_fault_in_the_file_and_an_error_in_a_text_do_not_stop_other_texts():
    given = [*entries(["I ate an apple", " "]), Fault("line 3", InputError("not UTF-8")), *entries(["one", "two"])]
    found = list(measure_each(given, lambda some: MODEL.trace_all([one.text for one in some])))
    assert sorted(one.index for one in found) == [0, 1, 2, 3, 4]
    failed = {one.index: one.measures.message for one in found if not isinstance(one.measures, CorpusMeasures)}
    assert failed == {1: "the text is empty", 2: "not UTF-8"}


def test_a_layer_that_the_model_does_not_have_stops_all_texts():
    with pytest.raises(AbsentHeadError, match="layer 9"):
        measured(entries(["one", "two"]), layers=9)


def test_the_error_for_a_pooled_text_names_the_option_that_helps():
    [error] = measured(entries(["She ate an apple and went to school."]), cells=4)
    assert "tokens were pooled, and measures need a row for each" in error.message
    assert error.hint.startswith("Allow it: --cells ")


def test_a_pair_of_words_is_scored_in_both_directions_without_a_mask():
    entry = Entry("line 1", "I ate an apple", words=("ate", "apple"))
    whole = CorpusMeasures.of(entry, attnviz.trace(entry.text))
    assert {*whole.scores} == {Relation("self", ""), Relation("self", "", True)}
    trace = attnviz.trace(entry.text)["self"]
    expected = [trace.matrix(layer, head)[1, 3] for layer, head in whole.statistics["self"].heads]
    assert whole.scores[Relation("self", "")].weights == pytest.approx(expected)
    assert [one.direction for one in sorted(whole.scores)] == ["from → to", "to → from"]
    entry = Entry("line 1", "I ate an apple", "나는 사과를 먹었다.", words=("사과를", "apple"))
    whole = CorpusMeasures.of(entry, MODEL.trace(entry.text, target=entry.target))
    assert [*whole.scores] == [Relation("cross", "")]
    assert whole.scores[Relation("cross", "")].offset is None


def test_a_decoder_has_only_the_direction_that_its_mask_allows():
    weights = np.tri(3) / np.arange(1, 4)[:, None]
    trace = Trace.of(weights, ["I", "ate", "apples"])
    found = CorpusMeasures.of(Entry("line 1", trace.text, words=("ate", "apples")), trace)
    assert [*found.scores] == [Relation("masked-self", "", is_reversed=True)]


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("ate", "pear"), SelectionError, "no column of self-attention is called 'pear'"),
        (("an apple", "apple"), InputError, "share a token"),
        (("apple", "apple"), InputError, "share a token"),
    ],
)
def test_two_words_that_are_not_a_pair_are_refused(words, error, says):
    with pytest.raises(error, match=says):
        CorpusMeasures.of(Entry("line 1", "I ate an apple", words=words), attnviz.trace("I ate an apple"))


def test_dependencies_of_words_without_tokens_are_counted_as_lost():
    # the built-in model reads no full stop
    words = ((0, 1), (2, 5), (6, 8), (9, 14), (14, 15))
    sentence = Sentence(words, (Dependency(3, 1, "obj"), Dependency(4, 1, "punct")))
    whole = CorpusMeasures.of(Entry("line 1", "I ate an apple.", sentence=sentence), attnviz.trace("I ate an apple."))
    assert whole.lost == 1
    assert {relation.name for relation in whole.scores} == {"obj"}

"""The texts in which the number of a head is largest and smallest."""

import numpy as np
import pytest
from handmade_model import ModelByHand

from attnviz.analysis.pair_score import Relation
from attnviz.corpus import Entry
from attnviz.corpus.examples import TextNumbers, deciles, describe, find_examples, kind_of_head, quantity_of_head
from attnviz.corpus.measures import CorpusMeasures, measure_each
from attnviz.corpus.roles import measured_roles
from attnviz.corpus.sentence import Dependency, Sentence
from attnviz.errors import SelectionError

MODEL = ModelByHand()


def trace_all(some):
    return MODEL.trace_all([entry.text for entry in some])


def read(entries, head=(0, 0)) -> tuple[CorpusMeasures, TextNumbers]:
    whole, numbers = CorpusMeasures(), TextNumbers("self", *head)
    for one in measure_each(entries, trace_all):
        whole += one.measures
        numbers.add(one.index, one.measures)
    return whole, numbers


def test_the_deciles_of_a_hundred_texts_are_tenths_of_the_sorted_numbers():
    numbers = [float(number) for number in np.random.default_rng(0).permutation(100)]
    ranked = sorted(enumerate(numbers), key=lambda one: -one[1])
    top, middle, bottom = deciles(ranked, 3)
    assert [(one.name, one.size, one.largest, one.smallest) for one in (top, middle, bottom)] == [
        ("top", 10, 99, 90),
        ("middle", 10, 54, 45),
        ("bottom", 10, 9, 0),
    ]
    assert [[number for _, number in one.shown] for one in (top, middle, bottom)] == [
        [99, 98, 97],
        [51, 50, 49],
        [2, 1, 0],
    ]
    assert top.heading == "top 10 of 100 texts: 99.00 to 90.00"


def test_few_texts_are_one_group():
    [group] = deciles([(0, 0.5), (1, 0.25)], 3)
    assert (group.name, group.shown, group.heading) == (
        "all",
        ((0, 0.5), (1, 0.25)),
        "all 2 ranked texts: 0.50 to 0.25",
    )
    assert "tenths" not in describe("previous", [group])
    assert "tenths" in describe("previous", deciles([(n, -n) for n in range(9)], 3))
    assert [one.name for one in deciles([(n, -n) for n in range(9)], 3)] == ["top", "middle", "bottom"]
    assert deciles([], 3) == []


def sentence(text: str, *dependencies: Dependency) -> Entry:
    words, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        words.append((start, start + len(word)))
    return Entry("line 1", text, sentence=Sentence(tuple(words), dependencies))


def test_a_text_has_the_mean_weight_of_its_pairs_and_the_strongest_is_marked():
    # L0H0 looks one word back: from b to a much, from d to a little
    entries = [
        sentence("a b c d", Dependency(1, 0, "x"), Dependency(3, 0, "x")),
        sentence("a b c d", Dependency(3, 0, "x")),
    ]
    whole, numbers = read(entries)
    relation = quantity_of_head(whole, "self", 0, 0)
    assert relation == Relation("self", "x")
    ranked = numbers.ranked(relation)
    weights = MODEL.trace("a b c d")["self"].matrix(0, 0).astype(float)
    near, far = weights[2, 1], weights[4, 1]
    assert ranked == [(0, pytest.approx((near + far) / 2)), (1, pytest.approx(far))]
    first, second = find_examples(entries, trace_all, numbers, relation, deciles(ranked))
    assert (first.text, first.query, first.key, first.weight) == ("a b c d", "b", "a", pytest.approx(near))
    assert (second.query, second.key, second.weight) == ("d", "a", pytest.approx(far))


def test_a_text_without_pairs_has_the_measure_of_the_role_and_the_strongest_link_is_marked():
    entries = [Entry(f"line {n}", "dogs " * n + "chase cats") for n in range(1, 5)]
    whole, numbers = read(entries)
    assert quantity_of_head(whole, "self", 0, 0) == "previous"
    ranked = numbers.ranked("previous")
    values = [np.diagonal(MODEL.trace(one.text)["self"].matrix(0, 0), -1).mean(dtype=float) for one in entries]
    assert dict(ranked) == pytest.approx(dict(enumerate(values)))
    assert [value for _, value in ranked] == sorted(values, reverse=True)
    found = find_examples(entries, trace_all, numbers, "previous", deciles(ranked, 1))
    assert [one.group for one in found] == ["top", "middle", "bottom"]
    assert (found[0].query, found[0].key) in {("chase", "dogs"), ("cats", "chase")}


def test_a_head_in_no_kind_or_in_several_kinds_is_refused():
    whole, _ = read([Entry("line 1", "a b")])
    assert kind_of_head(whole, 1, 1) == "self"
    with pytest.raises(SelectionError, match="there is no head L9H0"):
        kind_of_head(whole, 9, 0)


def test_roles_are_those_of_the_table_and_relations_clearly_above_the_best_fixed_offset():
    # from d to c, the word before: L0H0 gets all of them, and so does the best fixed offset
    near = [sentence("a b c d", Dependency(3, 2, "x"))] * 12
    whole, _ = read(near)
    roles = measured_roles(whole)
    assert [role.role for role in roles] == ["previous", "self", "next"]  # nothing is above 100 %
    assert [(role.head, role.texts) for role in roles] == [("L0H0", 12), ("L0H1", 12), ("L1H0", 12)]
    assert all(role.rate > role.baseline for role in roles)

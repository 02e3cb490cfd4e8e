"""The layer number of a call of attention."""

from torch import nn

from attnviz.capture.layer_numbers import LayerNumbers


def blocks(count):
    return nn.ModuleList(nn.Identity() for _ in range(count))


def numbers(model, *paths):
    layers = LayerNumbers(model)
    return [layers.next("self", path) for path in paths], list(layers.notes)


def test_a_block_has_its_number_even_if_others_do_not_run():
    assert numbers(nn.ModuleDict({"blocks": blocks(3)}), "blocks.2", "blocks.0") == ([2, 0], [])


def test_a_single_stage_is_not_counted_but_its_blocks_are():
    model = nn.ModuleDict({"stages": nn.ModuleList([nn.ModuleDict({"blocks": blocks(3)})])})
    assert numbers(model, "stages.0.blocks.1", "stages.0.blocks.2") == ([1, 2], [])


def test_a_sequence_of_modules_of_different_classes_is_not_a_list_of_blocks():
    assert numbers(nn.Sequential(nn.Embedding(2, 2), nn.Identity()), "1") == ([0], [])


def test_a_second_list_of_blocks_continues_the_count_with_a_note():
    model = nn.ModuleDict({"low": blocks(2), "high": blocks(2)})
    found, notes = numbers(model, "low.0", "low.1", "high.0", "high.1")
    assert found == [0, 1, 2, 3]
    (note,) = notes
    assert "layers are numbered in the order of calls, not by blocks" in note

"""Which layer an attention is of."""

from torch import nn

from attnviz.capture.layer_numbers import LayerNumbers


def blocks(count):
    return nn.ModuleList(nn.Identity() for _ in range(count))


def numbers(model, *paths):
    layers = LayerNumbers(model)
    return [layers.next("self", path) for path in paths], list(layers.notes)


def test_a_block_has_its_number_though_others_are_not_run():
    assert numbers(nn.ModuleDict({"blocks": blocks(3)}), "blocks.2", "blocks.0") == ([2, 0], [])


def test_the_blocks_of_the_only_stage_count_and_not_that_stage():
    model = nn.ModuleDict({"stages": nn.ModuleList([nn.ModuleDict({"blocks": blocks(3)})])})
    assert numbers(model, "stages.0.blocks.1", "stages.0.blocks.2") == ([1, 2], [])


def test_modules_of_several_classes_one_after_another_are_no_blocks():
    assert numbers(nn.Sequential(nn.Embedding(2, 2), nn.Identity()), "1") == ([0], [])


def test_two_lists_of_blocks_count_on_and_that_is_noted():
    model = nn.ModuleDict({"low": blocks(2), "high": blocks(2)})
    found, notes = numbers(model, "low.0", "low.1", "high.0", "high.1")
    assert found == [0, 1, 2, 3]
    (note,) = notes
    assert "layers count attentions in the order of their calls, not blocks" in note

"""The induction head that theory demands (Olsson et al. 2022), in a model of two layers that repeats what it read."""

import induction_model
import numpy as np
import pytest
import torch

import attnviz
from attnviz.analysis import MEASURES
from attnviz.probes.induction import LENGTH, probe_induction


@pytest.fixture(scope="module")
def loaded():
    return attnviz.load(induction_model.trained(), tokenizer=induction_model.tokenizer())


def test_the_model_has_learned_to_repeat(loaded) -> None:
    random = torch.Generator().manual_seed(7)
    half = torch.randperm(induction_model.WORDS, generator=random)[:LENGTH] + len(induction_model.SPECIAL)
    with torch.no_grad():
        written = loaded.model(torch.cat([half, half])[None]).logits[0, LENGTH:-1].argmax(-1)
    assert (written == half[1:]).float().mean() > 0.8


def test_the_induction_head_is_in_the_second_layer(loaded) -> None:
    found = probe_induction(loaded, samples=5)
    best = found.heads[0]
    assert best.layer == 1
    assert best.mean > 0.5  # .83 here
    assert best.mean > 10 * found.baseline  # .027
    assert all(head.mean < 2 * found.baseline for head in found.heads if head.layer == 0)  # alone, none can do it


def test_a_head_of_the_first_layer_looks_at_the_token_before(loaded) -> None:
    words = induction_model.filler()[:LENGTH]
    read = loaded.trace(" ".join([*words, *words]))["masked-self"]
    previous = np.array(MEASURES["previous"](read, 0))
    assert previous.max() > 0.5
    assert MEASURES["previous"](read, 1).max() < 0.2

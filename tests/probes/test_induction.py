"""Induction heads by prefix matching: on matrices by hand, and on a decoder against its own eager attention."""

import numpy as np
import pytest
import tiny_models
import torch
from command_line import run

import attnviz
from attnviz.analysis.prefix_matching import prefix_matching
from attnviz.probes.induction import LENGTH, probe_induction


def test_prefix_matching_is_the_stripe_of_the_second_half() -> None:
    perfect, uniform = np.eye(8, k=-3, dtype=np.float32), np.tri(8, dtype=np.float32) / np.arange(1, 9)[:, None]
    found = prefix_matching(np.stack([perfect, uniform, np.eye(8, dtype=np.float32)]), 4)
    assert found == pytest.approx([1, np.mean([1 / 5, 1 / 6, 1 / 7, 1 / 8]), 0])


def test_the_numbers_of_a_decoder_are_those_of_its_eager_attention() -> None:
    model = tiny_models.build("llama")
    loaded = attnviz.load(model, tokenizer=tiny_models.tokenizer())
    read, capture = [], loaded.capture_ids

    def seen(ids, selection):
        read.append(ids)
        return capture(ids, selection)

    object.__setattr__(loaded, "capture_ids", seen)
    found = probe_induction(loaded, samples=3)
    assert len(read) == 3
    assert all(ids[:LENGTH] == ids[LENGTH:] and len({*ids}) == LENGTH for ids in read)
    assert len({*map(tuple, read)}) == 3
    model.set_attn_implementation("eager")
    values: dict[str, list[float]] = {}
    for ids in read:
        with torch.no_grad():
            attentions = model(torch.tensor([ids]), output_attentions=True).attentions
        for layer, heads in enumerate(attentions):
            for head, A in enumerate(heads[0]):
                rows = range(LENGTH, 2 * LENGTH)
                values.setdefault(f"L{layer}H{head}", []).append(float(np.mean([A[i, i - LENGTH + 1] for i in rows])))
    assert len(found.heads) == len(values)
    for one in found.heads:
        assert one.mean == pytest.approx(np.mean(values[one.name]), abs=1e-6)
        assert one.spread == pytest.approx(np.std(values[one.name]), abs=1e-6)
    assert [one.mean for one in found.heads] == sorted((one.mean for one in found.heads), reverse=True)
    assert found.baseline == pytest.approx(np.mean([1 / (i + 1) for i in range(LENGTH, 2 * LENGTH)]))


def test_the_induction_heads_of_smollm2_are_found(smollm2_file, tmp_path) -> None:
    args = ["heads", "--probe", "induction", "-m", smollm2_file, "--layer", "17-18", "--samples", "2"]
    done = run(*args, "--top", "2")
    assert done.code == 0
    assert "L18H6" in done.out  # .90 here; the next one .79
    assert "uniform attention gives 0.03; 2 of 18 heads" in done.out
    assert run(*args, "-o", tmp_path / "p.csv").code == 0
    first = (tmp_path / "p.csv").read_text().splitlines()[1].split(",")
    assert first[:3] == ["induction", "18", "6"]
    assert float(first[3]) > 0.8

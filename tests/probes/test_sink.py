"""Attention sinks: α₀ on matrices by hand, and on decoders against their own eager attention."""

import re

import numpy as np
import pytest
import tiny_models
from command_line import run
from tokenizers.processors import TemplateProcessing

import attnviz
from attnviz.analysis.sink import mean_weight
from attnviz.probes.sink import LENGTH, probe_sink


def test_alpha_is_the_mean_of_the_first_column() -> None:
    parked = np.zeros((4, 4), np.float32)
    parked[:, 0] = 1
    uniform = np.tri(4, dtype=np.float32) / np.arange(1, 5)[:, None]
    found = mean_weight(np.stack([parked, uniform, np.eye(4, dtype=np.float32)]))
    assert found == pytest.approx([1, (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 1 / 4])


@pytest.mark.parametrize("starts", [False, True])
def test_the_numbers_of_a_decoder_are_those_of_its_eager_attention(starts) -> None:
    model, tokenizer = tiny_models.build("llama"), tiny_models.tokenizer()
    if starts:
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    loaded = attnviz.load(model, tokenizer=tokenizer)
    read, capture = [], loaded.capture_ids

    def seen(ids, selection):
        read.append(ids)
        return capture(ids, selection)

    object.__setattr__(loaded, "capture_ids", seen)
    found = probe_sink(loaded, samples=4)
    assert [len(ids) for ids in read] == [LENGTH] * 4
    assert len({*map(tuple, read)}) == 4
    assert re.match(r"(<s>)?[A-Z][a-z ]+\. [A-Z]", tokenizer.decode(read[0]))
    assert [ids[0] == 1 for ids in read] == [starts] * 4
    columns = np.array([[A[:, :, 0].mean(-1) for A in tiny_models.eager(model, ids)] for ids in read])
    for one in found.heads:
        numbers = columns[:, one.layer, one.head]
        assert one.mean == pytest.approx(numbers.mean(), abs=1e-6)
        assert one.spread == pytest.approx(numbers.std(), abs=1e-6)
        assert one.rate == pytest.approx((numbers > 0.3).mean())
    assert len(found.heads) == columns[0].size
    assert found.rate == pytest.approx((columns > 0.3).mean())
    assert found.baseline == pytest.approx(sum(1 / n for n in range(1, 65)) / 64)
    assert ("after <s>" if starts else "without a start token") in found.meaning


def test_the_sinks_of_smollm2_are_found(smollm2_file, tmp_path) -> None:
    args = ["heads", "--probe", "sink", "-m", smollm2_file, "--layer", "0,18", "--samples", "3"]
    done = run(*args, "--top", "2")
    assert done.code == 0
    assert "uniform attention gives 0.07; 2 of 18 heads" in done.out
    assert "built-in model's grammar" in re.sub(r"\s+", " ", done.out)
    assert run(*args, "-o", tmp_path / "s.csv").code == 0
    first, *_, last = [line.split(",") for line in (tmp_path / "s.csv").read_text().splitlines()[1:]]
    assert first[:2] == ["sink", "18"]
    assert float(first[3]) > 0.9  # 1.0 here
    assert float(first[5]) == 1
    assert last[1] == "0"
    assert float(last[3]) < 0.2
    assert float(last[5]) == 0

"""What every probe does: it refuses what it cannot probe, and its table says what the numbers are."""

import json
import re
from math import isnan

import pytest
import tiny_models
from command_line import run

import attnviz
from attnviz.analysis.probe import probed_heads
from attnviz.cli.commands.heads import NOT_PROBED
from attnviz.cli.run import Run
from attnviz.errors import ModelError
from attnviz.probes import PROBES


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
@pytest.mark.parametrize("kind", ["bert", "t5"])
def test_a_model_that_is_not_decoder_only_is_refused(probe, kind) -> None:
    model = attnviz.load(tiny_models.build(kind), tokenizer=tiny_models.tokenizer())
    with pytest.raises(ModelError, match=r"is not a decoder-only model: it cannot be probed[^$]*such as GPT-2"):
        probe.run(model, samples=1)


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_the_built_in_model_is_refused(probe) -> None:
    with pytest.raises(ModelError, match="builtin is not a decoder-only model: it cannot be probed"):
        probe.run(attnviz.load("builtin"))
    done = run("heads", "--probe", probe.name)
    assert done.code == 1
    assert "such as GPT-2: -m NAME." in done.err


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_a_model_that_reads_too_few_tokens_is_refused(probe) -> None:
    model = tiny_models.writer("gpt2", n_positions=32)
    with pytest.raises(ModelError, match="reads at most 32 tokens, and the probe has"):
        probe.run(attnviz.load(model, tokenizer=tiny_models.tokenizer()), samples=1)


def test_the_numbers_of_a_head_are_its_mean_its_spread_and_its_rate() -> None:
    first, second = probed_heads({(0, 1): [0.1, 0.3], (2, 0): [0.4, 0.2]}, threshold=0.3)
    assert (first.name, second.name) == ("L2H0", "L0H1")
    assert (first.mean, first.spread, first.rate) == pytest.approx((0.3, 0.1, 0.5))
    assert second.rate == 0  # above the threshold, not at it
    [alone] = probed_heads({(0, 0): [0.5]})
    assert isnan(alone.spread)
    assert alone.rate is None


def test_help_names_every_probe_its_meaning_and_its_samples() -> None:
    shown = re.sub(r"[\s│]+", " ", run("heads", "--help").out)
    for probe in PROBES.values():
        assert f"{probe.name}: {probe.meaning}" in shown
        assert f"{probe.name} {probe.samples}" in shown


def test_every_option_that_a_probe_refuses_exists() -> None:
    assert {*NOT_PROBED} <= {*Run.__dataclass_fields__}


def test_one_sample_has_no_spread(tmp_path) -> None:
    folder = tiny_models.save("llama", tmp_path / "llama")
    args = ["heads", "--probe", "induction", "-m", folder, "--samples", "1"]
    done = run(*args)
    assert re.search(r"^L\dH\d .* –$", done.out, re.M)
    assert "Of 1 sample: the weight on" in re.sub(r"\s+", " ", done.out)
    assert run(*args, "-o", tmp_path / "p.json").code == 0
    rows = json.loads((tmp_path / "p.json").read_text())
    assert len(rows) == 12
    assert (rows[0]["spread"], rows[0]["rate"], rows[0]["samples"], rows[0]["tried"]) == (None, None, 1, 1)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--probe", "magic"], "there is no probe 'magic'"),
        (["I ate", "--probe", "induction"], "a probe makes its own texts"),
        (["--probe", "induction", "--sort", "entropy"], "--sort cannot go with --probe"),
        (["--probe", "induction", "-o", "x.png"], "a probe gives numbers"),
        (["--samples", "3"], "--samples is for a probe"),
        (["--probe", "sink", "--cells", "9"], "--cells cannot go with --probe"),
        (["--probe", "sink", "--chat"], "--chat cannot go with --probe"),
    ],
)
def test_options_that_cannot_go_with_a_probe_are_refused(args, message) -> None:
    done = run("heads", *args)
    assert done.code != 0
    assert message in done.err

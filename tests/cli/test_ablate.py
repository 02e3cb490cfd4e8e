"""`attnviz ablate`, and `attnviz heads --effect`."""

import csv
import json

import pytest
from command_line import run
from handmade_traces import encoder_decoder

import attnviz
from attnviz.cli.commands.ablate import parse_link
from attnviz.cli.errors import UsageError

APPLE = "I ate an apple"


def test_what_changes_without_a_head_is_said_with_its_probabilities_and_its_translation():
    done = run("ablate", APPLE, "--kind", "cross", "--head", "L1H3")
    result = attnviz.ablate(APPLE, heads="L1H3", kind="cross")
    assert "builtin without cross-attention L1H3, set to zero" in done.out
    assert f"row “{result.prediction.row}”: KL {result.prediction.divergence:.3g} nats" in done.out
    assert "translation  나는 사과를 먹었다." in done.out
    assert "likely only without:" in done.out
    assert "later attention" not in done.out  # there is none after the last cross-attention
    early = run("ablate", APPLE, "--head", "L0H0", "--top", "2")
    assert early.out.count("cross-attention") + early.out.count("masked self-attention") <= 2 + 1
    assert "later attention" in early.out


def test_all_numbers_are_written(tmp_path):
    done = run("ablate", APPLE, "--head", "L3H2", "-o", tmp_path / "a.json")
    assert done.out.strip() == str(tmp_path / "a.json")
    data = json.loads((tmp_path / "a.json").read_text())
    result = attnviz.ablate(APPLE, heads="L3H2")
    assert data["prediction"]["divergence"] == pytest.approx(result.prediction.divergence)
    assert len(data["attention"]) == len(result.attention)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "Error: no heads were named\nHint:  Name some: --head L3H2"),
        (["--head", "L9H1"], "Error: there is no layer 9"),
        (["--head", "L1H1", "--with", "max"], "Error: a head cannot be replaced by 'max'"),
        (["--head", "L1H1", "--with", "mean"], "Error: the built-in model can only do without whole heads"),
        (["--link", "ate"], "Error: --link 'ate' is not two words with an arrow between"),
        (["--head", "L1H1", "--rows", "3"], "Error: --rows would change nothing: no matrix is shown"),
        (["--head", "L1H1", "-o", "x.png"], "Error: cannot write .png"),
        (["--head", "L1H1", "--query", "sky"], "Error: no row writes 'sky'"),
    ],
)
def test_what_cannot_be_done_is_refused(options, says):
    done = run("ablate", APPLE, *options)
    assert done.code in (1, 2)
    assert done.err.startswith(says)


def test_a_saved_trace_has_no_model(tmp_path):
    trace = encoder_decoder().save(tmp_path / "t.safetensors")
    for command in (["ablate", trace, "--head", "L1H1"], ["heads", trace, "--effect", "apple"]):
        assert run(*command).err.startswith("Error: a saved trace has no model to take heads out of")


def test_the_two_words_of_a_link():
    assert parse_link("ate → apple") == parse_link("ate->apple") == parse_link("ate=>apple") == ("ate", "apple")
    assert parse_link(None) is None
    for wrong in ("ate", "→apple", "ate→", "a→b→c"):
        with pytest.raises(UsageError):
            parse_link(wrong)


def test_heads_are_ranked_by_their_effect_beside_their_weight(tmp_path):
    options = ["heads", APPLE, "--effect", "사과를", "--from", "사과를", "--to", "apple", "--top", "3"]
    done = run(*options)
    effects = attnviz.head_effects(APPLE, "사과를", link=("사과를", "apple"))
    assert f"3 of {len(effects)} heads (--top)" in done.out
    assert effects[0].name in done.out
    most = max((one for one in effects if one.weight == one.weight), key=lambda one: one.weight)
    rank = effects.index(most) + 1
    assert f"{most.name} gives this link most, {most.weight:.2f}, and its effect is number {rank} of" in " ".join(
        done.out.split()
    )
    assert run(*options, "-o", tmp_path / "e.csv").code == 0
    rows = list(csv.DictReader((tmp_path / "e.csv").open(encoding="utf-8")))
    assert [row["layer"] for row in rows] == [str(one.layer) for one in effects[:3]]
    assert float(rows[0]["effect"]) == pytest.approx(effects[0].effect, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--sort", "sink"], "Error: --sort cannot go with --effect"),
        (["-o", "x.png"], "Error: effects are numbers of heads"),
        (["--layer", "1"], "Error: --layer cannot go with --effect, which tries every head"),
        (["--method", "norm"], "Error: --effect is by attention weights, and cannot go with --method norm"),
    ],
)
def test_what_cannot_go_with_effects_is_refused(options, says):
    assert run("heads", APPLE, "--effect", "사과를", *options).err.startswith(says)

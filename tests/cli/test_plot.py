"""`attnviz plot`: what it draws, where it goes, and what it refuses.

`python tests/cli/test_plot.py` writes the goldens again; look at the difference before you keep it.
"""

import json
import re
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from command_line import process, run
from handmade_traces import HOSTILE, decoder_only, encoder_decoder, labelled, with_value_norms
from PIL import Image

from attnviz.attention import Trace
from attnviz.attention.trace_file import open_trace
from attnviz.files import write_whole
from attnviz.render.weight_format import format_weight
from attnviz.scratch.store import shipped

GOLDENS = Path(__file__).parent / "goldens"
APPLE, SCHOOL = "I ate an apple", "그녀는 사과를 먹고 학교에 갔다."

CASES: dict[str, tuple[Trace, list[str]]] = {
    "chosen": (encoder_decoder(), []),
    "one-head": (encoder_decoder(), ["--layer", "0", "--head", "1"]),
    "layer": (encoder_decoder(), ["--layer", "1"]),
    "head": (encoder_decoder(), ["--head", "1"]),
    "cross": (encoder_decoder(), ["--kind", "cross", "-l", "0", "--head", "0"]),
    "masked": (encoder_decoder(), ["--kind", "masked-self", "-l", "0-1"]),
    "decoder-only": (decoder_only(), []),
    "hostile": (labelled(HOSTILE[:6]), []),
}


def shown(name: str, folder: Path) -> str:
    trace, options = CASES[name]
    done = run("plot", trace.save(folder / "saved.safetensors"), *options)
    assert done.code == 0
    return f"{done.out}--- stderr ---\n{done.err}"


@pytest.mark.parametrize("name", CASES)
def test_golden(name, tmp_path):
    assert shown(name, tmp_path) == (GOLDENS / f"plot-{name}.txt").read_bytes().decode()


@pytest.mark.parametrize(("text", "verb", "object"), [(APPLE, "ate", "apple"), (SCHOOL, "먹고", "사과를")])
def test_the_picture_of_the_mission_can_be_drawn(text, verb, object):
    done = process("plot", text)
    assert done.code == 0
    title, axes, labels, *rows = done.out.splitlines()
    assert title == f"{text} → " + shipped_translation(text)
    assert axes == "query (from) ↓   key (to) →"
    keys = labels.split()
    [row] = [row.split() for row in rows if row.split()[:1] == [verb]]
    weights = [0.0 if cell == "·" else float(cell) for cell in row[1:]]
    assert keys[int(np.argmax(weights))] == object
    assert max(weights) > 0.5
    assert re.fullmatch(r"L\dH\d: verb → object, \d\d%, best fixed offset \d\d% \(--why\)\n", done.err)


def shipped_translation(text: str) -> str:
    from attnviz.models.builtin import BuiltinModel

    return BuiltinModel(shipped()).trace(text).target


def test_the_head_that_it_names_is_the_head_that_it_draws():
    done = run("plot", APPLE)
    name = re.match(r"L\dH\d", done.err)[0]
    assert f"self-attention · {name} · builtin" in done.out
    again = run("plot", APPLE, "--layer", name[1], "--head", name[3])
    assert again.out == done.out
    assert not again.err


@pytest.mark.parametrize("args", [[APPLE], [SCHOOL], ["hello"], ["사과"], [APPLE, "--kind", "masked-self"], ["I I I"]])
def test_the_line_about_the_head_has_at_most_ten_words_and_a_number(args):
    done = run("plot", *args, env={"COLUMNS": "300"})
    line = done.err.splitlines()[-1]
    assert len(line.split()) <= 10
    assert re.fullmatch(r"L\dH\d: .*([01]\.\d\d|\d\d%) \(--why\)", line)


def test_why_gives_the_rule_with_its_numbers():
    args = APPLE, "--kind", "masked-self"  # of the encoder's heads the model itself says what they do
    short, full = run("plot", *args).err, run("plot", *args, "--why", env={"COLUMNS": "600"}).err
    name, number = re.match(r"(L\dH\d): .*(0\.\d\d)", short).groups()
    reason, rule = full.splitlines()
    assert reason.startswith(f"{name} of masked self-attention: ")
    assert number in reason
    assert "of 8 heads" in reason
    assert rule.startswith("The rule: ")
    assert "--why" in run("plot", "--help").out
    assert run("plot", APPLE, "--why", "--layer", "1").err == "No head was chosen: layers or heads were named.\n"


CONTENT = {
    ".png": lambda data: Image.open(BytesIO(data)).format == "PNG",
    ".svg": lambda data: b"<svg" in data and b"</svg>" in data,
    ".pdf": lambda data: data.startswith(b"%PDF-") and b"%%EOF" in data[-10:],
    ".json": lambda data: json.loads(data)["text"] == APPLE,
    ".npz": lambda data: [n for n in np.load(BytesIO(data)) if re.fullmatch(r"self_L\d", n)],
    ".safetensors": lambda data: b"I ate an apple" in data,
    ".PNG": lambda data: Image.open(BytesIO(data)).format == "PNG",
}


@pytest.mark.parametrize("suffix", CONTENT)
def test_every_ending_is_written_into_new_folders_and_the_path_is_printed(suffix, tmp_path):
    path = tmp_path / "new" / "그림 폴더" / f"a{suffix}"
    done = run("plot", APPLE, "-o", path)
    assert (done.code, done.out) == (0, f"{path}\n")
    assert CONTENT[suffix](path.read_bytes())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert re.match(r"L\dH\d: ", done.err)


@pytest.mark.parametrize("suffix", [".json", ".npz", ".safetensors"])
def test_the_numbers_in_a_file_are_those_of_the_drawn_heads(suffix, tmp_path):
    run("plot", APPLE, "--kind", "cross", "--layer", "1", "--head", "0", "--head", "2-3", "-o", tmp_path / f"a{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    if suffix == ".json":
        [one] = json.loads(data)["attentions"]
        found = one["kind"], one["layers"][0]["layer"], one["layers"][0]["heads"]
    elif suffix == ".npz":
        arrays = np.load(BytesIO(data))
        assert arrays["cross_L1"].shape == (3, 4, 4)
        found = "cross", 1, arrays["cross_L1_heads"].tolist()
    else:
        [one] = open_trace(tmp_path / "a.safetensors").attentions
        found = one.kind, one.layers[0], list(one.heads(1))
    assert found == ("cross", 1, [0, 2, 3])


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--layer", "3"], ["H0", "H1", "H2", "H3", "L3"]),
        (["--head", "2"], ["L0H2", "L1H2", "L2H2", "L3H2"]),
        (["-l", "0", "-l", "2-3", "--head", "1,3"], ["H1", "H3", "L0", "L2", "L3"]),
        (["--kind", "cross", "--layer", "1"], ["H0", "H1", "H2", "H3", "L1"]),
        (["--layer", "last"], ["H0", "H1", "H2", "H3", "L3"]),
        (["--layer", "-1", "--head", "H2"], ["L3H2"]),
        (["--layer", "-2,0", "--head", "2"], ["L0H2", "L2H2"]),
        (["--kind", "cross", "-l", "last", "--head", "0"], ["L1H0"]),
        (["--head", "L3H1"], ["L3H1"]),
        (["--head", "L3H1,L0H2", "--head", "L1H0"], ["L0H2", "L1H0", "L3H1"]),
    ],
)
def test_a_layer_draws_its_heads_and_a_head_every_layer(options, names):
    done = run("plot", APPLE, *options)
    assert done.code == 0
    assert set(re.findall(r"\bL\dH\d\b|\b[LH]\d\b", done.out)) == set(names), done.out


def test_the_numbers_of_named_heads_are_only_of_these_heads(tmp_path):
    run("plot", APPLE, "--head", "L3H1,L0H2", "-o", tmp_path / "a.json")
    [one] = json.loads((tmp_path / "a.json").read_bytes())["attentions"]
    assert [(layer["layer"], layer["heads"]) for layer in one["layers"]] == [(0, [2]), (3, [1])]


def test_a_page_has_every_head_and_opens_at_what_is_drawn(tmp_path):
    page = tmp_path / "a.html"
    done = run("plot", APPLE, "--kind", "cross", "--layer", "1", "--head", "2", "-o", page)
    assert (done.code, done.out) == (0, f"{page}\n")
    told = facts_of(page)
    assert told["start"] == "kind=cross&view=matrix&head=L1H2"
    assert [len(kind["heads"]) for kind in told["kinds"]] == [16, 8, 8]
    run("view", APPLE, "-o", tmp_path / "view.html")
    assert facts_of(tmp_path / "view.html") == {**told, "start": ""}


def facts_of(page):
    """What a page is told of its trace."""
    return json.loads(re.search(r'id="facts">(.*?)</script>', page.read_text("utf-8"))[1])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dpi", "90"], "--dpi is for pictures, not for the page"),
        (["--title", "Apple"], "--title is for pictures, not for the page"),
        (["--theme", "print"], "the page has no theme print"),
        (["--head", "9"], "there is no head 9"),
    ],
)
def test_a_page_refuses_what_it_does_not_have(options, says, tmp_path):
    done = run("plot", APPLE, *options, "-o", tmp_path / "a.html")
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_page_never_overwrites_the_trace_that_is_drawn(tmp_path):
    run("trace", APPLE, "-o", tmp_path / "a.safetensors")
    (tmp_path / "a.html").symlink_to(tmp_path / "a.safetensors")
    done = run("plot", tmp_path / "a.safetensors", "-o", tmp_path / "a.html")
    assert done.code == 1
    assert "belongs to the input" in done.err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.gif", "cannot write .gif files"),
        ("a", "without an ending"),
        (".png", "without an"),
    ],
)
def test_unknown_endings_are_refused_before_a_model_runs(name, says, tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda run: 1 / 0)
    done = run("plot", APPLE, "-o", tmp_path / "new" / name)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert "Endings: .png, .svg, .pdf, .json, .npz, .safetensors, .html, .htm." in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says", "hint"),
    [
        (["--layer", "9"], "there is no layer 9", "Layers: 0-3 (self-attention); 0-1 (masked self-attention,"),
        (["--layer", "2", "--kind", "cross"], "there is no layer 2", "Layers: 0-1."),
        (["--head", "4"], "there is no head 4", "Heads: 0-3."),
        (["--head", "L1H4"], "layer 1 has no head 4", "Heads of layer 1: 0-3."),
        (["--head", "L3H1", "--layer", "2"], "head L3H1 already names its layer", "Leave out the layers."),
        (["--kind", "Self"], "'Self' is not a kind of attention", "Kinds: self, masked-self, cross."),
        (["-m", "gone.safetensors"], "no such file: gone.safetensors", "attnviz train"),
        (["--target", " "], "the target is empty", "I ate an apple"),
    ],
)
def test_the_error_for_an_absent_layer_or_head_gives_the_range(options, says, hint):
    done = run("plot", APPLE, *options)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert hint in done.err.replace("\n", " ")


@pytest.mark.parametrize("option", ["--layer", "--head"])
def test_the_range_of_a_saved_trace_is_that_of_its_heads(option, tmp_path):
    done = run("plot", encoder_decoder().save(tmp_path / "t.safetensors"), option, "2")
    assert done.code == 1
    assert "0-1." in done.err


def test_a_hybrid_model_has_its_true_layer_numbers(tmp_path):
    one = decoder_only()["masked-self"]
    from dataclasses import replace

    layers = {3: one.weights(0), 7: one.weights(0)}
    hybrid = Trace("hybrid", "The cat sat", (replace(one, by_layer=layers, head_numbers={3: (0,), 7: (0,)}),))
    saved = hybrid.save(tmp_path / "t.safetensors")
    assert "Layers: 3, 7." in run("plot", saved, "--layer", "4").err
    assert "L7H0" in run("plot", saved, "--layer", "7").out


@pytest.mark.parametrize("args", [[], ["-"]])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_the_text_is_read_from_stdin(args, ending):
    assert run("plot", *args, stdin=f"{SCHOOL}{ending}").out == run("plot", SCHOOL).out
    assert run("plot", *args, stdin=f"\ufeff{SCHOOL}").out == run("plot", SCHOOL).out


def test_the_text_is_piped_from_another_process():
    assert process("plot", stdin=SCHOOL.encode()).out == run("plot", SCHOOL).out


def test_a_saved_trace_is_named_on_stdin_too(tmp_path):
    saved = encoder_decoder().save(tmp_path / "t.safetensors")
    assert run("plot", stdin=f"{saved}\n").out == run("plot", saved).out


@pytest.mark.parametrize("stdin", [b"\xff\xfeI", "사과를".encode("cp949")])
def test_stdin_that_is_not_utf8_is_refused_with_the_byte(stdin):
    done = process("plot", "-", stdin=stdin)
    assert (done.code, done.out) == (1, "")
    assert f"standard input is not UTF-8: byte 0 is {stdin[0]:#04x}" in done.err


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_text_is_refused(text):
    calls = [["plot"], ["heads"], ["trace", "-o", "never.safetensors"]]
    dones = [run(*call, text) for call in calls] + [run(*call, "-", stdin=text) for call in calls] + [run(text)]
    for done in (*dones, run("plot", stdin=text)):
        assert (done.code, done.out) == (1, "")
        assert "the text is empty" in done.err


def test_text_that_is_not_utf8_is_refused_and_shown_safely():
    done = process("plot", b"I \xff ate".decode("utf-8", "surrogateescape"))
    assert (done.code, done.out) == (1, "")
    assert "is not UTF-8" in done.err


def test_an_enormous_word_is_named_in_short():
    done = run("plot", stdin="a" * 100_000)
    assert done.code == 0
    assert len(done.err) < 500


@pytest.mark.parametrize("text", ["q1 " * 50_000, "I ate " * 50_000])
def test_an_enormous_text_is_refused(text):
    done = run("plot", stdin=text)
    assert (done.code, done.out) == (1, "")
    assert "tokens long" in done.err
    assert len(done.err) < 500


def test_a_long_text_still_fits_the_terminal():
    done = run("plot", "I ate an apple " * 20, "--target", "나는")
    assert done.code == 0
    from rich.cells import cell_len

    assert max(map(cell_len, done.out.splitlines())) <= 100


HARMFUL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufffd]")


@pytest.mark.parametrize(
    "text", [*HOSTILE, "\x1b]0;title\x07", "[/bold]", "שלום עולם abc", "`rm -rf`", "--", ":smile:"]
)
@pytest.mark.parametrize("suffix", [None, ".svg"])
def test_hostile_text_controls_neither_the_terminal_nor_a_picture(text, suffix, tmp_path):
    options = ["-o", tmp_path / f"a{suffix}"] if suffix else []
    done = run("plot", "-", *options, stdin=f"I ate {text} today")
    assert done.code == 0
    assert not HARMFUL.search(done.out + done.err)
    if suffix:
        svg = (tmp_path / "a.svg").read_text()
        assert "</script>" not in svg
        assert not HARMFUL.search(svg)
    elif "<" not in text:
        assert "smile" not in text or ":" in done.out
        assert "bold" not in text or "[" in done.out


def test_hostile_labels_of_a_saved_trace_are_made_visible(tmp_path):
    saved = labelled(HOSTILE).save(tmp_path / "t.safetensors")
    for args in (["plot", saved], ["heads", saved], ["plot", saved, "-o", tmp_path / "a.svg"]):
        done = run(*args)
        assert done.code == 0
        assert not HARMFUL.search(done.out + done.err)


def test_a_path_cannot_control_the_terminal_either(tmp_path):
    done = run("plot", APPLE, "-o", tmp_path / "a\x1b[2J[bold].png")
    assert done.code == 0
    assert not HARMFUL.search(done.out)
    assert "[bold]" in done.out
    assert "\x1b" not in run("plot", "gone\x1b[2J.safetensors").err


def test_unknown_words_are_noted_on_stderr():
    done = run("plot", "I frobnicate an apple")
    assert done.code == 0
    assert "Note: outside the built-in model's vocabulary: frobnicate (1 of " in done.err
    assert "-m" in done.err
    assert "Note" not in done.out


def test_a_target_is_read():
    done = run("plot", APPLE, "--target", "너는 먹었다", "--kind", "cross", "-l", "0", "--head", "0")
    assert done.out.startswith("I ate an apple → 너는 먹었다\n")
    assert "너는 → 먹었다" in done.out


def test_a_target_for_a_saved_trace_is_refused(tmp_path):
    done = run("plot", encoder_decoder().save(tmp_path / "t.safetensors"), "--target", "x")
    assert done.code == 2
    assert "--target" in done.err


@pytest.mark.parametrize(
    "content", [b"", b"I ate an apple", b"\x80\x04K\x01.", (b"\x08" + bytes(7)) + b"{}      "], ids=str
)
def test_a_file_that_is_not_a_trace_is_refused(content, tmp_path):
    (tmp_path / "t.safetensors").write_bytes(content)
    done = run("plot", tmp_path / "t.safetensors")
    assert (done.code, done.out) == (1, "")
    assert "saved trace" in done.err


def test_an_output_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    done = run("plot", APPLE, "-o", tmp_path / "file" / "a.png")
    assert (done.code, done.out) == (1, "")
    assert f"cannot write {tmp_path / 'file' / 'a.png'}" in done.err
    assert "Choose another place." in done.err


@pytest.mark.parametrize("suffix", [".png", ".safetensors"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(suffix, tmp_path):
    """The limit stands for a disk that is full: the write itself fails, in the middle."""
    path = write_whole(tmp_path / f"a{suffix}", b"old")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300));"
        f"sys.argv = ['attnviz', 'plot', {APPLE!r}, '-o', {str(path)!r}]; from attnviz.__main__ import main; main()"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot write {path}: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_the_same_command_writes_the_same_bytes(tmp_path):
    for name in ("a.png", "b.png"):
        assert process("plot", APPLE, "-o", tmp_path / name).code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_value_weighted_plot_shows_shares_by_hand_and_says_so(tmp_path):
    trace = with_value_norms(encoder_decoder()).save(tmp_path / "t.safetensors")
    raw = run("plot", trace, "--kind", "self", "--head", "L1H1")
    done = run("plot", trace, "--kind", "self", "--head", "L1H1", "--method", "norm")
    assert (done.code, done.err) == (0, "")
    # the row of `ate` is 0, .02, .02, .96, and the norms are 3, 5, 7, 9: .1, .14 and 8.64 of 8.88
    assert re.search(r"^ +ate +· +\.01 +\.02 +\.97$", done.out, re.M)
    assert re.search(r"^ +ate +· +\.02 +\.02 +\.96$", raw.out, re.M)
    assert "value-weighted share" in done.out
    assert "value-weighted attention (Kobayashi et al. 2020): each weight times the norm" in done.out
    assert "value-weighted" not in raw.out
    grid = run("plot", trace, "--kind", "self", "--layer", "1", "--method", "norm")
    assert "value-weighted share" in grid.out


def test_a_value_weighted_plot_shows_the_head_that_is_chosen_by_weights(tmp_path):
    raw, norm = (run("plot", "I ate an apple", *options) for options in ([], ["--method", "norm"]))
    assert raw.err == norm.err
    assert "L3H2" in norm.out


def test_words_and_rows_are_chosen_after_weights_were_multiplied(minilm_folder):
    text, model = "The cats unpacked apples.", ["-m", minilm_folder, "--head", "L0H0", "--method", "norm"]
    whole, some = run("plot", text, *model), run("plot", text, *model, "--rows", "2", "--columns", "1-3")
    (row,) = re.findall(r"^ +cats +(.*)$", whole.out, re.M)
    assert re.search(rf"^ +cats +{' +'.join(map(re.escape, row.split()[1:4]))}$", some.out, re.M)
    assert run("plot", text, *model, "--words").code == 0


def test_value_weighted_attention_is_only_drawn(tmp_path):
    done = run("plot", "I ate an apple", "--method", "norm", "-o", tmp_path / "t.json")
    assert done.err.startswith("Error: --method norm is drawn, and .json holds weights\nHint:  Write a picture: .png")
    assert run("plot", encoder_decoder().save(tmp_path / "t.safetensors"), "--method", "norm").code == 1


def test_rollout_draws_all_heads_as_one_and_says_how(tmp_path):
    trace = encoder_decoder().save(tmp_path / "t.safetensors")
    done = run("plot", trace, "--method", "rollout", "--kind", "self", "--why")
    assert "self-attention · attention rollout of layers 0–1 · by hand" in done.out
    assert "attention rollout (Abnar & Zuidema 2020): the product, layer by layer" in " ".join(done.out.split())
    assert done.err == "No head was chosen: all are drawn as one.\n"
    first = run("plot", trace, "--method", "rollout", "--kind", "self", "--layer", "0")
    assert "attention rollout of layer 0 · by hand" in first.out
    # "ate" is mixed from "I" by half the mean of both heads; the other half is itself
    mixed = 0.5 * encoder_decoder()["self"].weights(0)[:, 1, 0].mean()
    assert re.search(rf"^ +ate +{format_weight(mixed)} ", first.out, re.M)


def test_the_rollout_of_a_decoder_is_drawn_minus_that_of_uniform_attention(tmp_path):
    trace = decoder_only(("The", "cat", "sat")).save(tmp_path / "t.safetensors")
    done = run("plot", trace, "--method", "rollout")
    said = " ".join(done.out.split())
    assert "attention rollout of layer 0 − that of uniform attention" in said
    # its only head is uniform: ½ · ⅓ of the last row
    assert "the mask alone already favours the first tokens: the first has 0.167 of the last row, and 0.167 of" in said
    for options, says in (
        (["--mean"], "Error: method rollout combines all heads by itself\nHint:  Leave out --mean."),
        (["--sink", "mask"], "Error: --sink cannot go with a difference to uniform attention"),
        (["--style", "text"], "Error: style text draws how strong links are, and some of these weights are negative"),
        (["--head", "0"], "Error: method rollout combines all heads of all layers up to one, and heads were named"),
        (["-o", tmp_path / "t.npz"], "Error: --method rollout is drawn, and .npz holds weights"),
    ):
        assert run("plot", trace, "--method", "rollout", *options).err.startswith(says)
    assert run("plot", trace, "--method", "flow", "-o", tmp_path / "t.png").code == 0


def test_rows_and_words_are_chosen_after_layers_were_combined(minilm_folder):
    text, model = "The cats unpacked apples.", ["-m", minilm_folder, "--method", "rollout"]
    whole, some = run("plot", text, *model), run("plot", text, *model, "--rows", "2", "--columns", "1-3")
    (row,) = re.findall(r"^ +cats +(.*)$", whole.out, re.M)
    assert re.search(rf"^ +cats +{' +'.join(map(re.escape, row.split()[1:4]))}$", some.out, re.M)
    assert "unpacked" in run("plot", text, *model, "--words").out


def test_gradients_are_drawn_for_each_token_that_is_written_and_not_of_a_saved_trace(tmp_path):
    done = run("plot", APPLE, "--method", "gradient")
    assert "cross-attention · gradient × attention of all layers · builtin" in done.out
    one = run("plot", APPLE, "--method", "gradient", "--rows", "2", "--columns", "1-3")
    row, short = (re.search(r"먹었다 +(.*)$", out, re.M)[1].split() for out in (done.out, one.out))
    assert row[1:4] == short
    assert "masked self-attention · gradient" in run("plot", APPLE, "--method", "gradient", "--kind", "masked-self").out
    kind = run("plot", APPLE, "--method", "gradient", "--kind", "self")
    assert "Hint:  Kinds: masked-self, cross." in kind.err
    saved = run("plot", encoder_decoder().save(tmp_path / "t.safetensors"), "--method", "gradient")
    assert saved.err.startswith(
        "Error: method gradient is computed while a model runs, and this trace holds no gradients"
    )
    assert run("plot", APPLE, "--method", "gradient", "--words", "--style", "text", "--query", "사과를").code == 0
    assert run("plot", APPLE, "--method", "gradient", "-o", tmp_path / "t.png").code == 0


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    GOLDENS.mkdir(exist_ok=True)
    for name in CASES:
        with TemporaryDirectory() as folder:
            (GOLDENS / f"plot-{name}.txt").write_bytes(shown(name, Path(folder)).encode())

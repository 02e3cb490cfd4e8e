"""`attnviz heads`: every head of a model, or of a layer.

`python tests/cli/test_heads.py` writes the goldens again; look at the difference before you keep it.
"""

import csv
import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from command_line import process, run
from handmade_traces import decoder_only, encoder_decoder, with_value_norms
from PIL import Image
from pyarrow import parquet

from attnviz.analysis import sink
from attnviz.analysis.methods import apply_method
from attnviz.attention import Trace
from attnviz.attention.trace_file import open_trace
from attnviz.cli.head_options import TABLE_ENDINGS
from attnviz.render import PICTURES
from attnviz.scratch.store import shipped

GOLDENS = Path(__file__).parent / "goldens"
SCHOOL = "그녀는 사과를 먹고 학교에 갔다."
CASES = {
    "all": (encoder_decoder(), []),
    "cross": (encoder_decoder(), ["--kind", "cross", "--layer", "1"]),
    "decoder-only": (decoder_only(["The"]), []),
}


def shown(name: str, folder: Path) -> str:
    trace, options = CASES[name]
    done = run("heads", trace.save(folder / "saved.safetensors"), *options)
    assert done.code == 0
    return f"{done.out}--- stderr ---\n{done.err}"


@pytest.mark.parametrize("name", CASES)
def test_golden(name, tmp_path):
    assert shown(name, tmp_path) == (GOLDENS / f"heads-{name}.txt").read_bytes().decode()


def every_head() -> list[str]:
    config = shipped().config
    return [
        f"L{layer}H{head}"
        for layers in (config.encoder_layers, config.decoder_layers, config.decoder_layers)
        for layer in range(layers)
        for head in range(config.h)
    ]


def test_without_a_text_and_a_layer_it_lists_every_head_for_i_ate_an_apple():
    done = run("heads")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("I ate an apple → ")
    assert re.findall(r"^L\dH\d(?!:)", done.out, re.M) == every_head()
    assert [name for name in ("self-attention", "masked self-attention", "cross-attention") if name in done.out]
    assert done.out == run("heads", "I ate an apple").out
    assert len(re.findall(r"peak query \(from\) +key \(to\)", done.out)) == 3


def test_a_line_shows_the_measures_of_a_head_and_its_strongest_link(tmp_path):
    trace = encoder_decoder()
    own = trace["self"].matrix(1, 1)
    lines = run("heads", trace.save(tmp_path / "t.safetensors"), "--kind", "self").out.splitlines()
    [heading] = [line.split() for line in lines if line.startswith("head ")]
    [cells] = [line.split() for line in lines if line.startswith("L1H1")]
    assert cells[-2:] == ["ate", "apple"]
    assert ".96" in cells
    shares = {name: 0.0 if cell == "·" else float(cell) for name, cell in zip(heading[1:6], cells[1:6], strict=True)}
    expected = {"self": np.diag(own).mean(), "first": own[:, 0].mean(), "special": 0}
    expected |= {"prev": np.diag(own, -1).mean(), "next": np.diag(own, 1).mean()}
    assert shares == {name: pytest.approx(share, abs=0.0051) for name, share in expected.items()}


def test_a_kind_without_that_layer_is_left_out_with_a_note():
    layer = shipped().config.encoder_layers - 1
    done = run("heads", "--layer", layer)
    assert done.code == 0
    assert re.findall(r"^L\dH\d(?!:)", done.out, re.M) == [f"L{layer}H{head}" for head in range(shipped().config.h)]
    assert done.err.splitlines() == [
        f"Note: masked self-attention has no layer {layer}: its layers are 0-1",
        f"Note: cross-attention has no layer {layer}: its layers are 0-1",
    ]


def test_a_saved_trace_of_one_layer_is_listed_too(tmp_path):
    run("trace", "I ate an apple", "-o", tmp_path / "t.safetensors")
    done = run("heads", tmp_path / "t.safetensors", "--layer", "3")
    assert "cross-attention has no layer 3" in done.err
    assert done.out == run("heads", "--layer", "3").out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--layer", "9"], "Layers: 0-3 (self-attention); 0-1 (masked self-attention, cross-attention)."),
        (["--layer", "9", "--kind", "cross"], "Layers: 0-1."),
        (["--head", "7"], "Heads: 0-3."),
        (["--kind", "x"], "Kinds: self, masked-self, cross."),
    ],
)
def test_the_error_for_a_layer_that_no_kind_has_gives_the_range(options, says):
    done = run("heads", *options)
    assert (done.code, done.out) == (1, "")
    assert says in done.err


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_grid_of_heatmaps_goes_to_a_file_that_is_printed(suffix, tmp_path):
    path = tmp_path / "new" / f"h{suffix}"
    done = run("heads", SCHOOL, "-o", path)
    assert (done.code, done.out, done.err) == (0, f"{path}\n", "")
    assert path.stat().st_size > 5000
    if suffix == ".png":
        whole = Image.open(path).size
        run("heads", SCHOOL, "--layer", "3", "-o", tmp_path / "one.png")
        assert whole[1] > 1.5 * Image.open(tmp_path / "one.png").size[1]


@pytest.mark.parametrize("suffix", [".json", ".npz", ".safetensors"])
def test_the_numbers_of_every_head_go_to_a_file(suffix, tmp_path):
    run("heads", SCHOOL, "-o", tmp_path / f"h{suffix}")
    data = (tmp_path / f"h{suffix}").read_bytes()
    if suffix == ".json":
        heads = len(json.loads(data))
    elif suffix == ".npz":
        arrays = np.load(BytesIO(data))
        heads = sum(len(arrays[name]) for name in arrays if re.fullmatch(r"\w+_L\d", name))
    else:
        trace = open_trace(tmp_path / "h.safetensors")
        heads = sum(len(a.heads(layer)) for a in trace.attentions for layer in a.layers)
    assert heads == len(every_head())


def test_heads_are_sorted_filtered_by_role_and_limited():
    done = run("heads", "--kind", "self", "--sort", "entropy", "--top", "3")
    names = re.findall(r"^L\dH\d(?!:)", done.out, re.M)
    assert len(names) == 3
    assert "entropy ↓" in done.out
    numbers = [float(number) for number in re.findall(r"█\S* +(\d\.\d\d)", done.out)]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3
    done = run("heads", "--kind", "self", "--role", "self")
    assert re.findall(r"^L\dH\d (\w+)", done.out, re.M) == ["self"] * len(re.findall(r"^L\dH\d(?!:)", done.out, re.M))
    assert "self-attention: no head has the role induction" in run("heads", "--role", "induction").out


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_a_table_of_heads_goes_to_a_file_in_the_order_of_the_screen(suffix, tmp_path):
    done = run("heads", "--kind", "self", "--sort", "peak", "--top", "2", "-o", tmp_path / f"t{suffix}")
    assert (done.code, done.out) == (0, f"{tmp_path / f't{suffix}'}\n")
    on_screen = re.findall(r"^L\dH\d(?!:)", run("heads", "--kind", "self", "--sort", "peak", "--top", "2").out, re.M)
    data = (tmp_path / f"t{suffix}").read_bytes()
    if suffix == ".json":
        rows = json.loads(data)
    elif suffix == ".csv":
        rows = list(csv.DictReader(data.decode().splitlines()))
    else:
        rows = parquet.read_table(BytesIO(data)).to_pylist()
    assert [f"L{row['layer']}H{row['head']}" for row in rows] == on_screen


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_map_of_a_measure_is_a_picture(suffix, tmp_path):
    path = tmp_path / f"map{suffix}"
    done = run("heads", "--measure", "entropy", "-o", path)
    assert (done.code, done.out) == (0, f"{path}\n")
    again = tmp_path / f"again{suffix}"
    run("heads", "--measure", "entropy", "-o", again)
    assert path.read_bytes() == again.read_bytes()


def test_a_map_says_once_what_its_colours_mean_and_which_kind_has_no_map(tmp_path):
    done = run("heads", "--measure", "distance", "-o", tmp_path / "map.svg")
    assert done.code == 0
    texts = re.findall(r"<!-- (.+) -->", (tmp_path / "map.svg").read_text())
    assert texts.count("distance of each head · builtin · does not apply to cross-attention") == 1
    assert [text for text in texts if text.endswith("attention")][:2] == ["self-attention", "masked self-attention"]
    assert "cross-attention" not in texts
    assert texts.count("distance") == 1  # beside the one bar of colours


def test_a_map_of_many_heads_labels_them_in_round_steps(tmp_path):
    heads = np.tile(np.tril(np.full((3, 3), 1 / np.arange(1, 4)[:, None], np.float32)), (40, 64, 1, 1))
    saved = Trace.of(heads, ["a", "b", "c"]).save(tmp_path / "t.safetensors")
    assert run("heads", saved, "--measure", "entropy", "-o", tmp_path / "map.svg").code == 0
    texts = re.findall(r"<!-- (.+) -->", (tmp_path / "map.svg").read_text())
    assert [text for text in texts if re.fullmatch(r"L\d+", text)] == [f"L{layer}" for layer in range(40)]
    assert [text for text in texts if re.fullmatch(r"H\d+", text)] == [f"H{head}" for head in range(0, 64, 5)]


@pytest.mark.parametrize("width", [30, 40, 50, 80])
def test_the_table_of_a_link_cuts_no_number_in_a_narrow_terminal(width):
    done = run("heads", "--from", "ate", "--to", "apple", "--kind", "self", env={"COLUMNS": str(width)})
    assert "…" not in done.out
    [titles, *_] = [line.split() for line in done.out.splitlines() if line.startswith("head ")]
    assert titles[:3] == ["head", "weight", "rank"]
    assert ("offset" in titles) == (width >= 50)
    assert ("offset:" in done.out) == (width >= 50)  # what it means is said where it is
    assert re.search(r"^L3H2 .*\.92 1 of 4", done.out, re.M)
    assert max(map(len, done.out.splitlines())) <= width


@pytest.mark.parametrize("size", ["3", "6", "4x3"])
def test_a_map_has_the_given_width_and_all_heads(size, tmp_path):
    done = run("heads", "--kind", "self", "--measure", "sink", "--size", size, "-o", tmp_path / "x.png")
    assert done.code == 0
    picture = np.asarray(Image.open(tmp_path / "x.png").convert("L"))
    assert picture.shape[1] == round(float(size.split("x")[0]) * 150)
    assert (picture[:, -30:] == 255).all()  # the margin is paper
    assert (picture[:, :30] == 255).all()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--sort", "height"], "there is no measure 'height'"),
        (["--role", "tall"], "there is no role 'tall'"),
        (["--measure", "height", "-o", "x.png"], "there is no measure 'height'"),
        (["--measure", "entropy"], "--measure draws a picture"),
        (["--measure", "entropy", "-o", "x.csv"], "--measure draws a picture"),
        (["--sort", "entropy", "-o", "x.png"], "--sort is for the table of heads"),
        (["--top", "3", "-o", "x.npz"], "--top is for the table of heads"),
        (["--top", "0"], "--top cannot be 0"),
        (["--top", "1.5"], "--top cannot be '1.5'\nHint:  A whole number, such as 5."),
        (["--vmax", "high"], "--vmax cannot be 'high'\nHint:  A number, such as 0.5."),
        (["--role", "sink", "-o", "x.png"], "To draw some of its heads, name them: --head L0H2,L3H1."),
        (["--mean", "-o", "x.png"], "--mean draws several heads as one"),
        (["--measure", "entropy", "--sink", "mask", "-o", "x.png"], "--sink would change nothing in a map of entropy"),
        (["--measure", "entropy", "--vmax", "0.5", "-o", "x.png"], "--vmax would change nothing in a map of entropy"),
        (["--measure", "induction", "-o", "x.png"], "induction applies to no head of this text"),
        (["--sort", "duplicate"], "duplicate applies to no head of this text"),
        (["-o", "x.txt"], "cannot write .txt files"),
        (["--from", "ate"], "--from goes with --to"),
        (["--to", "ate"], "--to goes with --from"),
        (["--from", "ate", "--to", "apple", "--role", "sink"], "--role cannot go with --from and --to"),
        (["--from", "ate", "--to", "pear"], "no column of self-attention is called 'pear'"),
        (["--dpi", "99", "-o", "x.csv"], "--dpi would change nothing: the output is numbers"),
    ],
)
def test_options_without_effect_are_refused(args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("heads", *args)
    assert done.code != 0
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_heads_are_ranked_by_a_link(tmp_path):
    done = run("heads", "--from", "ate", "--to", "apple", "--top", "2")
    assert (done.code, done.err) == (0, "")
    assert re.findall(r"self-attention: from (.+)", done.out) == ["ate to apple", "apple to ate"]
    assert len(re.findall(r"^L\dH\d(?!:)", done.out, re.M)) == 4
    run("heads", "--from", "ate", "--to", "apple", "--top", "2", "-o", tmp_path / "t.csv")
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert [f"L{row['layer']}H{row['head']}" for row in rows] == re.findall(r"^L\dH\d(?!:)", done.out, re.M)
    done = run("heads", "--from", "ate", "--to", "apple", "-o", tmp_path / "t.png")
    assert done.code == 0
    one = run("heads", "--from", "ate", "--to", "apple", "--top", "1", "-o", tmp_path / "one.png")
    assert one.code == 0
    assert Image.open(tmp_path / "t.png").size[0] > 2 * Image.open(tmp_path / "one.png").size[0]  # side by side


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ([], "kind=self&view=matrix"),
        (["--sort", "entropy"], "kind=self&view=matrix&sort=entropy"),
        (["--kind", "cross", "--style", "lines"], "kind=cross&view=lines"),
    ],
)
def test_a_page_opens_with_the_heads_as_they_are_listed(options, start, tmp_path):
    done = run("heads", *options, "-o", tmp_path / "h.html")
    assert (done.code, done.out, done.err) == (0, f"{tmp_path / 'h.html'}\n", "")
    assert f'"start":"{start}"' in (tmp_path / "h.html").read_text("utf-8")


def test_a_page_of_a_link_opens_at_the_head_that_gives_it_most(tmp_path):
    run("heads", "--from", "ate", "--to", "apple", "--top", "1", "-o", tmp_path / "h.csv")
    [row] = list(csv.DictReader((tmp_path / "h.csv").read_text().splitlines()))[:1]
    assert run("heads", "--from", "ate", "--to", "apple", "-o", tmp_path / "h.html").code == 0
    start = f"kind=self&view=matrix&head=L{row['layer']}H{row['head']}&cursor=1%2C3&focus=1"
    assert f'"start":"{start}"' in (tmp_path / "h.html").read_text("utf-8")


@pytest.mark.parametrize("options", [["--measure", "entropy"], ["--top", "3"], ["--role", "sink"], ["--size", "5"]])
def test_a_page_refuses_what_is_for_tables_or_pictures(options, tmp_path):
    done = run("heads", *options, "-o", tmp_path / "h.html")
    assert done.code in (1, 2)
    assert f"{options[0]} " in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["h.gif", "h"])
def test_other_endings_are_refused(name, tmp_path):
    done = run("heads", "-o", tmp_path / name)
    assert (done.code, done.out) == (1, "")
    assert "Endings: .png" in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_text_is_read_from_stdin_where_it_is_a_dash_and_only_there():
    assert run("heads", "-", stdin=SCHOOL).out == run("heads", SCHOOL).out
    assert process("heads", stdin=SCHOOL.encode()).out == run("heads").out


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_an_empty_text_is_refused(stdin):
    done = run("heads", "-", stdin=stdin)
    assert (done.code, done.out) == (1, "")
    assert "the text is empty" in done.err


@pytest.mark.parametrize("width", ["30", "60", "200"])
def test_no_line_is_wider_than_the_terminal(width):
    from rich.cells import cell_len

    done = run("heads", SCHOOL, env={"COLUMNS": width})
    assert max(map(cell_len, done.out.splitlines())) <= int(width)


def test_help_names_every_ending_that_is_written():
    shown = run("heads", "--help", env={"COLUMNS": "80"}).out
    for ending in (*PICTURES, *TABLE_ENDINGS, ".npz", ".safetensors"):
        assert f"{ending} " in shown or f"{ending})" in shown


def test_heads_by_value_norms_are_measured_by_shares_and_have_no_role(tmp_path):
    trace = with_value_norms(encoder_decoder()).save(tmp_path / "t.safetensors")
    done = run("heads", trace, "--method", "norm", "-o", tmp_path / "t.json")
    assert done.code == 0
    rows = {
        (row["kind"], f"L{row['layer']}H{row['head']}"): row for row in json.loads((tmp_path / "t.json").read_text())
    }
    shares = apply_method("norm", with_value_norms(encoder_decoder()))["self"]
    assert rows["self", "L1H1"]["sink"] == pytest.approx(float(sink(shares, 1)[1]), abs=1e-4)
    assert {row["role"] for row in rows.values()} <= {None, ""}
    assert "numbers of value-weighted attention" in " ".join(run("heads", trace, "--method", "norm").out.split())


def test_what_heads_cannot_do_by_a_method_is_refused_by_name(tmp_path):
    trace = with_value_norms(encoder_decoder()).save(tmp_path / "t.safetensors")
    for options, says in (
        (
            ["rollout"],
            "Error: method rollout combines all heads of all layers, and heads shows each head\nHint:  Draw it",
        ),
        (["flow"], "Error: method flow combines all heads of all layers"),
        (["norm", "--role", "sink"], "Error: --role is by attention weights, and cannot go with --method norm"),
        (["norm", "--from", "ate", "--to", "apple"], "Error: --from is by attention weights"),
        (["norm", "-o", tmp_path / "x.html"], "Error: --method norm is not for .html, which holds weights"),
    ):
        assert run("heads", trace, "--method", *options).err.startswith(says)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    GOLDENS.mkdir(exist_ok=True)
    for name in CASES:
        with TemporaryDirectory() as folder:
            (GOLDENS / f"heads-{name}.txt").write_bytes(shown(name, Path(folder)).encode())

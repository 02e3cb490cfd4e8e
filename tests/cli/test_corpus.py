"""`attnviz heads --corpus FILE`: every head over many texts.

`python tests/cli/test_corpus.py` writes the goldens again; look at the difference before you keep it.
"""

import csv
import json
import re
from io import BytesIO
from pathlib import Path
from unittest.mock import patch

import pytest
from command_line import run
from handmade_model import ModelByHand
from PIL import Image
from pyarrow import parquet

from attnviz.measured_roles import read_roles
from attnviz.scratch.store import shipped

GOLDENS = Path(__file__).parent / "goldens"
SAMPLES = Path(__file__).parents[2] / "samples"
TEXTS = "I ate an apple\nShe wore a red hat.\nHe played the piano.\n"
PAIRS = "text\tfrom\tto\nI ate an apple\tate\tapple\nShe wore a red hat.\twore\that\n"
SENTENCES = "\n".join((SAMPLES / "simple.conllu").read_text("utf-8").splitlines()[:20])
CASES = {
    "measures": ("a.txt", TEXTS, []),
    "sorted": ("a.txt", TEXTS, ["--sort", "entropy", "--top", "3"]),
    "pairs": ("a.tsv", PAIRS, ["--top", "2"]),
    "dependencies": ("a.conllu", SENTENCES, []),
    "examples": ("a.tsv", PAIRS, ["--examples", "L1H1"]),
}


def shown(name: str, folder: Path) -> str:
    """What the command prints for a case, of a model made by hand."""
    file, content, options = CASES[name]
    (folder / file).write_text(content, "utf-8")
    with patch("attnviz.cli.run.Run.load", lambda run: ModelByHand()):
        done = run("heads", "--corpus", folder / file, *options)
    assert done.code == 0
    return f"{done.out}--- stderr ---\n{done.err}".replace(str(folder), "FOLDER")


@pytest.mark.parametrize("name", CASES)
def test_golden(name, tmp_path):
    assert shown(name, tmp_path) == (GOLDENS / f"corpus-{name}.txt").read_bytes().decode()


@pytest.fixture
def texts(tmp_path) -> Path:
    (tmp_path / "a.txt").write_text(TEXTS)
    return tmp_path / "a.txt"


def rows_of(path: Path) -> list[dict]:
    data = path.read_bytes()
    if path.suffix == ".json":
        return json.loads(data)
    if path.suffix == ".csv":
        return list(csv.DictReader(data.decode().splitlines()))
    return parquet.read_table(BytesIO(data)).to_pylist()


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_means_spreads_and_counts_go_to_a_file_in_the_order_of_the_screen(suffix, texts):
    args = "heads", "--corpus", texts, "--kind", "self", "--sort", "entropy", "--top", "2"
    path = texts.with_suffix(suffix)
    done = run(*args, "-o", path)
    assert (done.code, done.out) == (0, f"{path}\n")
    rows = rows_of(path)
    assert [f"L{row['layer']}H{row['head']}" for row in rows] == re.findall(r"^L\dH\d", run(*args).out, re.M)
    assert {int(row["entropy_texts"]) for row in rows} == {3}
    assert all(float(row["entropy"]) > float(row["entropy_spread"]) > 0 for row in rows)
    assert {row["duplicate"] for row in rows} <= {None, ""}


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_a_corpus_with_pairs_gives_scores_of_every_head_unless_a_measure_is_given(suffix, tmp_path):
    (tmp_path / "a.tsv").write_text(PAIRS)
    run("heads", "--corpus", tmp_path / "a.tsv", "-o", tmp_path / f"s{suffix}")
    rows = rows_of(tmp_path / f"s{suffix}")
    config = shipped().config
    assert len(rows) == 2 * config.encoder_layers * config.h
    assert {row["direction"] for row in rows} == {"from → to", "to → from"}
    assert {int(row["pairs"]) for row in rows} == {2}
    run("heads", "--corpus", tmp_path / "a.tsv", "--sort", "entropy", "-o", tmp_path / f"m{suffix}")
    assert "entropy_spread" in rows_of(tmp_path / f"m{suffix}")[0]


def test_a_map_of_a_measure_is_a_picture(texts, tmp_path):
    path = tmp_path / "map.png"
    done = run("heads", "--corpus", texts, "--measure", "entropy", "-o", path)
    assert (done.code, done.out, done.err) == (0, f"{path}\n", "")
    assert Image.open(path).size[0] > 300


def test_the_order_of_the_texts_changes_no_number_on_the_screen(texts, tmp_path):
    (tmp_path / "b.txt").write_text("\n".join(reversed(TEXTS.splitlines())))
    one, other = (run("heads", "--corpus", file).out for file in (texts, tmp_path / "b.txt"))
    assert one.replace("a.txt", "b.txt") == other


def test_bad_lines_are_reported_and_the_others_are_measured(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"I ate\n\xff\xfe\n" + b"apple " * 600 + b"\nShe slept\n")
    done = run("heads", "--corpus", path, "--layer", "0", "--kind", "self")
    assert done.code == 3
    assert "a.txt: 2 texts · builtin" in done.out
    assert f"Error: {path}, line 2: not UTF-8: byte 0 of the line is 0xff" in done.err
    assert f"Error: {path}, line 3: the text is 600 tokens long" in done.err
    assert "2 of 4 texts were read." in done.err


def test_there_is_no_table_if_no_text_can_be_read(tmp_path):
    (tmp_path / "a.jsonl").write_text("[]\n{}\n")
    done = run("heads", "--corpus", tmp_path / "a.jsonl", "-o", tmp_path / "x.csv")
    assert (done.code, done.out) == (1, "")
    assert "line 1: not a JSON object" in done.err
    assert not (tmp_path / "x.csv").exists()


def test_each_note_is_shown_once_with_its_line(tmp_path):
    (tmp_path / "a.txt").write_text("I ate\nI frobnicate\nI frobnicate\n")
    done = run("heads", "--corpus", tmp_path / "a.txt", "--layer", "3")
    notes = [line for line in done.err.splitlines() if line.startswith("Note: ")]
    assert sum("frobnicate" in note for note in notes) == 1
    assert any(f"{tmp_path / 'a.txt'}, line 2 (and 1 other): " in note for note in notes)
    assert "Note: cross-attention has no layer 3: its layers are 0-1" in notes


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["TEXT"], "the corpus has the texts"),
        (["--target", "x"], "the corpus has the texts"),
        (["--text-pair", "x"], "--text-pair cannot go with --corpus"),
        (["--rows", "3"], "--rows cannot go with --corpus"),
        (["--from", "ate", "--to", "apple"], "--from cannot go with --corpus"),
        (["--probe", "sink"], "--probe cannot go with --corpus"),
        (["-o", "x.png"], "a corpus gives numbers of heads: there is no attention to write to .png"),
        (["-o", "x.npz"], "a corpus gives numbers of heads: there is no attention to write to .npz"),
        (["--examples", "3"], "--examples '3' is not one head of one layer"),
        (["--examples", "L0H1,L0H2"], "is not one head of one layer"),
        (["--examples", "L0H0"], "several kinds have a head L0H0"),
        (["--examples", "L9H0"], "there is no head L9H0"),
        (["--examples", "L3H0", "--role", "sink"], "--role cannot go with --examples"),
        (["--save-roles", "x.txt"], "cannot write roles to x.txt"),
        (["--measure", "entropy"], "--measure draws a picture"),
        (["--sort", "duplicate"], "duplicate applies to no head of these texts"),
        (["--layer", "9"], "no layer 9"),
        (["--vmax", "0.5", "--measure", "entropy", "-o", "x.png"], "--vmax would change nothing"),
    ],
)
def test_options_that_cannot_go_together_are_refused(args, message, texts, monkeypatch):
    monkeypatch.chdir(texts.parent)
    done = run("heads", "--corpus", "a.txt", *args)
    assert done.code in (1, 2)
    assert done.out == ""
    assert message in done.err
    assert texts.read_text() == TEXTS
    assert [path.name for path in texts.parent.iterdir()] == ["a.txt"]


def test_the_corpus_is_not_overwritten(tmp_path):
    (tmp_path / "a.csv").write_text("text\nI ate\n")
    done = run("heads", "--corpus", tmp_path / "a.csv", "-o", tmp_path / "a.csv")
    assert done.code == 1
    assert "it belongs to the input of this command" in done.err
    assert (tmp_path / "a.csv").read_text() == "text\nI ate\n"


@pytest.mark.parametrize(
    ("name", "says"), [("gone.txt", "no such file"), ("", "is a folder"), ("a.md", "cannot read .md")]
)
def test_a_file_that_is_not_a_corpus_is_refused_before_a_model_is_loaded(name, says, tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda run: 1 / 0)
    (tmp_path / "a.md").write_text("one")
    done = run("heads", "--corpus", tmp_path / name)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    (tmp_path / "a.txt").write_text("\n\n")
    assert f"{tmp_path / 'a.txt'} holds no text" in run("heads", "--corpus", tmp_path / "a.txt").err


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_examples_go_to_a_file(suffix, texts):
    path = texts.with_suffix(suffix)
    args = "heads", "--corpus", texts, "--kind", "self", "--examples", "L0H1", "--sort", "self", "--top", "1"
    assert run(*args, "-o", path).code == 0
    rows = rows_of(path)
    assert [row["group"] for row in rows] == ["top", "middle", "bottom"]
    numbers = [float(row["number"]) for row in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert {row["text"].split(" → ")[0] for row in rows} == {*TEXTS.splitlines()}


def test_roles_are_saved_the_same_each_time_and_the_folder_that_has_them_shows_them_and_the_first_one_s_head(
    minilm_folder, tmp_path
):
    model = tmp_path / "model"
    model.mkdir()
    for file in minilm_folder.iterdir():
        if file.is_file():
            (model / file.name).symlink_to(file)
    args = "heads", "--corpus", SAMPLES / "simple.conllu", "-m", model, "--save-roles"
    done = run(*args, tmp_path / "x.json")
    assert done.code == 0
    run(*args, model)  # a folder, in which it may be written again
    assert run(*args, model).code == 0
    assert (model / "attnviz.json").read_bytes() == (tmp_path / "x.json").read_bytes()
    roles = read_roles(model / "attnviz.json").roles
    assert f"{len(roles)} roles" in done.err
    shown = run("heads", "I ate an apple", "-m", model, "--layer", "3").out
    of_layer = [role.sentence for role in roles if role.layer == 3]
    assert any("obj: head → dependent, 93% of 14 pairs (best fixed offset 43%)" in one for one in of_layer)
    flat = " ".join(shown.split())
    assert all(sentence in flat for sentence in of_layer)
    assert not any(role.sentence in flat for role in roles if role.layer != 3)
    drawn = run("plot", "I ate an apple", "-m", model)  # by the first role, and not by what this text looks like
    assert f"· {roles[0].head} ·" in drawn.out
    assert roles[0].summary in drawn.err
    (model / "attnviz.json").write_text("{")
    damaged = run("heads", "I ate an apple", "-m", model, "--layer", "3")
    assert damaged.code == 0
    assert "attnviz.json holds no measured roles" in damaged.err


@pytest.mark.parametrize("option", ["--examples", "--save-roles"])
def test_options_of_a_corpus_need_one(option):
    done = run("heads", option, "L0H0")
    assert done.code == 2
    assert f"{option} needs a corpus" in done.err


@pytest.mark.parametrize("width", ["40", "80", "200"])
@pytest.mark.parametrize("name", ["measures", "dependencies"])
def test_no_line_is_wider_than_the_terminal(width, name, tmp_path):
    from rich.cells import cell_len

    file, content, options = CASES[name]
    (tmp_path / file).write_text(content, "utf-8")
    done = run("heads", "--corpus", tmp_path / file, *options, env={"COLUMNS": width})
    assert max(map(cell_len, done.out.splitlines())) <= int(width)


def test_names_cannot_drive_the_terminal(tmp_path):
    lines = ["\t".join([str(n), form, "_", "_", "_", "_", head, name, "_", "_"]) for n, form, head, name in
             ((1, "I", "2", "\x1b[31mred[bold]"), (2, "ate", "0", "root"), (3, "it", "2", "obj"))]  # fmt: skip
    path = tmp_path / "a\x1b[2J.conllu"
    path.write_text("\n".join(lines))
    done = run("heads", "--corpus", path, "--kind", "self")
    assert done.code == 0
    assert "\x1b" not in done.out + done.err
    assert "[bold]" in done.out


@pytest.mark.parametrize("width", [53, 60, 66, 73, 80])
def test_a_narrow_terminal_has_fewer_columns_and_cuts_no_number(width, tmp_path):
    lines = ["\t".join([str(n), form, "_", "_", "_", "_", head, name, "_", "_"]) for n, form, head, name in
             ((1, "I", "2", "nsubj"), (2, "ate", "0", "root"))]  # fmt: skip
    path = tmp_path / "one.conllu"
    path.write_text("\n".join(lines))
    done = run("heads", "--corpus", path, "--kind", "self", env={"COLUMNS": str(width)})
    assert "…" not in done.out
    assert re.search(r"dependent → head .*L\dH\d .*\d% +.*\d% at", done.out)
    assert ("weight  " in done.out) == (width >= 66)


def test_a_relation_with_a_long_name_leaves_room_for_its_numbers(tmp_path):
    lines = ["\t".join([str(n), form, "_", "_", "_", "_", head, name, "_", "_"]) for n, form, head, name in
             ((1, "I", "2", "x" * 300), (2, "ate", "0", "root"))]  # fmt: skip
    path = tmp_path / "long.conllu"
    path.write_text("\n".join(lines))
    done = run("heads", "--corpus", path, "--kind", "self", "--head", "L0H2", env={"COLUMNS": "80"})
    assert re.search(r"^x{15}… dependent → head +1 L0H2 .*%", done.out, re.MULTILINE)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    for name in CASES:
        with TemporaryDirectory() as folder:
            (GOLDENS / f"corpus-{name}.txt").write_bytes(shown(name, Path(folder)).encode())

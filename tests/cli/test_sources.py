"""`attnviz sources`: what an answer looked at, on the screen and in files.

`python tests/cli/test_sources.py` writes the goldens again; look at the difference before you keep it.
"""

import csv
import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from command_line import run
from handmade_traces import decoder_only, encoder_decoder, with_answer, with_value_norms
from PIL import Image
from rich.cells import cell_len

from attnviz.analysis.answer_sources import answer_sources
from attnviz.attention import Trace

GOLDENS = Path(__file__).parent / "goldens"
TWO = "I ate an apple. She read a book."
KOREAN = "그녀는 사과를 먹고 학교에 갔다. 나는 책을 읽었다."


def decoder() -> Trace:
    """Two paragraphs, and an answer of two words that reads `Cairo` and `Oslo`."""
    words = ["Anna", "lives", "in", "Oslo.", "\n\nClara", "lives", "in", "Cairo.", "\n\nWhere", "is", "Clara?", "In"]
    words = [*words, "Cairo,", "not", "Oslo."]
    weights = np.eye(len(words), dtype=np.float32)[None]
    for row, reads in {
        10: {3: 0.5, 4: 0.5},
        11: {0: 0.4, 3: 0.1, 4: 0.2, 7: 0.3},
        12: {0: 0.6, 7: 0.1, 8: 0.2, 12: 0.1},
    }.items():
        weights[0, row] = 0
        weights[0, row, [*reads]] = [*reads.values()]
    weights[0, 13] = 0
    weights[0, 13, [0, 3]] = 0.5, 0.5
    return with_answer(words, weights, 3)


CASES = {
    "decoder": (decoder(), "100", []),
    "decoder-narrow": (decoder(), "50", []),
    "one-token": (decoder(), "80", ["--token", "Oslo.", "--top", "1"]),
    "one-segment": (decoder(), "80", ["--segment", "2", "--top", "2"]),
    "cross": (encoder_decoder(), "80", []),
    "value-weighted": (with_value_norms(encoder_decoder()), "80", ["--method", "norm"]),
}


def shown(name: str, folder: Path) -> str:
    trace, width, options = CASES[name]
    done = run("sources", trace.save(folder / "saved.safetensors"), *options, env={"COLUMNS": width})
    assert done.code == 0
    return f"{done.out}--- stderr ---\n{done.err}"


@pytest.mark.parametrize("name", CASES)
def test_golden(name, tmp_path):
    assert shown(name, tmp_path) == (GOLDENS / f"sources-{name}.txt").read_bytes().decode()


@pytest.mark.parametrize("width", ["40", "60", "90", "200"])
def test_no_line_is_wider_than_the_terminal(width):
    done = run("sources", KOREAN, env={"COLUMNS": width})
    assert max(map(cell_len, done.out.splitlines())) <= int(width)


def segment_rows(width: int, trace: Path) -> list[list[str]]:
    """The numbers beside each segment."""
    lines = run("sources", trace, env={"COLUMNS": str(width)}).out.splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith("segment "))
    return [re.split(r"[▏▎▍▌▋▊▉█]+", line)[1].split() for line in lines[begin + 1 : begin + 4]]


@pytest.mark.parametrize("width", [40, 50, *range(56, 72, 3)])
def test_no_number_beside_a_segment_is_cut(width, tmp_path):
    trace = decoder().save(tmp_path / "t.safetensors")
    wide, narrow = segment_rows(200, trace), segment_rows(width, trace)
    assert [len(row) for row in wide] == [6, 6, 6]  # share, tokens, a token, uniform, × and question
    for whole, few in zip(wide, narrow, strict=True):
        assert len(few) >= 3
        assert {*few} <= {*whole}


def test_a_caption_describes_the_columns_that_are_shown(tmp_path):
    trace = decoder().save(tmp_path / "t.safetensors")
    for width, has_question in (("50", False), ("100", True)):
        shown = run("sources", trace, env={"COLUMNS": width}).out
        assert (" question\n" in shown, "question: the share" in shown.replace("\n", " ")) == (has_question,) * 2


def test_the_segments_and_the_sources_of_a_translation():
    done = run("sources", TWO)
    assert done.code == 0
    assert "Error" not in done.err
    assert re.findall(r"^(\d [\w .]+?\.) +\S+ +(\d+)% +(\d)", done.out, re.M)[0][::2] == ("1 I ate an apple.", "4")
    assert "Attention is not attribution" in done.out.replace("\n", " ")
    assert re.search(r"set aside: [\d.]+% to sinks \(special tokens", done.out.replace("\n", " "))


def test_files_put_before_the_text_are_segments(smollm2_file, tmp_path):
    for name, content in {"a.txt": "Anna lives in Oslo.", "b.md": "Boris lives in Rome.\n"}.items():
        (tmp_path / name).write_text(content)
    files = ["--context", tmp_path / "a.txt", "--context", tmp_path / "b.md"]
    asked = ["sources", "Where does Anna live? Anna lives in", "-m", smollm2_file, "--layer", "3", *files]
    done = run(*asked, "--generate", "1")
    assert done.code == 0
    assert re.findall(r"^(a\.txt|b\.md|the question) ", done.out, re.M) == ["a.txt", "b.md", "the question"]
    given = run(*asked, "--answer", "Oslo.", "-o", tmp_path / "s.json")
    assert given.code == 0
    found = json.loads((tmp_path / "s.json").read_text())
    assert [one["text"] for one in found["written"]] == ["Oslo", "."]
    assert sum(one["share"] for one in found["shares"]) == pytest.approx(1)


def test_files_of_one_name_are_told_apart_by_their_folders(smollm2_file, tmp_path):
    paths = [tmp_path / name / "notes.txt" for name in ("a", "b")]
    for path, content in zip(paths, ("Anna lives in Oslo.", "Boris lives in Rome."), strict=True):
        path.parent.mkdir()
        path.write_text(content)
    files = [each for path in paths for each in ("--context", path)]
    asked = ["sources", "Anna lives in", "-m", smollm2_file, "--head", "L3H1", *files, "--answer", "Oslo"]
    assert run(*asked, "-o", tmp_path / "s.json").code == 0
    found = json.loads((tmp_path / "s.json").read_text())
    assert [one["name"] for one in found["shares"]][:2] == [str(path) for path in paths]
    assert found["heads"] == 1


@pytest.mark.parametrize(("more", "is_sure"), [("", True), (" She went to school.", False)])
def test_the_data_says_whether_the_model_is_sure_of_its_answer(more, is_sure, tmp_path):
    done = run("sources", f"I ate an apple.{more}", "-o", tmp_path / "s.json")
    assert done.code == 0
    assert ("not sure" in done.err) != is_sure
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["is_sure"] == is_sure


def test_a_table_has_a_row_for_each_segment(tmp_path):
    done = run("sources", TWO, "-o", tmp_path / "s.csv")
    assert done.out == f"{tmp_path / 's.csv'}\n"
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["1 I ate an apple.", "2 She read a book."]
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)
    assert rows[0]["question"] == ""


def test_the_table_of_one_segment_has_a_row_for_each_token(tmp_path):
    assert run("sources", TWO, "--segment", "2", "-o", tmp_path / "s.csv").code == 0
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text().splitlines()))
    assert [row["text"] for row in rows] == ["She", "read", "a", "book"]
    assert {row["segment"] for row in rows} == {"2 She read a book."}


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture_shows_the_prompt_with_its_segments(suffix, tmp_path):
    assert run("sources", TWO, "-o", tmp_path / f"s.{suffix}").code == 0
    data = (tmp_path / f"s.{suffix}").read_bytes()
    if suffix == "png":
        assert len(Image.open(BytesIO(data)).convert("RGB").getcolors(1 << 20)) > 20
    assert len(data) > 5000


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-o", "x.npz"], "cannot write .npz"),
        (["--token", "banana"], "no token of the answer is called 'banana'"),
        (["--segment", "3"], "no segment is called '3'"),
        (["-o", "x"], "cannot write a file without an ending"),
        (["--context", "gone.txt"], "cannot read gone.txt: No such file"),
        (["--answer", "yes", "--target", "네"], "--answer gives the answer"),
        (["--top", "0"], "--top cannot be 0"),
    ],
)
def test_wrong_arguments_are_refused(args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("sources", TWO, *args)
    assert done.code != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_marker_may_have_new_lines_and_must_stand_in_the_prompt(tmp_path):
    done = run("sources", "I ate an apple.\n---\nShe read a book.", "--split", r"\n---\n", "-o", tmp_path / "s.json")
    assert done.code == 0, done.err
    assert [one["name"] for one in json.loads((tmp_path / "s.json").read_text())["shares"]][:2] == [
        "1 I ate an apple.",
        "2 She read a book.",
    ]
    assert "'zzz' does not stand in the prompt" in run("sources", TWO, "--split", "zzz").err


def test_a_context_without_text_is_refused(tmp_path):
    (tmp_path / "empty.txt").write_text(" \n")
    done = run("sources", TWO, "--context", tmp_path / "empty.txt")
    assert (done.code, done.err) == (1, "Error: empty.txt holds no text\nHint:  Leave it out.\n")


def test_a_context_with_the_name_of_another_segment_is_refused(tmp_path):
    (tmp_path / "other").write_text("I ate an apple.")
    done = run("sources", TWO, "--context", tmp_path / "other")
    assert (done.code, done.err.splitlines()[0]) == (1, "Error: a context cannot be called 'other': another segment is")


def test_where_all_was_set_aside_it_is_said_so():
    done = run("sources", "I")
    assert "Nothing is left, and no share can be given" in done.out
    assert "segment" not in done.out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--method", "length"],
            "Error: method cannot be 'length'\nHint:  Methods: raw, rollout, flow, norm, gradient.\n",
        ),
        (
            ["--method", "norm", "--words"],
            "Error: the norms of values are those of tokens, not of words\nHint:  Leave out --words.\n",
        ),
    ],
)
def test_what_cannot_be_value_weighted_is_refused(options, says):
    assert run("sources", TWO, *options).err == says


def test_a_saved_trace_without_value_norms_says_how_to_keep_them(tmp_path):
    done = run("sources", encoder_decoder().save(tmp_path / "t.safetensors"), "--method", "norm")
    assert (done.code, done.out) == (1, "")
    assert "Trace the text again with them: attnviz trace TEXT --value-norms -o norms.safetensors" in done.err
    kept = tmp_path / "kept.safetensors"
    assert run("trace", TWO, "--value-norms", "-o", kept).code == 0
    assert run("sources", kept, "--method", "norm").out == run("sources", TWO, "--method", "norm").out
    assert run("trace", kept, "--value-norms").err.startswith("Error: --value-norms cannot change a saved trace")


def test_the_sources_of_a_decoder_by_rollout_stand_beside_the_rollout_of_uniform_attention(tmp_path):
    words, n = ["One", "two", "three.", "Four", "five", "six.", "Seven", "eight", "nine", "ten.", "Yes"], 11
    weights = np.stack([np.tri(n, dtype=np.float32) / np.arange(1, n + 1, dtype=np.float32)[:, None]] * 2)
    weights[:, 9] = 0
    weights[0, 9, [0, 1]], weights[1, 9, [0, 4]] = (0.2, 0.8), (0.2, 0.8)
    trace = with_answer(words, weights, 1)
    found = answer_sources(trace, method="rollout")
    # The row that reads "ten." and writes "Yes", mixed with itself: left are keys 1 to 5, of which 1 and 4 have ½ · .4.
    assert [one.share for one in found.tokens[1:6]] == pytest.approx([0.5, 0, 0, 0.5, 0])
    assert (found.sinks, found.recent) == (pytest.approx(0.1), pytest.approx(0.5))
    assert [one.uniform for one in found.shares] == pytest.approx([0.4, 0.6])  # 2 and 3 of the 5 keys
    assert found.heads == 2
    done = run("sources", trace.save(tmp_path / "t.safetensors"), "--method", "rollout")
    said = " ".join(done.out.split())
    assert "rollout of 2 heads; set aside: 10% to sinks" in said
    assert "uniform: that part of the rollout of uniform attention, in which the mask alone favours" in said


def test_the_sources_of_a_translation_have_no_rollout():
    done = run("sources", TWO, "--method", "rollout")
    assert "whose tokens only look at one another, and this is cross-attention" in done.err
    assert "attnviz plot TEXT --kind self --method rollout" in done.err


def test_a_text_without_an_answer_says_how_to_get_one(tmp_path):
    done = run("sources", decoder_only().save(tmp_path / "t.safetensors"))
    assert done.code != 0
    assert "there is no answer in this text of by hand" in done.err
    assert "--generate 20" in done.err


def test_the_rows_that_write_the_answer_have_to_be_kept(tmp_path):
    done = run("sources", decoder().save(tmp_path / "t.safetensors"), "--rows", "0-3")
    assert done.code != 0
    assert "--rows answer" in done.err
    assert "Error: only a decoder writes an answer" in run("sources", TWO, "--kind", "self").err


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    for name in CASES:
        with TemporaryDirectory() as folder:
            (GOLDENS / f"sources-{name}.txt").write_bytes(shown(name, Path(folder)).encode())

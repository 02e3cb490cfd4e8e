"""Traces become pictures, in this process or in others, and each result is a line of the manifest."""

from pathlib import Path

import pytest
from handmade_traces import encoder_decoder, labelled

from attnviz.analysis.head_table import head_rows
from attnviz.attention import Trace
from attnviz.batch import Drawing, Job, draw_all, processes
from attnviz.batch.drawing import FEW
from attnviz.corpus import Entry
from attnviz.errors import AbsentHeadError, AttnvizError, InputError
from attnviz.render import render
from attnviz.render.options import PlotOptions
from attnviz.render.plan import plot_scene
from attnviz.selection import Selection

SELECTION = Selection.of(0, 0)


def job(folder: Path, number: int, text: str = "I ate") -> Job:
    return Job(Path("a.txt"), Entry(f"line {number}", text), folder / "a.txt" / f"{number:03}.png")


def drawing(folder: Path) -> Drawing:
    return Drawing(folder, SELECTION, PlotOptions())


def one(index: int) -> Trace:
    return SELECTION.apply(labelled([f"word{index}", "b", "c"][: 2 + index % 2]))


@pytest.mark.parametrize("count", [1, 2])
def test_each_job_is_drawn_with_its_own_trace_and_a_failed_one_stops_no_other(count, tmp_path):
    error = InputError("the text is empty", "Write one.")
    work = [(job(tmp_path, n), error if n == 3 else one(n), None) for n in range(1, 21)]
    results = list(draw_all(work, drawing(tmp_path), count))
    assert [done.job for done in results] == [job for job, _, _ in work]
    for done, (_, trace, _) in zip(results, work, strict=True):
        if isinstance(trace, AttnvizError):
            assert (done.line.error, done.line.hint, done.line.output) == (error.message, error.hint, None)
            assert done.error.message == error.message
            assert not done.job.output.exists()
        else:
            scene, _ = plot_scene(trace, SELECTION)
            assert done.job.output.read_bytes() == render(trace, [scene], ".png")
            assert done.line.output == f"a.txt/{done.line.number:03}.png"


def test_a_line_has_the_head_and_its_measures(tmp_path):
    trace = Selection.of(1, 1, "cross").apply(encoder_decoder())
    [done] = draw_all(
        [(job(tmp_path, 7, "I ate an apple"), trace, None)], Drawing(tmp_path, Selection.of(1, 1), PlotOptions())
    )
    line, [row] = done.line, head_rows(trace, "cross")
    assert (line.source, line.number, line.text, line.model) == ("a.txt", 7, "I ate an apple", trace.model)
    assert (line.kind, line.layer, line.head) == ("cross", 1, 1)
    assert line.measures["entropy"] == pytest.approx(row.values["entropy"], abs=1e-6)
    assert line.measures.keys() == row.values.keys()
    assert line.seconds > 0


@pytest.mark.parametrize("count", [1, 2])
def test_an_absent_head_stops_all_jobs(count, tmp_path):
    work = [(job(tmp_path, 1), AbsentHeadError("there is no layer 9"), None)]
    with pytest.raises(AbsentHeadError):
        list(draw_all(work, drawing(tmp_path), count))


def test_a_process_that_is_ended_from_outside_is_an_error(tmp_path):
    class DeadlyError(Exception):
        def __reduce__(self):
            return __import__("os")._exit, (1,)

    work = [(job(tmp_path, 1), DeadlyError(), None)]
    with pytest.raises(AttnvizError, match="ended from outside"):
        list(draw_all(work, drawing(tmp_path), 2))


def test_a_job_is_only_drawn_when_its_result_is_requested(tmp_path):
    done = draw_all([(job(tmp_path, n), one(n), None) for n in (1, 2)], drawing(tmp_path))
    assert not list(tmp_path.rglob("*.png"))
    next(done)
    assert [path.name for path in tmp_path.rglob("*.png")] == ["001.png"]


def test_few_pictures_start_no_process():
    assert processes(FEW - 1) == 1
    assert processes(10 * FEW) >= 1

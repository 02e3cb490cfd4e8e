"""Traces into pictures, in this process or in several: drawing holds Python's lock, so threads would not help."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np

from attnviz.analysis import HeadChoice
from attnviz.attention import Trace
from attnviz.batch.jobs import Job
from attnviz.batch.manifest import Line
from attnviz.errors import AbsentHeadError, AttnvizError
from attnviz.files import write_whole
from attnviz.render.options import PlotOptions
from attnviz.selection import Selection

FEW = 32
"""Fewer pictures than this are drawn in this process: to start others would take longer."""
AHEAD = 8
"""So many traces wait for each process, and no more, so that memory stays flat."""

Work = tuple[Job, Trace | AttnvizError, HeadChoice | None]
"""A job, its trace or why there is none, and the head that was chosen for its file."""


@dataclass(frozen=True)
class Done:
    """The result of a job: its `line` of the manifest, the notes of its trace, and why its head was chosen."""

    job: Job
    line: Line
    notes: tuple[str, ...] = ()
    reason: str = ""
    error: AttnvizError | None = None


@dataclass(frozen=True)
class Drawing:
    """How every trace is drawn, into a file below `folder`."""

    folder: Path
    selection: Selection
    options: PlotOptions

    def draw(self, job: Job, trace: Trace | AttnvizError, choice: HeadChoice | None = None) -> Done:
        """Write the picture of a job, whole or not at all.

        A job that fails, or that has no trace, does not stop the others. Raises AbsentHeadError, because a head that
        the model does not have is missing for every job.
        """
        try:
            if isinstance(trace, AttnvizError):
                raise trace
            return self._draw(job, trace, choice)
        except AbsentHeadError:
            raise
        except AttnvizError as error:
            failed = _line_of(job).having(error=error.message, hint=error.hint or None)
            return Done(job, failed, error=error)

    def _draw(self, job: Job, trace: Trace, choice: HeadChoice | None) -> Done:
        from attnviz.render import render
        from attnviz.render.plan import drawn, plot_scene

        start = time.perf_counter()
        scene, own = plot_scene(trace, self.selection, self.options, choice)
        write_whole(job.output, render(trace, [scene], ".png", self.options))
        line = _line_of(job).having(model=trace.model, revision=trace.revision)
        line = line.having(kind=scene.attention.kind, output=self._name(job))
        if len(scene.heads) == 1 and not scene.combined:
            from attnviz.analysis.head_table import head_rows

            [row] = head_rows(drawn(trace, scene), scene.attention.kind)
            measures = {name: None if np.isnan(value) else round(float(value), 6) for name, value in row.values.items()}
            line = line.having(layer=row.layer, head=row.head, measures=measures)
        line = line.having(seconds=round(time.perf_counter() - start, 4))
        return Done(job, line, trace.notes, own.reason if own and choice is None else "")

    def _name(self, job: Job) -> str:
        return job.output.relative_to(self.folder).as_posix()


def _line_of(job: Job) -> Line:
    entry = job.entry
    return Line(str(job.source), entry.number, entry.text, entry.target, entry.pair)


def processes(pictures: int) -> int:
    """How many processes draw so many pictures: one for each core, or only this one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores > 1 and pictures >= FEW else 1


def draw_all(work: Iterable[Work], drawing: Drawing, count: int = 1) -> Iterator[Done]:
    """Draw each trace, in this process or in `count` others, and yield the results in the order of the work.

    Raises the errors of `Drawing.draw`, and AttnvizError where a process was ended from outside.
    """
    if count == 1:
        for one in work:
            yield drawing.draw(*one)
        return
    waiting: deque[Future[Done]] = deque()
    # Forking a process whose model has threads could block it.
    pool = ProcessPoolExecutor(count, get_context("spawn"), _prepare, (drawing,))
    try:
        for one in work:
            if isinstance(one[1], AbsentHeadError):
                raise one[1]
            waiting.append(pool.submit(_draw_here, *one))
            while waiting and (waiting[0].done() or len(waiting) > AHEAD * count):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise AttnvizError(
            "a process that draws was ended from outside", "Run the same command again: it goes on where it stopped."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_drawing: Drawing | None = None


def _prepare(drawing: Drawing) -> None:
    """Prepare a process: Ctrl-C is for the one that started it, and it does not outlive that one."""
    global _drawing
    _drawing = drawing
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _draw_here(job: Job, trace: Trace | AttnvizError, choice: HeadChoice | None) -> Done:
    assert _drawing is not None
    return _drawing.draw(job, trace, choice)

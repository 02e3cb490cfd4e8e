"""`attnviz plot`: one head, or several, in any style."""

from dataclasses import replace

from attnviz.analysis.methods import NORM, RAW
from attnviz.cli import options
from attnviz.cli.console import notes, say, stdout
from attnviz.cli.errors import UsageError
from attnviz.cli.output import Output, check_writable, ending, write, write_page
from attnviz.cli.pager import show, with_background_theme
from attnviz.cli.plot_options import PlotOptionGroup
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.render import PAGES, PICTURES, check

EXAMPLES = """\
attnviz plot "I ate an apple"
attnviz plot "그녀는 사과를 먹고 학교에 갔다." -o apple.png
attnviz plot "I ate an apple" --kind cross --layer 1
attnviz plot "The cat sat on the mat." -m path/to/model --layer 3 --head 5
attnviz plot saved.safetensors --layer 2
attnviz plot "I ate an apple" --style lines -o lines.svg
attnviz plot "I ate an apple" --style text --query ate
attnviz plot "I ate an apple" --kind cross --method norm
attnviz plot "I ate an apple" --method rollout
attnviz plot "I ate an apple" --method gradient
attnviz plot "I ate an apple" --kind cross -o apple.html"""


@expand_option_groups
def plot(
    run: Run,
    plot_options: PlotOptionGroup,
    text: Text,
    target: options.Target = None,
    output: Output = None,
    why: options.Why = False,
    method: options.Method = RAW,
) -> None:
    """Draw a sentence's attention: one head, or the heads that you name.

    Rows are queries ("from"), columns are keys ("to").
    A layer without a head draws all its heads, a head without a layer that head in every layer. With neither, a rule
    chooses one head; --why says which rule, and by what numbers.
    By --method, the numbers are other ones than weights, by which the head is chosen; rollout and flow draw all heads
    of all layers, or of those up to one (--layer 3), as one matrix, and gradient those of all layers.
    """
    check_writable(output, run.reads(text), tables=PAGES)
    check(plot_options, None if output is None else ending(output))
    is_page = output is not None and ending(output).lower() in PAGES
    if method != RAW and output is not None and ending(output).lower() not in PICTURES:
        message = f"--method {method} is drawn, and {ending(output)} holds weights"
        raise UsageError(message, f"Write a picture: {' '.join(PICTURES)}.")
    run.last_layer(method)  # before a model runs
    is_of_answer = plot_options.query is None and plot_options.drawn_as.shows_one_query
    reading = replace(run, kind=None, layer=None, head=None) if is_page else run  # a page has every head
    query = "answer" if is_of_answer else plot_options.query
    if method != RAW:
        whole, trace = reading.trace_by(method, text, "plot", target, query)
    else:
        whole = reading.trace(text, "plot", target, query)
        trace = run.selection.apply(whole) if is_page else whole
    from attnviz.analysis.head_choice import RULE, choose_head
    from attnviz.render.plan import chooses_head, drawn, plot_scene

    notes(trace.notes)
    by_weights = method == NORM and chooses_head(run.selection, plot_options)
    choice = choose_head(whole, whole.kinds[0]) if by_weights else None
    scene, choice = plot_scene(trace, run.selection, plot_options, choice)
    if choice:
        say(f"{choice.reason}\n{RULE}" if why else choice.summary)
    elif why:
        say(f"No head was chosen: {'all are drawn as one' if scene.combined else 'layers or heads were named'}.")
    if output is not None and is_page:
        from attnviz.render.page import view
        from attnviz.render.page.start import start_of

        write_page(output, view(whole, source=text.saved, start=start_of(trace, scene, plot_options)))
    elif output is not None:
        write(output, trace if scene.combined else drawn(trace, scene), [scene], plot_options)
    else:
        from attnviz.render import on_screen, render

        drawing = on_screen(scene, with_background_theme(plot_options))
        is_coarse = drawing.is_coarse(stdout().width)
        show(drawing, (lambda: render(trace, [scene], ".png", plot_options)) if is_coarse else None)

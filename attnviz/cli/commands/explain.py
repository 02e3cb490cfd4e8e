"""`attnviz explain`: one step of attention, number by number."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from attnviz.cli import completion, options
from attnviz.cli.console import notes, say
from attnviz.cli.errors import UsageError
from attnviz.cli.options import option
from attnviz.cli.output import check_writable, ending, print_path, require_ending
from attnviz.cli.pager import show
from attnviz.cli.run import Run, Text, expand_option_groups
from attnviz.files import write_whole
from attnviz.render import PICTURES

if TYPE_CHECKING:
    from attnviz.attention import Trace
    from attnviz.render.explained_step import ChosenStep
    from attnviz.render.explanation import Explanation
    from attnviz.render.explanation_texts import Language

EXAMPLES = """\
attnviz explain "I ate an apple"
attnviz explain "I ate an apple" --query ate --step 3
attnviz explain "I ate an apple" --heads --query ate
attnviz explain "I ate an apple" --kinds
attnviz explain "I ate an apple" --kind cross --layer 1 --head 3 -o cross.png
attnviz explain "I ate an apple" -m path/to/model --layer 3 --head 5
attnviz explain "그녀는 사과를 먹고 학교에 갔다." --lang ko"""

STAGES = 8

Query = Annotated[
    str | None,
    option(
        "--query",
        group=options.SHOWN,
        metavar="WORD",
        help="The word that looks; by default, of the strongest link.",
    ),
]


def _stage(value: int | None) -> int | None:
    """The number of a stage, or None. Raises UsageError for another."""
    if value is not None and not 1 <= value <= STAGES:
        raise UsageError(f"--step cannot be {value}", f"A stage is a number from 1 to {STAGES}.")
    return value


Step = Annotated[
    int | None,
    option("--step", group=options.SHOWN, metavar="N", callback=_stage, help="Only this stage, with all it has: 1-8."),
]
Heads = Annotated[
    bool, option("--heads", group=options.SHOWN, help="The same word in all heads of the layer, and what they share.")
]
Kinds = Annotated[
    bool, option("--kinds", group=options.SHOWN, help="The kinds of attention that the model has, and what each hides.")
]
Lang = Annotated[
    str,
    option(
        "--lang",
        group=options.SHOWN,
        metavar="en|ko",
        autocompletion=completion.one_of(("en", "ko")),
        help="The language of the explanation: en or ko.",
    ),
]


Output = Annotated[
    Path | None,
    option(
        *("--output", "-o"),
        metavar="FILE",
        help="Write a picture to this file: .png .svg .pdf. With --step in letters for a slide.",
    ),
]


@expand_option_groups
def explain(
    run: Run,
    text: Text,
    target: options.Target = None,
    query: Query = None,
    step: Step = None,
    heads: Heads = False,
    kinds: Kinds = False,
    lang: Lang = "en",
    output: Output = None,
) -> None:
    """Follow one word through one head, number by number.

    Its query and the keys, their products, the mask, softmax, the values, and what the head adds.

    Every number is the model's own, and each follows from the ones before it. Where no head is named, it is the one
    that plot draws.
    """
    language = _language(lang)
    given = {"--step": step is not None, "--heads": heads, "--kinds": kinds}
    if sum(given.values()) > 1:
        both = " and ".join(name for name, is_given in given.items() if is_given)
        raise UsageError(f"{both} are different explanations", "Give one of them.")
    for name in ("rows", "columns", "cells"):
        if getattr(run, name) is not None:
            raise UsageError(f"--{name} cannot go with explain, which needs every token", "Leave it out.")
    check_writable(output, run.reads(text))
    if output is not None:
        require_ending(output, PICTURES)
    explanation = _explanation(run, text, target, query, heads, kinds, language)
    if output is None:
        from attnviz.render.terminal.explanation import ExplanationDrawing

        show(ExplanationDrawing(explanation, step))
        return
    from attnviz.render.picture.explanation import explanation_picture

    print_path(write_whole(output, explanation_picture(explanation, ending(output).lower(), step)))


def _language(given: str) -> "Language":
    from attnviz.render.explanation_texts import LANGUAGES

    for language in LANGUAGES:
        if language == given:
            return language
    raise UsageError(f"--lang cannot be {given}", f"Languages: {', '.join(LANGUAGES)}.")


def _explanation(
    run: Run, text: Text, target: str | None, query: str | None, heads: bool, kinds: bool, language: "Language"
) -> "Explanation":
    """What is shown; notes, and how the head was chosen, go to standard error."""
    from attnviz.render.explanation import explain_heads, explain_kinds, explain_step
    from attnviz.render.plan import title_of

    if kinds:
        trace = replace(run, kind=None, layer=None, head=None).trace(text, "explain", target)
        notes(trace.notes)
        return explain_kinds(trace, title_of(trace), language)
    trace, chosen = _traced(run, text, target, query)
    notes(trace.notes)
    if chosen.reason and not heads:
        say(chosen.reason)
    return (explain_heads if heads else explain_step)(trace, chosen.step(trace), title_of(trace), language)


def _traced(run: Run, text: Text, target: str | None, query: str | None) -> "tuple[Trace, ChosenStep]":
    """The trace with the queries and keys of the step that is explained, and that step.

    A model runs once where the layer is named, and else twice: first to choose the head.
    """
    from attnviz.render.explained_step import chosen_step

    whole = replace(run, layer=None, head=None)
    if text.saved:
        trace = whole.trace(text, "explain", target)
        return trace, chosen_step(trace, run.selection, query)
    model, layers = run.load(), run.selection.selected_layers or ()
    if len(layers) == 1 and layers[0] >= 0:
        trace = whole.trace(text, "explain", target, model=model, neurons=layers[0])
        return trace, chosen_step(trace, run.selection, query)
    chosen = chosen_step(whole.trace(text, "explain", target, model=model), run.selection, query)
    return whole.trace(text, "explain", target, model=model, neurons=chosen.layer), chosen

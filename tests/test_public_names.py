"""The public names of attnviz: that they exist, how they are displayed, and what a type checker sees."""

import ast
import re
from pathlib import Path

import pytest
from handmade_traces import with_neurons
from tiny_models import build, tokenizer

import attnviz
from attnviz.render.options import PlotOptions

SOURCE = Path(attnviz.__file__).read_text("utf-8")


def test_a_type_checker_sees_the_public_names():
    (block,) = (
        node for node in ast.parse(SOURCE).body if isinstance(node, ast.If) and "TYPE" in ast.unparse(node.test)
    )
    typed = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names} - {None}
    typed |= {node.targets[0].id for node in block.body if isinstance(node, ast.Assign)}
    assert typed == set(attnviz.__all__)
    assert Path(attnviz.__file__).with_name("py.typed").exists()


@pytest.mark.parametrize("name", attnviz.__all__)
def test_each_public_name_exists_and_is_documented(name):
    assert getattr(attnviz, name).__doc__
    assert name in dir(attnviz)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'plott'"):
        _ = attnviz.plott


TRACE = attnviz.trace("I ate an apple")


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        (TRACE["self"], "<self-attention: layers 0-3, heads 0-3; 4×4 cells>"),
        (attnviz.load(), "<BuiltinModel builtin>"),
        (attnviz.load(build("bert"), tokenizer=tokenizer()), "<HuggingFaceModel BertModel>"),
        (attnviz.Prompt("I ate", target="나는"), "Prompt(text='I ate', target='나는')"),
        (attnviz.Selection.of(layers=3, cells=8), "Selection(layers=(3,), cells=8)"),
        (
            attnviz.compare(TRACE, heads="L3H1", with_heads="L3H1"),
            "<Comparison of L3H1 and L3H1, self-attention: 4×4 common cells, largest difference 0.00; 1 distance>",
        ),
        (
            attnviz.attention_step(with_neurons(), "self", 1, 1, 1),
            "<AttentionStep of L1H1, row 1: most on 'I', 0.409>",
        ),
        (PlotOptions("text", query="ate"), "PlotOptions(style='text', query='ate')"),
    ],
)
def test_each_thing_is_shown_on_a_short_line(thing, shown):
    assert repr(thing) == shown


def test_a_long_text_is_cut_where_it_is_shown():
    assert len(repr(attnviz.Prompt("word " * 500))) < 100


def test_the_sources_of_a_long_answer_are_shown_on_a_line():
    found = attnviz.sources("I ate an apple. She read a book.", "builtin")
    assert re.fullmatch(r"<AnswerSources of '나는.{1,38}' by builtin: .* \d\.\d\d>", repr(found))
    assert len(repr(found)) < 160

"""The text of an error in Python and at the command line."""

import pytest
from command_line import run

import attnviz
from attnviz.errors import AttnvizError


@pytest.mark.parametrize(
    ("hint", "in_python"),
    [
        ("Leave out --generate, or take another: -m NAME.", "Leave out generate, or take another: model=NAME."),
        ("Leave out --chat or --text-pair.", "Leave out chat or text_pair."),
        ("Name its folder with -m.", "Name its folder with model."),
        ("Try --style lines, or --kind self.", "Try style lines, or kind self."),
        ("Make one with: attnviz train -o runs", "Make one with: attnviz train -o runs"),
        ("Add --words: attnviz trace T -m x\nor --kind self", "Add words: attnviz trace T -m x\nor kind self"),
        ("all-MiniLM -- no-m", "all-MiniLM -- no-m"),
    ],
)  # fmt: skip
def test_options_in_a_hint_are_keywords_in_python(hint, in_python):
    error = AttnvizError("no --such thing", hint)
    assert (error.message, error.hint) == ("no --such thing", hint)
    assert str(error) == f"no --such thing\n{in_python}"


def test_one_hint_serves_python_and_the_command_line():
    with pytest.raises(AttnvizError, match="Leave out generate, or take another model: model=NAME"):
        attnviz.trace("a b", generate=1)
    done = run("plot", "a b", "--generate", "1")
    assert "Hint:  Leave out --generate, or take another model: -m NAME." in done.err.replace("\n", " ")

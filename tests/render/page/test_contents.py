"""What the page is told: the labels, roles and head that `plot` and `heads` have, and nothing that can break out."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from handmade_traces import HOSTILE, attention, decoder_only, encoder_decoder, hybrid, labelled, with_neurons

import attnviz
from attnviz.analysis import choose_head
from attnviz.analysis.head_table import head_rows
from attnviz.attention import Trace
from attnviz.errors import PlotOptionError, SelectionError
from attnviz.render.page import view
from attnviz.render.scene import Scene

TRACES = [encoder_decoder(), hybrid(), decoder_only(), labelled(HOSTILE)]


def facts_in(html: str) -> dict:
    return json.loads(re.search(r'id="facts">(.*?)</script>', html, re.S)[1])


@pytest.mark.parametrize("trace", TRACES)
def test_labels_roles_and_the_first_head_are_those_of_plot_and_heads(trace):
    for kind in facts_in(view(trace).html)["kinds"]:
        a = trace[kind["kind"]]
        scene, rows, choice = Scene(a, ()), head_rows(trace, a.kind), choose_head(trace, a.kind)
        assert (kind["rows"]["labels"], kind["columns"]["labels"]) == (list(scene.rows), list(scene.columns))
        assert [(head["layer"], head["head"]) for head in kind["heads"]] == [(row.layer, row.head) for row in rows]
        assert [head["role"] and head["role"][0] for head in kind["heads"]] == [
            row.role and row.role.name for row in rows
        ]
        chosen = kind["heads"][kind["chosen"]["head"]]
        assert (chosen["layer"], chosen["head"]) == (choice.layer, choice.head)
        assert [head["top"] for head in kind["heads"]] == [Scene(a, ((row.layer, row.head),)).top for row in rows]


def test_no_text_of_a_trace_ends_an_element_or_stands_there_as_it_is():
    trace = replace(
        labelled([*HOSTILE, "<!--", "\u2028", "{{script}}"]), model="<img onerror=alert(1)>", notes=("</ul>",)
    )
    html = view(trace).html
    assert html.count("</script>") == len(re.findall(r"<script\b[^>]*>", html))
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\u2028" not in html
    assert facts_in(html)["traces"][0]["model"] == "<img onerror=alert(1)>"
    assert "{{script}}" in facts_in(html)["kinds"][0]["rows"]["labels"]


def test_the_policy_allows_the_page_s_own_script_and_style_and_no_request():
    html = view(encoder_decoder()).html
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', html)[1]
    assert policy.startswith("default-src 'none'; ")
    for part, directive in (("script", "script-src"), ("style", "style-src")):
        (text,) = re.findall(rf"<{part}>(.*?)</{part}>", html, re.S)
        assert f"{directive} 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_heads_that_are_shown_first_stand_before_the_script():
    html = view(encoder_decoder()).html
    script = html.index("<script>")
    for number, kind in enumerate(facts_in(html)["kinds"]):
        for head in range(len(kind["heads"])):
            is_before = html.index(f'id="h{number}-{head}"') < script
            assert is_before == (head == kind["chosen"]["head"])


def test_the_same_trace_gives_the_same_page():
    assert view(encoder_decoder()).html == view(encoder_decoder()).html


def random_trace(tokens: int, heads: int = 4) -> Trace:
    weights = np.random.default_rng(0).dirichlet(np.ones(tokens), (heads, tokens))
    return Trace("random", " ".join("x" * tokens), (attention(list(weights), [f"t{i}" for i in range(tokens)]),))


def test_a_page_that_is_too_large_is_pooled_and_says_so():
    assert len(view(random_trace(256)).html.encode()) > 0.35e6
    page = view(random_trace(256), max_mb=0.3)
    assert len(page.html.encode()) <= 0.3e6
    (note,) = page.notes
    assert note.startswith("pooled to at most 128 × 128 cells")
    facts = facts_in(page.html)
    assert facts["notes"][0] == note
    assert len(facts["kinds"][0]["rows"]["labels"]) <= 128
    assert facts["kinds"][0]["isPooled"]


def test_a_page_that_fits_is_not_pooled():
    assert view(random_trace(128)).notes == ()


@pytest.mark.parametrize("size", [0, -1, 0.0001])
def test_a_size_that_cannot_be_met_is_an_error(size):
    with pytest.raises(PlotOptionError, match=r"max_mb cannot be|cannot be as small as"):
        view(random_trace(64), max_mb=size)


def test_a_trace_without_heads_is_an_error():
    with pytest.raises(SelectionError, match="no head to show"):
        view(Trace("m", "a", (replace(attention([np.eye(1)]), by_layer={}, head_numbers={}),)))


def test_negative_weights_are_refused_since_the_packing_has_none():
    trace = Trace("m", "a b", (attention([[[0.5, -0.5], [0, 0]]]),))
    with pytest.raises(SelectionError, match="negative"):
        view(trace)


def test_special_tokens_stay_apart_where_a_page_is_pooled():
    trace = random_trace(256)
    a = trace["self"]
    last = replace(a.keys[-1], special=True)
    trace = replace(trace, attentions=(replace(a, keys=(*a.keys[:-1], last), queries=(*a.queries[:-1], last)),))
    columns = facts_in(view(trace, max_mb=0.3).html)["kinds"][0]["columns"]
    assert len(columns["ranges"]) < 256
    assert columns["ranges"][-1] == [255, 256]
    assert columns["special"] == [False] * (len(columns["ranges"]) - 1) + [True]


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({"text": "I ate an apple"}, "attnviz plot 'I ate an apple'"),
        ({"text": "-I ate"}, "attnviz plot --text='-I ate'"),
        ({"text": "I ate", "target": "나는 먹었다"}, "attnviz plot 'I ate' --target '나는 먹었다'"),
    ],
)
def test_the_command_on_the_page_draws_that_text(given, command):
    assert facts_in(view(attnviz.trace(**given)).html)["kinds"][0]["command"] == command


def test_the_command_of_a_saved_trace_names_its_file():
    page = view(encoder_decoder(), source="my traces/a.safetensors")
    assert facts_in(page.html)["kinds"][0]["command"] == "attnviz plot 'my traces/a.safetensors'"


def test_heads_of_one_group_share_their_keys_and_all_heads_the_mask():
    trace = with_neurons()
    a = trace["masked-self"]
    p = a.projections[1]
    grouped = replace(p, keys=p.keys[[0, 0]])
    facts = facts_in(view(replace(trace, attentions=(replace(a, projections={1: grouped}),))).html)
    one, other = facts["kinds"][0]["neurons"]["1"]["heads"]
    assert one["rotated"][0] != other["rotated"][0]
    assert one["rotated"][1] == other["rotated"][1]
    assert one["terms"] == other["terms"]
    assert one["unrotated"][1] != other["unrotated"][1]

"""Tiles of heads in the terminal: which are side by side, how large they are, and what each shows."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from handmade_traces import attention, encoder_decoder
from palette_indices import shade
from rich.cells import cell_len
from rich.console import Console

from attnviz.attention import Trace
from attnviz.render.colours import palette
from attnviz.render.scene import Scene, scene
from attnviz.render.terminal.grid import grid
from attnviz.render.terminal.grid_layout import LONGEST, REPEATED, TALL, grid_layout


def model(heads: dict[int, tuple[int, ...]], n: int, words: str = "w") -> Scene:
    """All heads of a model whose layers have these, weights without a pattern on `n` tokens `w0`, `w1`, …"""
    chance = np.random.default_rng(n)
    tree = {at: (chance.dirichlet(np.full(n, 0.2), (len(some), n))).astype(np.float32) for at, some in heads.items()}
    a = attention(tree[min(tree)], [f"{words}{i}" for i in range(n)])
    a = replace(a, by_layer=tree, head_numbers=heads)
    pairs = tuple((layer, head) for layer in heads for head in heads[layer])
    return scene(Trace("by hand", "many words", (a,)), "self", pairs)


def printed(shown: Scene, width: int, colours: str | None = None) -> str:
    file = io.StringIO()
    Console(file=file, width=width, color_system=colours, force_terminal=colours is not None, _environ={}).print(
        grid([shown])
    )
    return file.getvalue()


def plain(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).split("\n")


def rows(shown: Scene, width: int) -> list[tuple[str, str, bool]]:
    """Layer, heads that are there, and whether they are named, for each row of tiles."""
    found = grid_layout(shown, width, halves=True).rows
    names = (" ".join(n for n, at in zip(row.names, row.heads, strict=True) if at is not None) for row in found)
    return [(row.layer, some, row.headed) for row, some in zip(found, names, strict=True)]


def test_a_layer_is_a_row_and_its_heads_are_named_once() -> None:
    assert rows(model({0: (0, 1), 3: (0, 1)}, 2), 80) == [("L0", "H0 H1", True), ("L3", "H0 H1", False)]


def test_heads_are_below_their_names_where_layers_have_different_heads() -> None:
    assert rows(model({0: (0, 2), 1: (1,)}, 2), 80) == [("L0", "H0 H2", True), ("L1", "H1", False)]
    lines = plain(printed(model({0: (0, 2), 1: (1,)}, 2), 80))
    names = next(line for line in lines if "H0" in line)
    first = next(line for line in lines if line.startswith("L1"))
    at = names.index("H1"), names.index("H2")
    assert first[at[0] : at[1]].strip()
    assert not first[at[1] :].strip()
    assert first[: at[0]].split() == ["L1", "w0"]


def test_a_layer_that_is_too_wide_is_split_into_balanced_rows() -> None:
    heads = {0: tuple(range(12)), 1: tuple(range(12))}
    found = rows(model(heads, 14), 160)
    assert found[0] == ("L0", "H0 H1 H2 H3", True)
    assert [row[2] for row in found] == [True] * 6


def test_a_row_without_heads_of_a_layer_is_left_out() -> None:
    heads = {0: tuple(range(12)), 1: (0, 1)}
    assert [layer for layer, _, _ in rows(model(heads, 14), 160)] == ["L0", "L0", "L0", "L1"]


def test_layers_of_one_head_each_share_rows() -> None:
    assert rows(model({0: (3,), 1: (3,), 2: (3,)}, 4), 80) == [("", "L0H3 L1H3 L2H3", True)]


@pytest.mark.parametrize("n", [3, 10, 60, 130])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_270_heads_take_a_few_pages_and_are_named_on_every_one(n: int, width: int) -> None:
    lines = plain(printed(model({layer: tuple(range(9)) for layer in range(30)}, n), width, "truecolor"))
    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= TALL + 10
    assert [line.split()[0] for line in lines if line.startswith("L")] == [f"L{layer}" for layer in range(30)]
    named = [at for at, line in enumerate(lines) if re.search(r"\bH8", line)]
    assert max(np.diff([*named, len(lines)])) <= REPEATED + 10


@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_the_height_of_a_layout_is_that_of_the_printed_lines(colours: str | None) -> None:
    for n in (2, 5, 10, 33, 60):
        for width in (60, 80, 200):
            shown = model({layer: tuple(range(9)) for layer in range(5)}, n)
            lines = plain(printed(shown, width, colours))
            first = next(at for at, line in enumerate(lines) if re.search(r"\bH0", line))
            last = next(at for at, line in enumerate(lines) if "attention weight" in line)
            assert last - first == grid_layout(shown, width, halves=colours is not None).height, (n, width)


def test_few_tokens_are_named_beside_and_above_their_numbers() -> None:
    shown = scene(encoder_decoder(), "self", ((1, 0), (1, 1)))
    assert ["I", "ate", "an", "apple"] * 2 in [line.split() for line in plain(printed(shown, 60))]
    lines = plain(printed(shown, 36))
    at = next(at for at, line in enumerate(lines) if line.startswith("L1"))
    assert [line.split()[0] for line in lines[at + 1 : at + 4]] == ["ate", "an", "apple"]


SENTENCE = ["[CLS]", "I", "ate", "an", "apple", "because", "it", "was", "sweet", "and", "fresh", "today", ".", "[SEP]"]


def sentence(words: list[str], heads: int = 12) -> Scene:
    """A layer of so many heads on `words`."""
    weights = np.random.default_rng(0).dirichlet(np.full(len(words), 0.2), (heads, len(words))).astype(np.float32)
    trace = Trace("by hand", "words", (attention(weights, words),))
    return scene(trace, "self", tuple((0, head) for head in range(heads)), title="a title", caption="a caption")


@pytest.mark.parametrize("words", [SENTENCE[:6], SENTENCE[:10], SENTENCE], ids=len)
@pytest.mark.parametrize("colours", [None, "truecolor"])
def test_twelve_heads_of_a_layer_fit_a_screen(words: list[str], colours: str | None) -> None:
    lines = plain(printed(sentence(words), 200, colours))
    assert len(lines) <= 50
    assert max(map(cell_len, lines)) <= 200
    assert set(words) <= set(" ".join(lines).split())


@pytest.mark.parametrize("words", [SENTENCE[:4], SENTENCE[:6], SENTENCE[:10], SENTENCE], ids=len)
@pytest.mark.parametrize("longest", ["because", "internationalization"])
@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_word_is_broken_and_one_long_word_does_not_widen_all_cells(
    words: list[str], longest: str, width: int
) -> None:
    lines = plain(printed(sentence([*words, longest]), width))
    named = [line for line in lines if line.split() and set(line.split()) <= {f"H{head}" for head in range(12)}]
    assert named
    for line in named:
        header, first = (lines[lines.index(line) + after] for after in (1, 2))
        whole = {*words, longest, f"{longest[:4]}…", f"{longest[:5]}…", *map(str, range(len(words) + 1))}
        assert set(header.split()) <= whole
        assert words[0] in first.split()
    assert {word for word in words if word in " ".join(lines).split()} == set(words)


def test_columns_that_have_numbers_have_them_beside_the_rows_or_in_a_list() -> None:
    lines = plain(printed(sentence(SENTENCE), 80))
    header = next(at for at, line in enumerate(lines) if line.split()[:3] == ["0", "1", "2"])
    names = [re.search(r"(\d+) (\S+) ", row).groups() for row in lines[header + 1 : header + 15]]
    assert names == [(str(at), word) for at, word in enumerate(SENTENCE)]
    cross = attention(np.full((2, 2, 3), 1 / 3), kind="cross")
    keys = tuple(replace(token, text=text) for token, text in zip(cross.keys, ["understanding"] * 3, strict=True))
    trace = Trace("by hand", "x", (replace(cross, keys=keys),))
    assert "0 understanding  1 understanding" in " ".join(plain(printed(scene(trace, "cross", ((0, 0), (0, 1))), 60)))


def test_a_long_label_beside_tiles_is_cut() -> None:
    shown = model({0: (0, 1)}, 3, "word" * 10)
    assert grid_layout(shown, 80, halves=True).label == len("0 ") + LONGEST
    assert "0 wordwordwordwor… " in "\n".join(plain(printed(shown, 80, "truecolor")))


def test_half_blocks_of_pooled_tiles_show_the_largest_weights() -> None:
    shown = model({layer: tuple(range(9)) for layer in range(30)}, 60)
    text = printed(shown, 80, "truecolor")
    tiles = grid_layout(shown, 80, halves=True)
    size = tiles.block
    assert size > 1
    assert f"the largest weight of {size} × {size} tokens" in " ".join(text.split())
    first = next(line for line in text.split("\n") if re.match(r"(\x1b\[0m)?L0 ", line))
    cells = re.findall(r"38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀", first)
    for x, cell in enumerate(cells):
        head, column = divmod(x, -(-60 // size))
        for row in (0, 1):
            block = shown.matrices[head, row * size : (row + 1) * size, column * size : (column + 1) * size]
            expected = palette()[int(shade(np.array(block.max()), shown.top))]
            assert tuple(map(int, cell[3 * row : 3 * row + 3])) == tuple(expected), (head, column)
    assert len(cells) == 9 * -(-60 // size)

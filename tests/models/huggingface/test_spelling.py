import pytest
from tiny_tokenizers import tokenizer

from attnviz.labels import tokens_from_offsets
from attnviz.models.huggingface.spelling import decode, is_space, name, offsets_by_decoding


def _bytes(text, sizes):
    """A tokenizer that cuts the bytes of `text` into pieces of those sizes: its ids, and its decoder."""
    data, pieces = text.encode(), []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    assert not data
    return list(range(len(pieces))), lambda ids: b"".join(pieces[i] for i in ids).decode(errors="replace")


def test_offsets_are_found_by_decoding_if_the_tokenizer_has_none():
    ids, decode = _bytes("a 녀는🙂!", [1, 2, 2, 4, 2, 2])
    text, offsets = offsets_by_decoding(ids, [False] * 6, decode)
    assert text == "a 녀는🙂!"
    assert offsets == [(0, 1), (1, 3), (2, 3), (3, 5), (4, 5), (4, 6)]
    labels = [t.text for t in tokens_from_offsets(text, ids, offsets, [False] * 6, [""] * 6)]
    assert labels == ["a", "녀₁", "녀₂", "는🙂₁", "🙂₂", "🙂₃!"]


def test_special_tokens_are_passed_over_in_decoding():
    pieces = {0: "<s>", 1: "I", 2: " ate", 3: "</s>"}
    decode = lambda ids: "".join(pieces[i] for i in ids).lstrip()  # noqa: E731
    text, offsets = offsets_by_decoding([0, 1, 2, 3], [True, False, False, True], decode)
    assert (text, offsets) == ("I ate", [(0, 0), (0, 1), (1, 5), (0, 0)])


def test_bytes_that_are_no_character_do_not_stop_the_rest():
    _, decode = _bytes("ab", [1, 1])
    broken = lambda some: "".join("\ufffd" if i == 9 else decode([i]) for i in some)  # noqa: E731
    text, offsets = offsets_by_decoding([0, 9, 1], [False] * 3, broken)
    tokens = tokens_from_offsets(text, [0, 9, 1], offsets, [False] * 3, [""] * 3)
    assert "\ufffd" not in "".join(t.text for t in tokens)
    assert tokens[0].text == "a"
    assert tokens[2].text.endswith("b")


def test_bytes_that_decode_to_nothing_until_they_are_whole_belong_to_their_character():
    ids, replacing = _bytes("녀 é", [1, 1, 1, 1, 1, 1])
    ignoring = lambda some: replacing(some).replace("\ufffd", "")  # noqa: E731
    text, offsets = offsets_by_decoding(ids, [False] * 6, ignoring)
    assert text == "녀 é"
    assert offsets == [(0, 1), (0, 1), (0, 1), (1, 2), (2, 3), (2, 3)]


def test_a_written_replacement_character_does_not_join_the_next_token():
    ids, decode = _bytes("\ufffd x", [3, 1, 1])
    assert offsets_by_decoding(ids, [False] * 3, decode) == ("\ufffd x", [(0, 1), (1, 2), (2, 3)])


def test_a_tokenizer_that_spells_a_piece_otherwise_when_another_follows():
    decode = lambda ids: " ".join(["ab@@", "c", "d"][i] for i in ids).replace("@@ ", "")  # noqa: E731
    text, offsets = offsets_by_decoding([0, 1, 2], [False] * 3, decode)
    assert [text[a:b] for a, b in offsets] == ["ab@@", "c", " d"]


@pytest.mark.parametrize("sort", ["llama2", "pieces and bytes in Python"])
def test_bytes_are_spelled_out(sort):
    tokens = tokenizer(sort)
    ids = tokens("She 漢 ate", add_special_tokens=False)["input_ids"]
    assert [tokens.convert_ids_to_tokens(id_) for id_ in ids].count("<0xE6>") == 1
    assert decode(tokens, ids).strip() == "She 漢 ate"
    assert decode(tokens, []) == ""


@pytest.mark.parametrize(("sort", "text", "space"), [("gpt2", " ", "Ġ"), ("t5", " a", "▁"), ("canine", " ", " ")])
def test_tokens_of_only_white_space_are_recognised(sort, text, space):
    tokens = tokenizer(sort)
    assert is_space(tokens, tokens.convert_tokens_to_ids(space))
    assert not is_space(tokens, tokens.convert_tokens_to_ids("a"))


def test_names():
    assert name(tokenizer("bert, cased"), 2) == "[CLS]"
    assert [name(tokenizer("canine"), id_) for id_ in (0xE000, 0xE001, 97)] == ["[CLS]", "[SEP]", "a"]

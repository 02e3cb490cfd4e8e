"""Where tokens stand, found again in a text that the tokenizer changed. Worked out by hand."""

import pytest

from attnviz.models.huggingface.offsets import aligned, offsets_by_words


def found(text: str, *pieces: str) -> list[str]:
    """What `text` has for each of `pieces`, which together are what a tokenizer made of it; `?` is an unknown token."""
    spelled, offsets = "".join(pieces), []
    for piece in pieces:
        start = offsets[-1][1] if offsets else 0
        offsets.append((start, start + len(piece)))
    gaps = [span for span, piece in zip(offsets, pieces, strict=True) if piece.strip() == "?"]
    return [text[start:end] for start, end in aligned(text, spelled, offsets, gaps)]


@pytest.mark.parametrize(
    ("text", "pieces", "spans"),
    [
        ("I ate", ["I", " ate"], ["I", " ate"]),
        ("ÉTÉ", ["e", "te"], ["É", "TÉ"]),  # case and accents
        ("Don't", ["don", " '", " t"], ["Don", "'", "t"]),  # spaces put in
        ("a   b", ["a", " b"], ["a", " b"]),  # spaces taken out
        ("½ ﬁn", ["1", "⁄2", " f", "in"], ["½", "½", " ﬁ", "ﬁn"]),  # one character, two tokens
        ("가나", ["\u1100", "\u1161\u1102\u1161"], ["가", "가나"]),
        ("she xyz ate", ["she", " ?", " ate"], ["she", " xyz", " ate"]),
        ("banana b", ["?", " b"], ["banana", " b"]),
        ("漢字.", ["?", "?", "?"], ["漢", "字", "."]),  # as many characters as unknown tokens
        ("don't.", ["?", "?", "?", "?"], ["don", "'", "t", "."]),  # as many words
        ("é—xy", ["e", " ?", " ?"], ["é", "—", "xy"]),  # the accent that was taken is no part of what follows
        ("ｶﾞｷﾞ", ["?", "?"], ["ｶﾞ", "ｷﾞ"]),
        ("㌔m", ["?", "?", "m"], ["㌔", "㌔", "m"]),  # NFKC makes two of it
        ("한국말", ["?", "?"], ["한국말", "한국말"]),  # nobody can tell
        ("a\u200bb", ["a", "b"], ["a", "b"]),  # left out by the tokenizer
        ("ab", ["a", "</w>", "b"], ["a", "", "b"]),  # not in the text
    ],
)
def test_pieces_are_found_in_the_text(text, pieces, spans):
    assert [span.strip() for span in found(text, *pieces)] == [span.strip() for span in spans]


def test_ids_are_sought_within_their_word():
    pieces = ["?", "b", "a", " "]
    by_word = {"banana": [0], "b": [1], "a": [2]}
    encode = lambda text: [id_ for word in text.split() for id_ in by_word[word]]  # noqa: E731
    decode = lambda ids: "".join(pieces[id_] for id_ in ids)  # noqa: E731
    assert offsets_by_words("banana b a", [0, 1, 2], 0, encode, decode) == [(0, 6), (7, 8), (9, 10)]


def test_ids_of_a_tokenizer_that_reads_across_words_are_sought_in_the_whole_text():
    encode = lambda text: list(text.encode())  # noqa: E731
    decode = lambda ids: bytes(ids).decode()  # noqa: E731
    assert offsets_by_words("a b", [97, 32, 98], None, encode, decode) == [(0, 1), (1, 2), (2, 3)]

"""What every sort of tokenizer makes of every script, as a reader sees it: the text as it was written."""

import re
import unicodedata
from collections import defaultdict

import numpy as np
import pytest
from tiny_tokenizers import FAST, SLOW, tokenizer

from attnviz.attention import Attention, Trace
from attnviz.labels import visible
from attnviz.models.huggingface.loading import load_tokenizer
from attnviz.models.huggingface.location import locate
from attnviz.models.huggingface.tokenization import TextTokenizer
from attnviz.words import by_words

TEXTS = {
    "English": "Don't stop; the naïve café—costs $5.50!",
    "accents, decomposed": "the nai\u0308ve cafe\u0301 e\u0323\u0300ko\u0323\u0301",
    "Korean": "그녀는 사과를 먹고, 학교에 갔다.",
    "Korean, decomposed": unicodedata.normalize("NFD", "그녀는 한국 갔다."),
    "Chinese": "我吃了一个苹果，然后去学校。",
    "Japanese": "私はリンゴを食べた。ｶﾞｷﾞ ㌔㍻ 葛\U000e0100城",
    "Arabic": "كَتَبَ الطَّالِبُ الدَّرْسَ، لا إله.",
    "Persian": "می\u200cخواهم برم",
    "Hindi": "हिन्दी में क्षत्रिय क्\u200dष ज़रूर",
    "Thai": "ฉันกินแอปเปิ้ลที่นี่ น้ำ",
    "emoji": "ok 👨\u200d👩\u200d👧 🇰🇷🇺🇸 👍🏽 1\ufe0f\u20e3 ❤\ufe0f ☺",
    "a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "code": "def f(x):\n\tif x != 'a':\n        return \"$x\" + `y` # ok\r\n\n\n",
    "spaces": "  two  spaces \u00a0nbsp\u3000wide \u2003em\u202fnn ",
    "tokenizers' own signs": "Ġ ▁ ## <0x41> ▁a ##b Ġc x",
    "marks, written out": "a </s> dog <unk> and [UNK] or [CLS] ate",
    "control characters": "a\x00b \x1b[31mred\x07 \u202eevil\u202c z\u200bw \ufeff soft\u00adhy",
    "a replacement character": "a \ufffd b\ufffdc",
    "ligatures": "ﬁne ﬃ ½ Ⅷ ① ㎏ ™ … İstanbul ß ŉ",
    "mathematics": "∀x∈ℝ: ∑ᵢ 𝔄𝕓 → x² ≤ ∞",
    "a long word": "supercalifragilistic" * 12 + " " + "한" * 30,
}
CASES = [(sort, script) for sort in [*FAST, *SLOW, "MiniLM", "SmolLM2"] for script in TEXTS]


@pytest.fixture(scope="module")
def text_tokenizer(minilm_folder, smollm2_file):
    real = {"MiniLM": minilm_folder, "SmolLM2": smollm2_file}
    found = {}

    def of(sort: str) -> TextTokenizer:
        if sort in real and sort not in found:
            found[sort] = TextTokenizer(load_tokenizer(locate(str(real[sort]))))
        return found[sort] if sort in found else TextTokenizer(tokenizer(sort))

    return of


def labels(encoded) -> list[str]:
    """The labels of what is not one of the model's own marks."""
    return [token.text for token in encoded.tokens if token.span or not token.special]


def read(label: str) -> list[tuple[str, int]]:
    """A label read backwards: what was written, each character with the number of its part, 0 for a whole one."""

    def sign(match: re.Match) -> str:
        name = match[1]
        if name.startswith("U+"):
            return chr(int(name[2:], 16))
        if name.startswith("TAG "):
            return chr(0xE0000 + (0x7F if name == "TAG END" else ord(name[4:])))
        return unicodedata.lookup(name)

    pieces = []
    for piece, part in re.findall(r"([^₀-₉]+)([₀-₉]*)", label):
        piece = re.sub("⟨(.+?)⟩", sign, piece.removeprefix("◌"))
        piece = piece.replace("⏎", "\n").replace("⇥", "\t").replace("␣", " ")
        piece = re.sub("[\u2400-\u241f]", lambda picture: chr(ord(picture[0]) - 0x2400), piece)
        number = int(unicodedata.normalize("NFKC", part) or 0)
        pieces += [(char, number) for char in piece]
    return pieces


def plain(text: str) -> str:
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)


def check(text: str, tokens) -> None:
    parts = defaultdict(list)
    for token in tokens:
        assert token.text
        assert not token.text.isspace()
        assert unicodedata.category(token.text[0])[0] != "M"
        for sign in ("Ġ", "Ċ", "▁", "##", "<0x", "[UNK]", "<unk>"):
            assert sign in text or sign not in token.text
        assert "\ufffd" not in token.text
        assert all(char.isprintable() or char in "\u200c\u200d" or char.isspace() for char in token.text)
        if token.span is None:
            assert token.special or token.text == "␣"
            continue
        start, end = token.span
        assert 0 <= start < end <= len(text)
        written = read(token.text)
        assert "".join(char for char, _ in written) == plain(text[start:end])
        for index, (_, part) in enumerate(written, start):
            parts[index].append(part)
    for index, char in enumerate(text):
        if index in parts:
            assert parts[index] == [0] or parts[index] == list(range(1, len(parts[index]) + 1)), (char, parts[index])
        else:  # of these some tokenizers make nothing
            assert char.isspace() or unicodedata.category(char)[0] == "C" or char in "\ufffd▁", char


IDS = [f"{sort}-{script}" for sort, script in CASES]


@pytest.mark.parametrize(("sort", "script"), CASES, ids=IDS)
def test_labels_are_the_written_text(text_tokenizer, sort, script):
    encoded = text_tokenizer(sort).encode(TEXTS[script])
    check(encoded.text, encoded.tokens)


@pytest.mark.parametrize(("sort", "script"), CASES, ids=IDS)
def test_words_are_numbered_in_order_and_rows_by_words_sum_to_1(text_tokenizer, sort, script):
    encoded = text_tokenizer(sort).encode(TEXTS[script])
    tokens, n = encoded.tokens, len(encoded.tokens)
    numbers = [token.word for token in tokens if token.word is not None]
    assert set(np.diff([-1, *numbers])) <= {0, 1}
    for token in tokens:
        is_word = token.span is not None and not token.special and not TEXTS[script][slice(*token.span)].isspace()
        assert (token.word is not None) == is_word
    A = np.random.default_rng(0).dirichlet(np.ones(n), (2, n)).astype(np.float32)
    trace = Trace(sort, encoded.text, (Attention("self", "encoder", tokens, tokens, {0: A}, {0: (0, 1)}),))
    merged = by_words(trace)["self"]
    np.testing.assert_allclose(merged.weights(0).sum(-1), 1, atol=1e-5)
    whole = [token.text for token in merged.queries if token.word is not None]
    assert len(whole) == len(set(numbers))
    assert not any(re.search("[₀-₉]", label) for label in whole)


WRITTEN = [
    ("gpt2", "漢 é", "漢₁ 漢₂ 漢₃ ␣ é₁ é₂"),
    ("gpt2, prefix", "漢", "␣ 漢₁ 漢₂ 漢₃"),
    ("roberta", "漢", "␣ 漢₁ 漢₂ 漢₃"),
    ("gpt2", "</s>Ġ", "</s> Ġ₁ Ġ₂"),
    ("llama2", "漢\t", "␣ 漢₁ 漢₂ 漢₃ ⇥"),
    ("llama2, older", "漢\n", "␣ 漢₁ 漢₂ 漢₃ ⏎"),
    ("llama2", "<0x41>", "␣ < 0 x 4 1 >"),
    ("bert, uncased", "漢 ЖЖ", "漢 ЖЖ"),  # both are [UNK]
    ("bert, uncased", "Áçé", "Á ç é"),
    ("bert, uncased", "Ac\u0327e\u0301", "A c\u0327 e\u0301"),
    ("bert, cased", "##漢", "# # 漢"),
    ("t5", "漢½", "␣ 漢½"),
    ("t5", unicodedata.normalize("NFD", "그녀는 사과"), "그 녀 는 ␣ 사 과"),
    ("byt5", "녀 é", "녀₁ 녀₂ 녀₃ ␣ é₁ é₂"),
    ("byt5", unicodedata.normalize("NFD", "나"), "나₁ 나₂ 나₃ 나₄ 나₅ 나₆"),
    ("canine", "हि\u200d", "ह ◌ि ⟨ZWJ⟩"),
    ("canine", "👍🏽🇰🇷", "👍 🏽 🇰 🇷"),
    ("perceiver", "<\x1b", "< ␛"),
    ("bert in Python", "The 漢字, ЖЖ", "The 漢 字 , ЖЖ"),
    ("bert of characters", "그림 ｶﾞ", "그 림 ｶﾞ"),
    ("pieces in Python", "She xyz, ate", "She ␣ x y z , ate"),
    ("pieces and bytes in Python", "She 漢 ate", "She ␣ 漢₁ 漢₂ 漢₃ ate"),
    ("MiniLM", "Unbelievably 그!", "Un bel ie va bly 그₁ 그₂ !"),
    ("MiniLM", "[UNK]漢字ꙮꙮ\u0301", "[UNK] 漢 字 ꙮꙮ\u0301"),
    ("SmolLM2", "a:\n        b", "a : ⏎␣␣␣␣␣␣␣ b"),
    ("SmolLM2", "cafe\u0301", "c afe ◌\u0301₁ ◌\u0301₂"),
]


@pytest.mark.parametrize(("sort", "text", "shown"), WRITTEN)
def test_telling_cases(text_tokenizer, sort, text, shown):
    encoded = text_tokenizer(sort).encode(text)
    jamo = unicodedata.normalize("NFC", " ".join(labels(encoded)))
    assert jamo == unicodedata.normalize("NFC", shown)


def test_a_vocabulary_of_words_is_shown_piece_by_piece(text_tokenizer):
    text = "unbelievably tokenizers hyperparameterization"
    encoded = text_tokenizer("MiniLM").encode(text)
    pieces = text_tokenizer("MiniLM").tokenizer.tokenize(text)
    assert labels(encoded) == [piece.removeprefix("##") for piece in pieces]


@pytest.mark.parametrize("sort", ["bert, uncased", "byt5", "bert in Python", "pieces in Python"])
def test_a_pair_of_texts(text_tokenizer, sort):
    encoded = text_tokenizer(sort).encode_pair("She ate 漢.", "The dog saw 字, 녀.")
    check("She ate 漢.\nThe dog saw 字, 녀.", encoded.tokens)
    first, second = ([t.text for t in encoded.tokens if t.word is not None and t.segment == n] for n in (0, 1))
    assert [label.rstrip("₀₁₂₃₄") for label in first][-2:] == ["漢", "."]
    assert [label.rstrip("₀₁₂₃₄") for label in second][-1] == "."


@pytest.mark.parametrize("sort", [*FAST, *SLOW])
def test_text_that_a_model_wrote_has_labels_too(text_tokenizer, sort):
    written = "She ate 그녀는"
    ids = text_tokenizer(sort).encode(written).ids
    text, tokens = text_tokenizer(sort).spell(ids)
    shown = "".join(token.text for token in tokens if token.span)
    assert "\ufffd" not in shown
    if "bert" not in sort and sort != "pieces in Python":
        assert text.strip() == written
    for token in tokens:
        if token.span:
            assert "".join(char for char, _ in read(token.text)) == plain(text[slice(*token.span)])


def test_words_of_scripts_without_spaces_are_tokens(text_tokenizer):
    def words(sort: str, text: str) -> list[str]:
        tokens = text_tokenizer(sort).encode(text).tokens
        n = len(tokens)
        A = np.full((1, n, n), 1 / n, np.float32)
        trace = Trace("m", text, (Attention("self", "encoder", tokens, tokens, {0: A}, {0: (0,)}),))
        return [token.text for token in by_words(trace)["self"].queries if token.word is not None]

    assert words("gpt2", "我吃了一个苹果，然后去。") == list("我吃了一个苹果，然后去。")
    assert words("gpt2", "그녀는 학교에") == ["그녀는", "학교에"]
    assert words("byt5", "iPhoneを買った") == ["iPhone", *"を買った"]
    assert words("byt5", "น้ำ") == ["น้", "ำ"]
    assert words("canine", "大韓民國은 좋다") == [*"大韓民國은", "좋다"]


def test_an_unfinished_character_of_a_model_is_no_replacement_character(text_tokenizer):
    ids = text_tokenizer("gpt2").encode("漢").ids[1:-2]
    text, tokens = text_tokenizer("gpt2").spell(ids)
    assert [token.text for token in tokens] == ["⟨U+FFFD⟩₁", "⟨U+FFFD⟩₂"]
    assert visible(text) == "⟨U+FFFD⟩"

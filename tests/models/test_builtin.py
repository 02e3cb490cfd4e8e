"""The shipped built-in model: its translations, its heads, and unusual texts."""

import re
import unicodedata
from dataclasses import replace

import array_api_compat.torch as torch_xp
import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from attnviz.analysis import choose_head
from attnviz.attention import Trace
from attnviz.attention.shown_target import UNSURE, shown_target
from attnviz.errors import InputError, ModelError, SelectionError
from attnviz.models.builtin import LONGEST, BuiltinModel
from attnviz.scratch import transformer
from attnviz.scratch.confidence import Threshold
from attnviz.scratch.corpus import examples, mission
from attnviz.scratch.evaluate import confidences
from attnviz.scratch.store import shipped, to_bytes
from attnviz.selection import Selection

APPLE, SCHOOL = "I ate an apple", "그녀는 사과를 먹고 학교에 갔다."
ODD = [
    *("😀", "👨\u200d👩\u200d👧", "我吃苹果", "日本語を食べる", "שלום עולם", "مرحبا بالعالم", "हिन्दी"),
    *("e\u0301te\u0301", "\x1b[31mred\x1b[0m", "\u202eevil\u202c", "[bold]x[/bold]", "$x^2$ \\alpha"),
    *("</script><script>alert(1)</script>", "...", ".", "_", "\u200b", "\ufeffI ate", "ㅋㅋㅋ", "\u1100\u119e"),
    *("<pad> <unk> </s>", "##apple", "I\tate\nan\r\napple", "1234567890", "a" * 200, "가" * 200, "I ate 사과를"),
    *("ẞ ﬁ ǅ", "İstanbul", "𝒳", "\ue000", "\u0300", "I ate an apple " * 40),
]


@pytest.fixture(scope="module")
def model() -> BuiltinModel:
    return BuiltinModel.load()


@pytest.fixture(scope="module")
def apple(model) -> Trace:
    return model.trace(APPLE)


@pytest.fixture(scope="module")
def school(model) -> Trace:
    return model.trace(SCHOOL)


def texts(tokens) -> list[str]:
    return [token.text for token in tokens]


def peak_of(trace: Trace, kind: str, layer: int, head: int, word: str) -> str:
    """What the row of `word` has its largest weight on; in cross-attention the row that writes it."""
    attention = trace[kind]
    rows = texts(attention.predicts if kind == "cross" else attention.queries)
    [row] = [index for index, text in enumerate(rows) if text == word]
    return attention.keys[int(attention.matrix(layer, head)[row].argmax())].text


@pytest.mark.parametrize(
    ("text", "translation"),
    [
        (APPLE, "나는 사과를 먹었다."),
        (SCHOOL, "She ate an apple and went to school."),
        ("나는 사과를 먹었다.", "I ate an apple."),
        ("She ate an apple and went to school.", "그녀는 사과를 먹고 학교에 갔다."),
        ("She wore shoes.", "그녀는 신발을 신었다."),
        ("She wore a hat.", "그녀는 모자를 썼다."),
        ("나는 학생이다.", "I am a student."),
        ("그는 키가 크다.", "He is tall."),
        ("Hello, how are you?", "안녕 어떻게 지내니?"),
        ("I do not eat apples.", "나는 사과를 먹지 않는다."),
        ("Did you eat an apple?", "너는 사과를 먹었니?"),
        ("사과를 나는 먹었다.", "I ate an apple."),
        ("학교에 그녀는 갔다.", "She went to school."),
        ("그녀는 친구와 학교에 갔다.", "She went with her friend to school."),
    ],
)
def test_it_translates_both_ways(text, translation, model):
    assert model.trace(text).target == translation


@pytest.mark.parametrize(("text", "verb", "object"), [(APPLE, "ate", "apple"), (SCHOOL, "먹고", "사과를")])
def test_the_head_that_plot_chooses_looks_from_verb_to_object(text, verb, object, model):
    trace = model.trace(text)
    choice = choose_head(trace)
    assert choice.kind == "self"
    assert peak_of(trace, "self", choice.layer, choice.head, verb) == object


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (APPLE, {"먹었다": "ate", "사과를": "apple"}),
        (SCHOOL, {"ate": "먹고", "apple": "사과를", "went": "갔다", "school": "학교에"}),
    ],
)
def test_a_head_of_the_cross_attention_aligns_what_is_written_with_its_source(text, links, model):
    trace = model.trace(text)
    cross = trace["cross"]
    assert [
        (layer, head)
        for layer in cross.layers
        for head in cross.heads(layer)
        if all(peak_of(trace, "cross", layer, head, written) == source for written, source in links.items())
    ]


@pytest.mark.parametrize("text", ["i ate an apple", "I ATE AN APPLE", "I ate an apple.", " I  ate an apple . "])
def test_case_and_the_final_stop_make_no_difference_to_the_weights(text, model, apple):
    other = model.trace(text)
    assert other.target == apple.target
    for one in apple.attentions:
        for layer in one.layers:
            np.testing.assert_array_equal(other[one.kind].weights(layer), one.weights(layer))


def test_the_labels_are_as_the_user_wrote_them(model):
    assert texts(model.trace("i ATE an Apple.")["self"].queries) == ["i", "ATE", "an", "Apple"]


def test_a_trace_has_every_layer_and_head_of_three_kinds(apple):
    config = shipped().config
    assert apple.kinds == ("self", "masked-self", "cross")
    assert [apple[kind].part for kind in apple.kinds] == ["encoder", "decoder", "decoder"]
    assert config.encoder_layers >= 4
    for kind, layers in (
        ("self", config.encoder_layers),
        ("masked-self", config.decoder_layers),
        ("cross", config.decoder_layers),
    ):
        assert apple[kind].layers == tuple(range(layers))
        assert all(apple[kind].heads(layer) == tuple(range(config.h)) for layer in apple[kind].layers)
    assert apple["self"].weights(3).shape == (config.h, 4, 4)
    assert apple["masked-self"].weights(0).shape == (config.h, 4, 4)
    assert apple["cross"].weights(0).shape == (config.h, 4, 4)


def test_tokens_know_where_they_stand(apple, school):
    assert [(t.text, t.span, t.word, t.special) for t in apple["self"].queries] == [
        ("I", (0, 1), 0, False),
        ("ate", (2, 5), 1, False),
        ("an", (6, 8), 2, False),
        ("apple", (9, 14), 3, False),
    ]
    assert texts(school["cross"].keys) == ["그녀는", "사과를", "먹고", "학교에", "갔다"]
    for trace in (apple, school):
        for token in trace["masked-self"].queries[1:]:
            assert trace.target[slice(*token.span)] == token.text


@pytest.mark.parametrize(("text", "start"), [(APPLE, "<ko>"), (SCHOOL, "<en>")])
def test_row_i_reads_token_i_and_predicts_the_next(text, start, model):
    trace = model.trace(text)
    for kind in ("masked-self", "cross"):
        read, written = trace[kind].queries, trace[kind].predicts
        assert written[:-1] == read[1:]
        assert (read[0].text, written[-1].text) == (start, "</s>")
        assert read[0].special
        assert written[-1].special
        assert [token.generated for token in (*read[:1], *written)] == [False, *[True] * len(written)]
    assert trace["self"].predicts is None
    assert texts(trace["cross"].keys) == texts(trace["self"].queries)


def test_what_a_row_predicts_is_what_the_model_writes_there(model, apple):
    """Given its own translation, the model's likeliest next token is each row's `predicts`."""
    W, h, parts = shipped().weights, shipped().config.h, shipped().tokenizer.parts
    source, read = (parts[[[t.id for t in tokens]]] for tokens in (apple["self"].queries, apple["cross"].queries))
    real = np.ones(source.shape[:2], bool)
    memory, _ = transformer.encode(source, real, W, h, np)
    x, _ = transformer.decode(read, memory, real, W, h, np)
    written = parts[[t.id for t in apple["cross"].predicts]]
    assert transformer.stem_logits(x, W)[0].argmax(-1).tolist() == written[:, 0].tolist()
    assert transformer.ending_logits(x, written[None, :, 0], W)[0].argmax(-1).tolist() == written[:, 1].tolist()


@pytest.mark.parametrize("text", [APPLE, SCHOOL, "xyzzy", "I ate " * 20])
def test_rows_sum_to_1_and_no_row_looks_ahead(text, model):
    trace = model.trace(text)
    for attention in trace.attentions:
        for layer in attention.layers:
            weights = attention.weights(layer)
            assert weights.dtype == np.float32
            np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
            assert (weights >= 0).all()
    for layer in trace["masked-self"].layers:
        weights = trace["masked-self"].weights(layer)
        assert not np.triu(weights, 1).any()
        assert (weights[:, 0, 0] == 1).all()


@pytest.mark.parametrize("text", [APPLE, SCHOOL, "frobnicate the 사과나무"])
def test_numpy_shows_what_torch_computes_with_the_stored_weights(text, model):
    trace = model.trace(text)

    def as_torch(tree):
        if isinstance(tree, dict):
            return {key: as_torch(branch) for key, branch in tree.items()}
        return [as_torch(branch) for branch in tree] if isinstance(tree, list) else torch.tensor(tree)

    W, h, parts = as_torch(shipped().weights), shipped().config.h, torch.tensor(shipped().tokenizer.parts)
    source = parts[torch.tensor([[t.id for t in trace["self"].queries]])]
    read = parts[torch.tensor([[t.id for t in trace["masked-self"].queries]])]
    real = torch.ones(source.shape[:2], dtype=torch.bool)
    memory, encoded = transformer.encode(source, real, W, h, torch_xp)
    _, decoded = transformer.decode(read, memory, real, W, h, torch_xp)
    for kind, layers in (("self", encoded.encoder), ("masked-self", decoded.masked), ("cross", decoded.cross)):
        assert len(layers) == len(trace[kind].layers)
        for layer, weights in enumerate(layers):
            np.testing.assert_allclose(trace[kind].weights(layer), weights[0].numpy(), atol=1e-5)


def test_value_norms_are_those_of_what_each_head_adds_for_a_key(model, monkeypatch):
    calls = []
    attend = transformer.multi_head_attention
    monkeypatch.setattr(transformer, "multi_head_attention", lambda *args: calls.append(args) or attend(*args))
    trace = model.trace(APPLE, value_norms=True)
    config = model.checkpoint.config
    encoder = [("self", layer) for layer in range(config.encoder_layers)]
    decoder = [(kind, layer) for layer in range(config.decoder_layers) for kind in ("masked-self", "cross")]
    last = calls[-len(encoder) - len(decoder) :]  # before them come those of the translation
    for (kind, layer), (_, y, W, h, *_) in zip(encoder + decoder, last, strict=True):
        V = np.split(y[0] @ W["W_V"] + W["b_V"], h, -1)
        parts = [values @ rows for values, rows in zip(V, np.split(W["W_O"], h), strict=True)]
        np.testing.assert_allclose(trace[kind].value_norms[layer], np.linalg.norm(parts, axis=-1), rtol=1e-5)
    assert model.trace(APPLE)["self"].value_norms == {}


def test_queries_keys_and_values_give_the_weights_and_what_each_head_adds(model, monkeypatch):
    given = []
    attend = transformer.multi_head_attention

    def note(*args):
        given.append((args, attend(*args)))
        return given[-1][1]

    monkeypatch.setattr(transformer, "multi_head_attention", note)
    trace = model.trace(APPLE, neurons=1)
    config = model.checkpoint.config
    last = given[-config.encoder_layers - 2 * config.decoder_layers :]
    places = {"self": 1, "masked-self": config.encoder_layers + 2, "cross": config.encoder_layers + 3}
    for kind, place in places.items():
        (x, _, W, *_), (result, _) = last[place]
        one = trace[kind].projections[1]
        assert [*trace[kind].projections] == [1]
        np.testing.assert_array_equal(one.read, x[0])
        np.testing.assert_allclose(np.concatenate([*one.queries], -1), x[0] @ W["W_Q"] + W["b_Q"], atol=1e-5)
        np.testing.assert_allclose(one.added.sum(0) + W["b_O"], result[0], atol=1e-5)
        for head, query in np.ndindex(one.queries.shape[:2]):
            np.testing.assert_allclose(one.weights(head, query), trace[kind].matrix(1, head)[query], atol=1e-6)
    assert model.trace(APPLE)["self"].projections == {}


@pytest.mark.parametrize(
    ("text", "target", "start", "shown"),
    [
        (APPLE, "나는 바나나를 먹었다.", "<ko>", ["나는", "바나나를", "먹었다"]),
        (APPLE, "She ate an apple", "<en>", ["She", "ate", "an", "apple"]),
        (SCHOOL, "She ate.", "<en>", ["She", "ate"]),
    ],
)
def test_a_given_target_is_read_in_either_language(text, target, start, shown, model):
    trace = model.trace(text, target=target)
    assert trace.target == target
    assert texts(trace["masked-self"].queries) == [start, *shown]
    assert texts(trace["cross"].predicts) == [*shown, "</s>"]
    assert not any(token.generated for token in trace["cross"].predicts)
    assert [target[slice(*t.span)] for t in trace["cross"].queries[1:]] == shown


def test_the_target_changes_the_decoder_and_not_the_encoder(model, apple):
    other = model.trace(APPLE, target="먹었다 사과를 나는.")
    np.testing.assert_array_equal(other["self"].weights(3), apple["self"].weights(3))
    assert np.abs(other["cross"].weights(1) - apple["cross"].weights(1)).max() > 1e-3


def test_its_own_translation_as_target_gives_the_same_weights(model, apple):
    again = model.trace(APPLE, target=apple.target)
    for kind in apple.kinds:
        for layer in apple[kind].layers:
            np.testing.assert_array_equal(again[kind].weights(layer), apple[kind].weights(layer))


@pytest.mark.parametrize(
    ("text", "named"), [("I frobnicate an apple", "frobnicate"), ("😀 ate xyzzy.", "😀, xyzzy"), ("q\x1bz", "␛")]
)
def test_unknown_words_are_named_and_another_model_is_suggested(text, named, model):
    note, *_ = model.trace(text).notes
    assert named in note
    assert "-m" in note
    assert "apple" not in note
    assert "\x1b" not in note


@pytest.mark.parametrize("text", [APPLE, SCHOOL, "나는 사과를 먹었다"])
def test_known_words_need_no_note(text, model):
    assert model.trace(text).notes == ()


@pytest.mark.parametrize("text", ODD)
def test_no_text_is_too_odd(text, model):
    trace = model.trace(text)
    assert trace.text == unicodedata.normalize("NFC", text)
    for attention in trace.attentions:
        attention.check()
        for token in (*attention.queries, *attention.keys):
            assert token.text
            assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in token.text)
            assert "\u202e" not in token.text
    assert all(trace.text[slice(*t.span)] for t in trace["self"].queries)


def test_decomposed_hangul_is_the_same_word(model):
    decomposed = unicodedata.normalize("NFD", SCHOOL)
    assert decomposed != SCHOOL
    assert model.trace(decomposed).target == model.trace(SCHOOL).target


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u3000"])
def test_a_text_without_a_word_is_refused(text, model):
    with pytest.raises(InputError, match="the text is empty") as caught:
        model.trace(text)
    assert "I ate an apple" in caught.value.hint
    with pytest.raises(InputError, match="empty"):
        model.trace(APPLE, target=text)


@pytest.mark.parametrize("text", ["a b c d " * 5_000, "I ate " * 20_000])
def test_an_enormous_text_is_refused_with_the_limit(text, model):
    with pytest.raises(InputError, match=str(LONGEST)) as caught:
        model.trace(text)
    assert "-m" in caught.value.hint


def test_the_longest_text_is_traced(model):
    trace = model.trace("apple " * LONGEST)
    assert len(trace["self"].queries) == LONGEST
    with pytest.raises(InputError):
        model.trace("apple " * (LONGEST + 1))


def test_a_selection_keeps_the_same_weights(model, apple):
    some = model.trace(APPLE, selection=Selection.of(layers=(1, 3), heads=(2, 0), kinds=("self", "cross")))
    assert some.kinds == ("self", "cross")
    assert (some["self"].layers, some["cross"].layers) == ((1, 3), (1,))
    assert some["self"].heads(3) == (0, 2)
    np.testing.assert_array_equal(some["self"].weights(3), apple["self"].weights(3)[[0, 2]])
    np.testing.assert_array_equal(some["cross"].matrix(1, 2), apple["cross"].matrix(1, 2))


def test_a_kind_without_the_layer_is_noted_and_a_layer_in_no_kind_is_an_error(model):
    layers = shipped().config.encoder_layers
    trace = model.trace(APPLE, selection=Selection.of(layers=layers - 1))
    assert trace.kinds == ("self",)
    assert trace.provenance["left out"].count(f"has no layer {layers - 1}") == 2
    assert trace.notes == ()
    with pytest.raises(SelectionError, match=f"there is no layer {layers}") as caught:
        model.trace(APPLE, selection=Selection.of(layers=layers))
    assert f"0-{layers - 1}" in caught.value.hint


def with_thresholds(model: BuiltinModel, least: float) -> BuiltinModel:
    """The model, unsure below `least` in both languages."""
    thresholds = tuple(Threshold(language, least, 0.5, 0.05) for language in ("English", "Korean"))
    return BuiltinModel(replace(model.checkpoint, thresholds=thresholds))


def test_a_translation_is_unsure_where_its_least_likely_word_is_below_the_threshold(model):
    first = next(examples(mission()[:1]))
    [confidence] = confidences(model.checkpoint, [first], [first.target])
    for least, unsure in ((float(confidence) - 1e-4, False), (float(confidence) + 1e-4, True)):
        trace = with_thresholds(model, least).trace(APPLE)
        assert trace.target == "나는 사과를 먹었다."
        assert (UNSURE in trace.provenance) == bool(trace.notes) == unsure
        assert shown_target(trace) == ("(not sure: 나는 사과를 먹었다.)" if unsure else trace.target)


def test_a_note_names_the_word_that_the_model_is_not_sure_of_in_plain_words(model):
    trace = with_thresholds(model, 1).trace(APPLE)
    says = (
        "not sure of the translation: its least likely word, (“(나는|사과를|먹었다)”|its end), has a probability"
        r" of \d\d%; below 100% a translation is often wrong"
    )
    assert re.fullmatch(says, trace.notes[0])
    assert trace.notes[0] == f"not sure of the translation: {trace.provenance[UNSURE]}"


def test_a_given_target_and_a_model_without_thresholds_are_never_unsure(model):
    for trace in (
        with_thresholds(model, 1).trace(APPLE, target="먹었다 사과를 나는."),
        BuiltinModel(replace(model.checkpoint, thresholds=())).trace("apple ate ate soon the the"),
    ):
        assert shown_target(trace) == trace.target
        assert trace.notes == ()


def test_a_name_that_is_not_known_does_not_make_a_translation_unsure(model):
    trace = model.trace("Kevin is a student.")
    assert UNSURE not in trace.provenance
    assert len(trace.notes) == 1  # on the name


def test_a_trace_says_where_it_came_from(apple):
    assert (apple.model, apple.text, apple.revision) == ("builtin", APPLE, None)
    assert apple.provenance["numpy"] == np.__version__
    assert {"attnviz", "dtype", "capture"} <= set(apple.provenance)


def test_a_trained_file_is_opened_by_name(tmp_path, apple):
    (tmp_path / "mine-1.safetensors").write_bytes(to_bytes(shipped()))
    trace = BuiltinModel.open(tmp_path / "mine-1.safetensors").trace(APPLE)
    assert (trace.model, trace.target) == ("mine-1", apple.target)
    np.testing.assert_array_equal(trace["self"].weights(3), apple["self"].weights(3))


BAD_FILES = {
    "missing": None,
    "text": b"not a model",
    "a saved trace": lambda: BuiltinModel.load().trace(APPLE).to_bytes(),
    "other weights": lambda: save({"E": np.zeros(3)}),
    "a model without a layer": lambda: without_last_tensor(to_bytes(shipped())),
}


def without_last_tensor(data: bytes) -> bytes:
    tensors = load(data)
    del tensors["encoder.3.ff.W_1"]
    return save(tensors)


@pytest.mark.parametrize("what", BAD_FILES)
def test_the_error_for_a_file_that_is_not_a_built_in_model_names_the_file(what, tmp_path):
    content = BAD_FILES[what]
    path = tmp_path / "m.safetensors"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content())
    with pytest.raises(ModelError, match="no such file" if content is None else "not a built-in model") as caught:
        BuiltinModel.open(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_it_is_loaded_once():
    assert BuiltinModel.load() is BuiltinModel.load()


def test_words_of_a_list_that_it_does_not_read_are_named():
    words = ["I", "ate", "an", "apple", "."]
    assert BuiltinModel.load().trace(words).notes == ("the built-in model does not read these words of the list: .",)
    assert not BuiltinModel.load().trace(words[:-1]).notes
    assert not BuiltinModel.load().trace("I ate an apple.").notes

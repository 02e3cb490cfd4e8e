import os
import sys

import numpy as np
import pytest
import tiny_models
import torch
import transformers

from attnviz.attention import borders
from attnviz.attention.trace_file import open_trace
from attnviz.errors import InputError, ModelError, SelectionError
from attnviz.models.huggingface import location
from attnviz.models.huggingface.context_length import context_length
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.selection import Selection

TEXT = "She ate an apple. 그녀는 사과를 먹었다."


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Four tiny models on disk, by type."""
    return {
        kind: tiny_models.save(kind, tmp_path_factory.mktemp("models") / kind)
        for kind in ("bert", "llama", "t5", "bart")
    }


@pytest.fixture(scope="module")
def bart(folders):
    return HuggingFaceModel.load(folders["bart"])


def test_minilm_has_the_weights_of_its_eager_attention(minilm_folder):
    trace = HuggingFaceModel.load(minilm_folder).trace("I ate an apple.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(minilm_folder)
    model = transformers.AutoModel.from_pretrained(minilm_folder, attn_implementation="eager")
    with torch.no_grad():
        expected = model(**tokenizer("I ate an apple.", return_tensors="pt"), output_attentions=True).attentions
    attention = trace["self"]
    assert trace.kinds == ("self",)
    assert attention.part == "encoder"
    assert [t.text for t in attention.queries] == ["[CLS]", "I", "ate", "an", "apple", ".", "[SEP]"]
    assert [t.word for t in attention.queries] == [None, 0, 1, 2, 3, 4, None]
    assert attention.layers == tuple(range(6))
    for layer in attention.layers:
        assert attention.heads(layer) == tuple(range(12))
        np.testing.assert_allclose(attention.weights(layer), expected[layer][0].numpy(), atol=1e-5)
    assert trace.provenance["capture"] == "attention interface"
    assert trace.provenance["torch"] == torch.__version__


def test_minilm_shows_words_it_cuts_without_its_own_signs(minilm_folder):
    trace = HuggingFaceModel.load(minilm_folder).trace("Unbelievable 사과 zzz\u202e")
    labels = [t.text for t in trace["self"].queries]
    assert "un" not in labels
    assert not any("#" in label or "[UNK]" in label or "\u202e" in label for label in labels)
    assert [t.special for t in trace["self"].queries] == [True] + [False] * (len(labels) - 2) + [True]


@pytest.fixture(scope="session")
def smollm2(smollm2_file):
    """Loading it takes half a minute: once for all tests."""
    return HuggingFaceModel.load(smollm2_file, with_head=True)


def test_smollm2_from_gguf_has_the_weights_of_its_eager_attention(smollm2):
    text = "그녀는 사과를 먹고 학교에 갔다. I ate an apple."
    attention = smollm2.trace(text)["masked-self"]
    model = smollm2.model
    model.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            ids = smollm2.text_tokenizer.tokenizer(text, return_tensors="pt")["input_ids"]
            expected = model(ids, output_attentions=True).attentions
    finally:
        model.set_attn_implementation("sdpa")
    assert smollm2.name == "SmolLM2-135M-Instruct.Q4_1"
    assert attention.layers == tuple(range(30))
    assert attention.heads(29) == tuple(range(9))
    for layer in attention.layers:
        np.testing.assert_allclose(attention.weights(layer), expected[layer][0].numpy(), atol=1e-5)


def test_smollm2_shows_korean_as_it_was_written(smollm2):
    attention = smollm2.trace("나는 사과", selection=Selection(layers=(0,)))["masked-self"]
    plain = [t.text.rstrip("₀₁₂₃₄") for t in attention.queries]
    assert list(dict.fromkeys("".join(plain))) == list("나는사과")
    assert [t and t.text for t in attention.predicts] == [*[t.text for t in attention.queries[1:]], None]
    assert {t.word for t in attention.queries} == {0, 1}


def test_smollm2_gives_the_same_answer_as_in_transformers(smollm2):
    trace = smollm2.trace("Why is the sky blue?", chat=True, generate=8, selection=Selection(layers=(3,)))
    tokenizer, chat = smollm2.text_tokenizer.tokenizer, [{"role": "user", "content": "Why is the sky blue?"}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
    expected = smollm2.model.generate(**prompt, max_new_tokens=8, do_sample=False)[0].tolist()
    tokens = trace["masked-self"].queries
    assert [token.id for token in tokens] == expected
    assert trace.text == tokenizer.decode(expected)
    assert borders(tokens) == (prompt["input_ids"].shape[1],)
    assert [t.text for t in tokens if t.special] == ["<|im_start|>", "<|im_end|>"] * 2 + ["<|im_start|>"]
    np.testing.assert_allclose(
        trace["masked-self"].weights(3), tiny_models.eager(smollm2.model, expected)[3], atol=1e-5
    )


def test_a_decoder_row_predicts_the_next_token(folders):
    attention = HuggingFaceModel.load(folders["llama"]).trace(TEXT)["masked-self"]
    assert attention.part == "decoder"
    assert attention.predicts == (*attention.queries[1:], None)
    assert not np.triu(attention.weights(0), 1).any()


def test_an_encoder_decoder_reads_the_given_target(bart):
    trace = bart.trace("I ate an apple.", target="나는 사과를 먹었다.")
    assert trace.kinds == ("self", "masked-self", "cross")
    assert trace.target == "나는 사과를 먹었다."
    own, masked, cross = trace.attentions
    assert [t.text for t in own.queries] == ["I", "ate", "an", "apple", ".", "</s>"]
    assert own.predicts is None
    assert cross.queries == masked.queries == masked.keys
    assert cross.keys == own.keys
    assert masked.queries[0].text == "</s>", "decoder_start_token_id"
    assert masked.predicts[:-1] == masked.queries[1:]
    assert masked.predicts[-1].text == "</s>"
    ids = bart.text_tokenizer.tokenizer(trace.target)["input_ids"]
    assert [t.id for t in masked.predicts] == ids


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_an_encoder_decoder_without_a_target_reads_its_generated_one(folders, kind):
    model = HuggingFaceModel.load(folders[kind])
    trace = model.trace("I ate an apple.", selection=Selection(layers=(0,)))
    cross = trace["cross"]
    ids = model.text_tokenizer.tokenizer("I ate an apple.", return_tensors="pt")["input_ids"]
    read = torch.tensor([[t.id for t in cross.queries]])
    with torch.no_grad():
        written = model.model(input_ids=ids, decoder_input_ids=read).logits[0].argmax(-1).tolist()
    last = 1 if kind == "bart" else 0  # bart is made to end with </s>
    assert [t.id for t in cross.predicts][:-1] == written[:-1]
    assert last or cross.predicts[-1].id == written[-1]
    assert isinstance(trace.target, str)
    assert all("\ufffd" not in t.text for t in (*cross.queries, *cross.predicts))


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("kind", ["bert", "llama", "bart", "t5"])
def test_the_trace_of_any_text_can_be_saved_and_opened(kind, words, folders, tmp_path):
    """A token that stands beyond the end of its text would be refused."""
    model = HuggingFaceModel.load(folders[kind])
    for text in ("I ate an apple.", "그녀는 사과를", "  e\u0301te\u0301\n\tapple 👨\u200d👩\u200d👧 ﬁ ½ "):
        trace = model.trace(text, selection=Selection(words=words))
        opened = open_trace(trace.save(tmp_path / "t.safetensors"))
        assert [(a.queries, a.keys, a.predicts) for a in opened.attentions] == [
            (a.queries, a.keys, a.predicts) for a in trace.attentions
        ]


@pytest.mark.parametrize(("kind", "first"), [("t5", "<pad>"), ("bart", "<s>")])
def test_the_decoder_starts_like_generate_without_other_settings(kind, first):
    # T5 has no token for a beginning, and starts from its padding.
    model = tiny_models.build(kind, decoder_start_token_id=None)
    model.generation_config.decoder_start_token_id = None
    loaded = HuggingFaceModel.load(model, tokenizer=tiny_models.tokenizer())
    assert (
        loaded.trace("I ate", target="나는")["cross"].queries[0].text == first
    )  # T5 has no beginning, and starts from pad
    model.generation_config.decoder_start_token_id = 2
    assert loaded.trace("I ate", target="나는")["cross"].queries[0].text == "</s>"


def test_a_model_in_training_generates_without_dropout():
    model = tiny_models.build("bart", dropout=0.5)
    loaded = HuggingFaceModel.load(model, tokenizer=tiny_models.tokenizer())
    expected = loaded.trace("I ate an apple.").target
    model.train()
    assert [loaded.trace("I ate an apple.").target for _ in range(3)] == [expected] * 3
    assert model.training


def test_a_target_is_refused_by_a_model_that_has_no_place_for_it(folders):
    with pytest.raises(InputError, match="no separate decoder"):
        HuggingFaceModel.load(folders["llama"]).trace(TEXT, target="apple")


def test_a_model_in_memory_is_traced_and_left_as_it_was():
    model = tiny_models.build("gpt2").train()
    loaded = HuggingFaceModel.load(model, tokenizer=tiny_models.tokenizer())
    trace = loaded.trace(TEXT, selection=Selection.of(layers=1, heads=[2, 3]))
    assert trace.model == "GPT2Model"
    assert trace["masked-self"].layers == (1,)
    assert trace["masked-self"].heads(1) == (2, 3)
    assert model.training
    assert model.config._attn_implementation == "sdpa"
    with pytest.raises(ModelError, match="has no tokenizer"):
        HuggingFaceModel.load(model)


@pytest.mark.parametrize("option", [{"device": "cpu"}, {"dtype": "float16"}, {"device_map": "auto"}], ids=str)
def test_a_model_in_memory_is_not_moved(option):
    with pytest.raises(ModelError, match="a loaded BertModel already has its device and its dtype"):
        HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=tiny_models.tokenizer(), **option)


def test_a_model_with_a_head_runs_without_it():
    model = transformers.BertForMaskedLM(tiny_models.build("bert").config)
    model.cls.forward = None
    assert HuggingFaceModel.load(model, tokenizer=tiny_models.wordpiece()).trace("I ate").kinds == ("self",)


def test_a_layer_in_no_kind_is_an_error_and_one_that_a_kind_lacks_is_noted(bart):
    with pytest.raises(SelectionError, match="there is no layer 9"):
        bart.trace("I ate", target="나는", selection=Selection(layers=(9,)))
    trace = bart.trace("I ate", target="나는", selection=Selection(layers=(2,)))
    assert trace.kinds == ("masked-self", "cross")
    assert "self-attention has no layer 2" in trace.provenance["left out"]


@pytest.mark.parametrize("make", [tiny_models.tokenizer, tiny_models.wordpiece, tiny_models.unigram])
@pytest.mark.parametrize("text", [TEXT, "tab\tline\nend  two", "🙂 👨\u200d👩\u200d👧 \x1b[31m", "हिन्दी العربية 漢字"])
def test_labels_are_the_text_whatever_the_tokenizer(make, text):
    trace = HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=make()).trace(text)
    shown = "".join(t.text for t in trace["self"].queries if not t.special)
    assert not set(shown) & set("\ufffdĠ▁Ċ\x1b\n\t")
    for token in trace["self"].queries:
        if token.span and token.text == text[slice(*token.span)]:
            assert token.text.strip() == token.text
    covered = {index for t in trace["self"].queries if t.span for index in range(*t.span)}
    assert all(text[index].isspace() or not text[index].isprintable() for index in set(range(len(text))) - covered)


class Slow(transformers.PythonBackend):
    """A tokenizer in Python, without offsets: one token a word."""

    def __init__(self, **more):
        self.words = ["<pad>", "<unk>", "▁I", "▁ate", "▁apple", "s"]
        super().__init__(pad_token="<pad>", unk_token="<unk>", **more)

    vocab_size = 6

    def get_vocab(self):
        return {word: index for index, word in enumerate(self.words)}

    def _tokenize(self, text):
        return text.replace("apples", "apple s").replace(" ", " ▁").replace("▁s", "s").join(["▁", ""]).split()

    def _convert_token_to_id(self, token):
        return self.words.index(token) if token in self.words else 1

    def _convert_id_to_token(self, index):
        return self.words[index]

    def convert_tokens_to_string(self, tokens):
        return "".join(tokens).replace("▁", " ").strip()


def test_a_tokenizer_without_offsets_is_read_by_decoding():
    trace = HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=Slow()).trace("I ate apples")
    tokens = trace["self"].queries
    assert [t.text for t in tokens] == ["I", "ate", "apple", "s"]
    assert [t.word for t in tokens] == [0, 1, 2, 2]
    assert [t.span for t in tokens] == [(0, 1), (2, 5), (6, 11), (11, 12)]


def test_without_offsets_a_word_that_the_tokenizer_does_not_know_is_shown_as_written():
    tokens = HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=Slow()).trace("I ate pears")["self"].queries
    assert [(t.text, t.span, t.word) for t in tokens] == [("I", (0, 1), 0), ("ate", (2, 5), 1), ("pears", (6, 11), 2)]


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_refused(bart, text):
    with pytest.raises(InputError, match="the text is empty"):
        bart.trace(text)


def test_a_text_that_is_no_text_is_refused(bart):
    with pytest.raises(InputError, match="character 1"):
        bart.trace("a\udc80")


def test_a_text_that_is_too_long_is_refused_with_both_numbers(bart):
    with pytest.raises(InputError, match=r"the text is 151 tokens long, and \S*bart reads at most 64"):
        bart.trace("I " * 75)


def test_roberta_has_as_much_room_as_its_positions_after_the_padding():
    loaded = HuggingFaceModel.load(tiny_models.build("roberta"), tokenizer=tiny_models.tokenizer())
    assert context_length(loaded.model) == 62
    loaded.trace("." + " ." * 30)
    with pytest.raises(InputError, match="reads at most 62"):
        loaded.trace("." + " .," * 50)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("no-such/model", "cannot find the model no-such/model"),
        ("./nowhere", "no such model"),
        ("a b", "no such model"),
        ("nowhere.gguf", "no such file"),
    ],
)
def test_a_model_that_is_not_there_is_an_error_that_says_where_it_was_looked_for(spec, message):
    with pytest.raises(ModelError, match=message) as error:
        HuggingFaceModel.load(spec)
    assert "folder" in error.value.hint


def test_a_folder_or_a_file_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"without a config\.json"):
        HuggingFaceModel.load(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelError, match=r"not a \.gguf file"):
        HuggingFaceModel.load(tmp_path / "notes.txt")
    (tmp_path / "config.json").write_text('{"model_type": "unheard-of"}')
    with pytest.raises(ModelError, match="of the type unheard-of"):
        HuggingFaceModel.load(tmp_path)


def test_the_error_for_a_missing_gguf_package_has_the_install_command(tmp_path, monkeypatch):
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(location, "find_spec", lambda package: None)
    with pytest.raises(ModelError, match="gguf and accelerate") as error:
        HuggingFaceModel.load(tmp_path / "m.gguf")
    assert "pip install 'attnviz[gguf]'" in error.value.hint


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil-was-here",)


def test_a_pickle_does_not_run(tmp_path, monkeypatch):
    folder = tiny_models.save("bert", tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({"embeddings": Evil()}, folder / "pytorch_model.bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="pickled with more than weights"):
        HuggingFaceModel.load(folder)
    assert not (tmp_path / "evil-was-here").exists()


def test_the_error_for_an_unknown_device_or_dtype_lists_the_known_ones(folders):
    with pytest.raises(ModelError, match="no device 'tpu'") as error:
        HuggingFaceModel.load(folders["bert"], device="tpu")
    assert "cpu" in error.value.hint
    with pytest.raises(ModelError, match="'int3' is not a dtype") as error:
        HuggingFaceModel.load(folders["bert"], dtype="int3")
    assert "bfloat16" in error.value.hint


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("kind", ["bert", "llama"])
def test_lower_precision_passes_its_own_check(folders, kind, dtype):
    trace = HuggingFaceModel.load(folders[kind], dtype=dtype, device="cpu").trace(TEXT)
    assert trace.provenance["dtype"] == dtype
    assert trace.attentions[0].weights(0).dtype == np.float32


def test_nothing_is_written_on_the_way(folders, capfd):
    HuggingFaceModel.load(folders["t5"]).trace("I ate", target="나는")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert transformers.logging.is_progress_bar_enabled()


def test_without_a_network_only_the_cache_is_used(monkeypatch):
    def no_address(*_):
        raise OSError

    monkeypatch.setattr(location.socket, "getaddrinfo", no_address)
    monkeypatch.setattr(location, "getproxies", dict)
    assert location.locate("bert-base-uncased").options == {"local_files_only": True}


def test_importing_the_module_imports_no_torch():
    import subprocess

    module = "attnviz.models.huggingface.model"
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

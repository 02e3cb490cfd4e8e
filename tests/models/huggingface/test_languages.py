"""Multilingual translators: the language of each side, compared with that of the tokenizer and the model."""

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import tiny_models
import tiny_translators
import torch
import transformers

import attnviz
from attnviz.errors import InputError
from attnviz.models.huggingface.languages import Languages
from attnviz.retrace import Retrace

TEXT, TARGET = "She ate an apple", "I ate"

# family: the languages of the test as a user may write them, and as its tokenizer has them
ASKED = {
    "m2m_100": (("fr", "ko"), ("fr", "ko")),
    "mbart": (("fr", "ro_RO"), ("fr_XX", "ro_RO")),
    "mbart50": (("fr-xx", "ko"), ("fr_XX", "ko_KR")),
    "nllb": (("fra", "kor_Hang"), ("fra_Latn", "kor_Hang")),
    "plbart": (("java", "__python__"), ("java", "python")),
    "plbart, multi": (("go", "en"), ("go", "en_XX")),
    "seamless_m4t": (("kor", "fra"), ("kor", "fra")),
}


@pytest.fixture(scope="module")
def families(tmp_path_factory):
    """The tokenizer and the model of each family."""
    made = {}
    for family in (*ASKED, "marian"):
        read = tiny_translators.tokenizer(family, tmp_path_factory.mktemp("family"))
        made[family] = read, tiny_translators.model(family, read)
    return made


def asked(family: str) -> dict[str, str]:
    source, target = ASKED[family][0]
    return {"source_language": source, "target_language": target}


def ids(tokens) -> list[int]:
    return [token.id for token in tokens]


def set_to(tokenizer, source: str, target: str):
    """The same tokenizer, with both languages set on it as transformers does; it is shared: set them back."""
    tokenizer.src_lang, tokenizer.tgt_lang = source, target
    return tokenizer


@pytest.fixture
def own(families, tmp_path):
    """What the tokenizer and the model of a family make of text and target themselves: a tokenizer of its own."""

    def inputs(family: str) -> tuple[dict, torch.Tensor]:
        read = set_to(tiny_translators.tokenizer(family, tmp_path), *ASKED[family][1])
        return dict(read(TEXT, return_tensors="pt")), read(text_target=TARGET, return_tensors="pt")["input_ids"]

    return inputs


@pytest.mark.parametrize("family", ASKED)
def test_a_given_target_is_read_as_the_models_own_labels_are(family, families, own):
    read, model = families[family]
    source, labels = own(family)
    trace = attnviz.trace(TEXT, model, tokenizer=read, target=TARGET, **asked(family))
    if family == "seamless_m4t":  # its labels begin with the start token already, which it is trained on once
        source["decoder_input_ids"] = labels[:, :-1]
    else:
        source["labels"] = labels
    eager = copy.deepcopy(model)
    eager.set_attn_implementation("eager")
    heard = []
    eager.get_decoder().register_forward_pre_hook(lambda _, args, kw: heard.append(kw["input_ids"]), with_kwargs=True)
    with torch.no_grad():
        whole = eager(**source, output_attentions=True)
    assert ids(trace["self"].queries) == source["input_ids"][0].tolist()
    assert ids(trace["masked-self"].queries) == heard[0][0].tolist()
    assert ids(trace["cross"].predicts) == labels[0].tolist()[-len(trace["cross"].predicts) :]
    for kind, expected in (
        ("self", whole.encoder_attentions),
        ("masked-self", whole.decoder_attentions),
        ("cross", whole.cross_attentions),
    ):
        for layer, weights in enumerate(expected):
            torch.testing.assert_close(torch.tensor(trace[kind].weights(layer)), weights[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ASKED)
def test_a_written_target_is_in_the_language_that_was_asked_for(family, families, own):
    read, model = families[family]
    source, _ = own(family)
    code = ASKED[family][1][1]
    mark = (
        read.get_lang_id(code)
        if family == "m2m_100"
        else read.convert_tokens_to_ids(tiny_translators.mark(family, code))
    )
    begins = {"forced_bos_token_id": mark}
    if family in ("mbart", "plbart", "plbart, multi"):
        begins = {"decoder_start_token_id": mark}
    expected = model.generate(**source, **begins, do_sample=False, max_length=12, max_new_tokens=None)[0].tolist()
    trace = attnviz.trace(TEXT, model, tokenizer=read, **asked(family))
    written = ids((trace["cross"].queries[0], *trace["cross"].predicts))
    assert written[: len(expected)] == expected
    assert mark in written[:2]
    assert not any(token.generated for token in trace["cross"].queries if token.id == mark and token.special)


@pytest.mark.parametrize("family", [*ASKED, "marian"])
def test_nothing_is_set_on_the_tokenizer(family, families):
    read, model = families[family]

    def state() -> list:
        return [getattr(read, name, None) for name in ("src_lang", "tgt_lang")] + [read(TEXT)["input_ids"]]

    before = state()
    both = asked(family) if family in ASKED else {"target_language": "fra"}
    attnviz.trace(TEXT, model, tokenizer=read, target=TARGET, **both)
    assert state() == before


@pytest.mark.parametrize("family", ASKED)
def test_the_trace_has_its_languages_and_they_are_in_the_command_to_trace_again(family, families):
    read, model = families[family]
    source, target = ASKED[family][1]
    trace = attnviz.trace(TEXT, model, tokenizer=read, target=TARGET, **asked(family))
    assert (trace.provenance["source language"], trace.provenance["target language"]) == (source, target)
    assert not any("language" in note for note in trace.notes)
    marks = [token for token in (*trace["self"].queries, *trace["cross"].queries) if target in token.text]
    assert all(token.special and token.span is None for token in marks)
    named = replace(trace, provenance={**trace.provenance, "model": "org/model"})
    command = Retrace.of(named, trace["cross"]).command
    assert f"--source-language {source} --target-language {target}" in command


@pytest.mark.parametrize("family", [family for family in ASKED if family != "plbart"])
def test_without_a_language_that_of_the_tokenizer_is_used_with_a_note(family, families):
    read, model = families[family]
    target = asked(family)["target_language"]
    trace = attnviz.trace(TEXT, model, tokenizer=read, target=TARGET, target_language=target)
    assert ids(trace["self"].queries) == read(TEXT)["input_ids"]
    default = read.src_lang.strip("_")
    [note] = trace.notes
    assert f"the language of the text is {default}, the tokenizer's default: --source-language" in note
    assert trace.provenance["source language"] == default


def test_one_that_is_set_on_the_tokenizer_reaches_a_given_target_and_a_written_one(families, tmp_path):
    _, model = families["m2m_100"]
    read = set_to(tiny_translators.tokenizer("m2m_100", tmp_path), "fr", "ko")
    for target in (TARGET, None):
        trace = attnviz.trace(TEXT, model, tokenizer=read, target=target)
        assert [trace["self"].queries[0].text, trace["cross"].queries[1].text] == ["__fr__", "__ko__"]
        assert len(trace.notes) - any("cut at" in note for note in trace.notes) == 2


@pytest.mark.parametrize("family", ["m2m_100", "mbart", "mbart50", "nllb", "plbart, multi"])
@pytest.mark.parametrize("target", [TARGET, None])
def test_a_target_in_no_language_is_refused_and_the_languages_are_listed(family, target, families):
    read, model = families[family]
    with pytest.raises(InputError, match=r"writes in \d+ languages, and nothing says in which") as error:
        attnviz.trace(TEXT, model, tokenizer=read, target=target)
    assert ASKED[family][1][1] in error.value.hint


def test_a_model_that_begins_its_targets_with_a_language_needs_no_option(families):
    read, model = families["mbart50"]
    bound = copy.copy(model)
    bound.generation_config = copy.deepcopy(model.generation_config)
    bound.generation_config.forced_bos_token_id = read.lang_code_to_id["ro_RO"]
    for target in (TARGET, None):
        cross = attnviz.trace(TEXT, bound, tokenizer=read, target=target)["cross"]
        assert [token.text for token in cross.queries[:2]] == ["</s>", "ro_RO"]
    other = attnviz.trace(TEXT, bound, tokenizer=read, target_language="ko")["cross"]
    assert other.queries[1].text == "ko_KR"


def test_plbart_can_read_and_write_without_a_language(families):
    read, model = families["plbart"]
    trace = attnviz.trace(TEXT, model, tokenizer=read, target=TARGET)
    assert not trace.notes
    assert ids(trace["self"].queries) == read(TEXT)["input_ids"]
    assert ids(trace["cross"].predicts) == read(TARGET)["input_ids"]
    assert trace["cross"].queries[0].id == read.eos_token_id  # as its labels are shifted


def test_marian_reads_the_language_of_its_target_before_the_source(families):
    read, model = families["marian"]
    trace = attnviz.trace(TEXT, model, tokenizer=read, target=TARGET, target_language="fra")
    assert ids(trace["self"].queries) == read(f">>fra<< {TEXT}")["input_ids"]
    first = trace["self"].queries[0]
    assert (first.text, first.special, first.span) == (">>fra<<", True, None)
    assert trace.text == TEXT
    assert ids(trace["cross"].predicts) == read(text_target=TARGET)["input_ids"]
    assert not trace.notes
    typed = attnviz.trace(f">>fra<< {TEXT}", model, tokenizer=read, target=TARGET)
    assert ids(typed["self"].queries) == ids(trace["self"].queries)
    assert not typed.notes
    assert "--target-language takes fra, deu" in attnviz.trace(TEXT, model, tokenizer=read, target=TARGET).notes[0]
    with pytest.raises(InputError, match="begins with the language of the target itself"):
        attnviz.trace(f">>deu<< {TEXT}", model, tokenizer=read, target_language="fra")
    with pytest.raises(InputError, match="names no language of the source"):
        attnviz.trace(TEXT, model, tokenizer=read, source_language="fra")


@pytest.mark.parametrize(
    ("family", "code", "says", "hint"),
    [
        ("m2m_100", "xx", "'xx' is no language of", "takes: af, am, ar,"),
        ("mbart", "en_US", "'en_US' is no language of", "Did you mean en_XX"),
        ("nllb", "fr", "'fr' is no language of", "fra_Latn"),
        ("nllb", "zho", "'zho' is more than one language of", "Did you mean zho_Hans or zho_Hant?"),
        ("nllb", "zh", "'zh' is no language of", "Did you mean zho_Hans or zho_Hant?"),
        ("m2m_100", "fr_XX", "'fr_XX' is no language of", "Did you mean fr?"),
        ("mbart", "fra_Latn", "'fra_Latn' is no language of", "Did you mean fr_XX?"),
        ("nllb", "", "'' is no language of", "takes: ace_Arab"),
        ("nllb", 3, "target_language cannot be 3", "A code"),
    ],
)
def test_a_language_that_there_is_not_is_answered_with_those_that_there_are(family, code, says, hint, families):
    read, model = families[family]
    with pytest.raises(InputError, match=says) as error:
        attnviz.trace(TEXT, model, tokenizer=read, target_language=code)
    assert hint in error.value.hint


@pytest.mark.parametrize("option", ["source_language", "target_language"])
def test_models_without_languages_refuse_them(option):
    for model in (tiny_models.build("t5"), tiny_models.build("bert"), tiny_models.writer("llama")):
        with pytest.raises(InputError, match="names no languages") as error:
            attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer(), **{option: "fr"})
        assert f"Leave out {option}." in str(error.value)
    with pytest.raises(InputError, match="detects English and Korean itself"):
        attnviz.trace(TEXT, **{option: "en"})


def test_a_decoder_only_model_has_a_source_language_and_no_target_language(families):
    read, model = families["mbart"]
    config = copy.deepcopy(model.config)
    config.is_encoder_decoder = False
    decoder = transformers.MBartForCausalLM(config).eval()
    trace = attnviz.trace(TEXT, decoder, tokenizer=read, source_language="fr")
    assert trace["masked-self"].queries[-1].text == "fr_XX"
    assert "target language" not in trace.provenance
    with pytest.raises(InputError, match="no decoder that reads or writes a target"):
        attnviz.trace(TEXT, decoder, tokenizer=read, target_language="fr")


def test_a_classifier_whose_decoder_reads_the_source_has_no_target_language(families):
    read, model = families["mbart"]
    classifier = transformers.MBartForSequenceClassification(model.config).eval()
    trace = attnviz.trace(TEXT, classifier, tokenizer=read, source_language="fr")
    assert trace["self"].queries[-1].text == "fr_XX"
    assert "target language" not in trace.provenance
    with pytest.raises(InputError, match="no decoder that reads or writes a target"):
        attnviz.trace(TEXT, classifier, tokenizer=read, target_language="fr")


def test_many_texts_and_several_threads_each_have_their_own(families):
    read, model = families["mbart"]
    loaded = attnviz.load(model, tokenizer=read)
    texts = [TEXT, "The dog wore a red hat."]
    codes = ["fr_XX", "ko_KR", "de_DE", "it_IT"] * 2

    def marks(code: str) -> set[str]:
        traces = loaded.trace_all(texts, target=TARGET, source_language=code, target_language=code)
        return {name for trace in traces for name in (trace["self"].queries[-1].text, trace["cross"].queries[0].text)}

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(marks, codes)) == [{code} for code in codes]


def test_a_list_of_words_has_the_mark_too(families):
    read, model = families["mbart"]
    given = {"tokenizer": read, "source_language": "fr", "target_language": "ko"}
    listed = attnviz.trace(TEXT.split(), model, target=TARGET.split(), **given)
    plain = attnviz.trace(TEXT, model, target=TARGET, **given)
    for kind in plain.kinds:
        assert ids(listed[kind].keys) == ids(plain[kind].keys)
        assert ids(listed[kind].queries) == ids(plain[kind].queries)


def test_a_language_that_was_added_is_one_of_them(tmp_path):
    read = tiny_translators.tokenizer("nllb", tmp_path)
    read.add_special_tokens({"additional_special_tokens": ["tyv_Cyrl"]}, replace_extra_special_tokens=False)
    assert "tyv_Cyrl" in Languages.of(read).ids
    assert "fra_Latn" in Languages.of(read).ids
    assert not Languages.of(tiny_models.tokenizer())


@pytest.mark.parametrize("family", ["mbart", "plbart"])
def test_a_target_starts_from_its_last_label_with_a_tokenizer_that_has_no_languages(family, families):
    _, model = families[family]
    read = tiny_models.wordpiece()
    labels = torch.tensor([[*read(TARGET)["input_ids"]]])
    by_itself = model.prepare_decoder_input_ids_from_labels(labels)[0].tolist()
    assert by_itself[0] not in (model.config.decoder_start_token_id, model.config.pad_token_id)
    assert ids(attnviz.trace(TEXT, model, tokenizer=read, target=TARGET)["cross"].queries) == by_itself


@pytest.mark.parametrize("said", [{}, {"decoder_start_token_id": "ko_KR"}, {"forced_bos_token_id": "ko_KR"}])
@pytest.mark.parametrize("family", ["mbart", "mbart50"])
def test_a_target_is_generated_from_the_start_token_of_the_model(family, said, families):
    read, model = families[family]
    model = copy.deepcopy(model)
    start = read.eos_token_id if said else None
    settings = {"decoder_start_token_id": start, "bos_token_id": 0, "max_length": 6}
    settings |= {name: read.convert_tokens_to_ids(code) for name, code in said.items()}
    model.generation_config.update(**settings)
    model.config.decoder_start_token_id = start
    language = {} if said else {"target_language": "ko"}
    begins = {"forced_bos_token_id": read.convert_tokens_to_ids("ko_KR")} if language else {}
    if language and family == "mbart":
        begins = {"decoder_start_token_id": begins["forced_bos_token_id"]}
    expected = model.generate(**read(TEXT, return_tensors="pt"), **begins, do_sample=False)[0].tolist()
    trace = attnviz.trace(TEXT, model, tokenizer=read, **language)
    assert ids((trace["cross"].queries[0], *trace["cross"].predicts)) == expected
    assert trace.provenance["target language"] == "ko_KR"
    if said:  # as the command that makes the picture again says it
        again = attnviz.trace(TEXT, model, tokenizer=read, source_language="en", target_language="ko")
        assert again["cross"].queries == trace["cross"].queries


def test_a_language_that_is_set_on_the_tokenizer_after_loading_is_used(families, tmp_path):
    _, model = families["mbart"]
    read = tiny_translators.tokenizer("mbart", tmp_path)
    loaded = attnviz.load(model, tokenizer=read)
    for source, target in (("en_XX", "ko_KR"), ("fr_XX", "de_DE")):
        set_to(read, source, target)
        trace = loaded.trace(TEXT, target=TARGET)
        assert ids(trace["self"].queries) == read(TEXT)["input_ids"]
        assert ids(trace["cross"].predicts) == read(text_target=TARGET)["input_ids"]
        assert (trace.provenance["source language"], trace.provenance["target language"]) == (source, target)


def test_marian_without_its_decoder_or_encoder_has_no_hint_to_name_a_target(families):
    read, model = families["marian"]
    config = copy.deepcopy(model.config)
    config.is_encoder_decoder = False
    for alone in (transformers.MarianForCausalLM(config).eval(), model.get_encoder()):
        assert not attnviz.trace(TEXT, alone, tokenizer=read).notes
        with pytest.raises(InputError, match="no decoder that reads or writes a target"):
            attnviz.trace(TEXT, alone, tokenizer=read, target_language="fra")


def test_a_translator_refuses_a_chat(families):
    read, model = families["mbart"]
    read = copy.deepcopy(read)
    read.chat_template = "{{ messages[0]['content'] }}"
    with pytest.raises(InputError, match="does not read chats"):
        attnviz.trace(TEXT, model, tokenizer=read, chat=True, source_language="fr", target_language="ko")


def test_a_language_beyond_the_embeddings_is_the_tokenizers_fault(families):
    read, model = families["nllb"]
    last = read.convert_tokens_to_ids("zul_Latn")
    fewer = type(model)(type(model.config)(**{**model.config.to_dict(), "vocab_size": last})).eval()
    with pytest.raises(InputError, match=f"the tokenizer gives the id {last}"):
        attnviz.trace(TEXT, fewer, tokenizer=read, target_language="zul")

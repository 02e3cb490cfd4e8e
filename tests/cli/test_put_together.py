"""--generate, --chat and --text-pair: a text that is continued, or combined with another."""

import pytest
import tiny_models
import tiny_translators
from command_line import run
from handmade_traces import encoder_decoder

import attnviz
from attnviz.attention import borders

TEMPLATE = "{% for message in messages %}<s>{{ message['content'] }}</s>{% endfor %}"


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "llama"
    tiny_models.writer("llama").save_pretrained(folder)
    tokenizer = tiny_models.tokenizer()
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return folder


def saved(tmp_path, *args: object) -> attnviz.Trace:
    path = tmp_path / "saved.safetensors"
    done = run("trace", *args, "-o", path)
    assert done.code == 0, done.err
    return attnviz.open(path)


def test_generate_draws_the_prompt_and_what_follows(llama, tmp_path):
    alone, trace = saved(tmp_path, "I ate", "-m", llama), saved(tmp_path, "I ate", "-m", llama, "--generate", 3)
    length = len(alone["masked-self"].queries)
    assert [token.id for token in trace["masked-self"].queries[:length]] == [
        token.id for token in alone["masked-self"].queries
    ]
    assert borders(trace["masked-self"].queries) == (length,)
    done = run("plot", "I ate", "-m", llama, "--generate", 3, "--layer", 1, "--head", 2)
    assert done.code == 0
    assert "generated" in done.err
    assert "masked self-attention · L1H2" in done.out


def test_chat_and_generate_go_together(llama, tmp_path):
    trace = saved(tmp_path, "I ate", "-m", llama, "--chat", "--generate", 2)
    assert trace.text.startswith("<s>I ate</s>")
    assert trace.provenance["chat"] == "I ate"
    assert "generated" in trace.provenance


def test_a_text_pair_is_a_second_segment(minilm_folder, tmp_path):
    trace = saved(tmp_path, "I ate", "-m", minilm_folder, "--text-pair", "an apple", "--layer", 0)
    assert [token.text for token in trace["self"].queries] == ["[CLS]", "I", "ate", "[SEP]", "an", "apple", "[SEP]"]
    assert borders(trace["self"].queries) == (4,)


@pytest.mark.parametrize(
    "option",
    [
        ("--target", "나는"),
        ("--text-pair", "an apple"),
        ("--source-language", "fr"),
        ("--target-language", "fr"),
        ("--chat",),
        ("--generate", 2),
        ("--model", "no/such"),
        ("--device", "cpu"),
        ("--dtype", "float16"),
        ("--revision", "main"),
    ],
    ids=lambda o: o[0],
)
def test_options_of_a_prompt_cannot_change_a_saved_trace(option, tmp_path):
    done = run("plot", encoder_decoder().save(tmp_path / "saved.safetensors"), *option)
    assert done.code == 2
    assert option[0] in done.err


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("--generate", 2), 1, "translates one sentence"),
        (("--chat",), 1, "Leave out --chat"),
        (("--text-pair", "she"), 1, "Leave out --text-pair"),
        (("--source-language", "en"), 1, "Leave out --source-language"),
        (("--target-language", "ko"), 1, "Leave out --target-language"),
        (("--text-pair", " ", "-m", "no/such"), 1, "second text is empty"),
        (("--generate", 0), 2, "--generate"),
        (("--generate", "x"), 2, "--generate"),
    ],
)
def test_impossible_prompts_are_refused_with_the_reason(args, code, says):
    done = run("plot", "I ate an apple", *args)
    assert done.code == code
    assert says in done.err
    assert done.out == ""


def test_every_line_of_a_file_is_continued(llama, tmp_path):
    (tmp_path / "prompts.txt").write_text("I ate\nShe ate an apple\n")
    done = run("batch", tmp_path / "prompts.txt", "-m", llama, "--generate", 2, "-o", tmp_path / "out")
    assert done.code == 0
    assert done.err.count("generated") == 2
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2


def test_every_line_is_translated_between_the_languages_that_are_named(tmp_path):
    read = tiny_translators.tokenizer("nllb", tmp_path)
    model = tmp_path / "model"
    tiny_translators.model("nllb", read).save_pretrained(model)
    read.save_pretrained(model)
    asked = ("-m", model, "--source-language", "fra", "--target-language", "kor")
    trace = saved(tmp_path, "I ate", *asked)
    assert trace["cross"].keys[0].text == "fra_Latn"
    assert trace["cross"].predicts[0].text == "kor_Hang"
    (tmp_path / "pairs.tsv").write_text("I ate\tShe ate\nShe ate an apple\n")
    done = run("batch", tmp_path / "pairs.tsv", *asked, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert "the tokenizer's default" not in done.err
    unsaid = run("batch", tmp_path / "pairs.tsv", *asked[:2], "-o", tmp_path / "unsaid")
    assert unsaid.code == 1
    assert "Hint:  --target-language takes: " in unsaid.err

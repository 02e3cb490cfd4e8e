"""A fixed selection of the classes for a task that sweep.py --tasks tests, loaded as they were saved."""

import eager_reference
import pytest
import sweep
import task_models

from attnviz.capture import find_base
from attnviz.models.huggingface.architecture import classes

INTERFACE, OUTPUT = "attention interface", "eager output_attentions"
SPREAD = {
    INTERFACE: (
        "BartForCausalLM BartForSequenceClassification BertForMultipleChoice DPRReader GPT2DoubleHeadsModel"
        " LlamaForSequenceClassification MBartForQuestionAnswering OPTForCausalLM T5ForQuestionAnswering"
        " T5ForSequenceClassification T5ForTokenClassification T5GemmaForSequenceClassification"
    ),
    OUTPUT: (
        "BigBirdForQuestionAnswering DeepseekV4ForCausalLM FunnelForSequenceClassification LEDForQuestionAnswering"
        " LongT5EncoderModel LongformerForMultipleChoice LongformerForQuestionAnswering"
        " LongformerForSequenceClassification"
    ),
}


@pytest.mark.parametrize(("name", "path"), [(name, path) for path, names in SPREAD.items() for name in names.split()])
def test_weights_are_those_of_the_whole_loaded_model(name, path):
    row = sweep.examine_task(name)
    assert (row.outcome, row.path) == ("exact", path), row


def test_the_comparison_fails_for_wrong_inputs_of_the_base(monkeypatch):
    monkeypatch.setattr(sweep, "base_inputs", lambda _model, inputs: inputs)
    assert sweep.examine_task("LongformerForSequenceClassification").outcome == "FAILED"
    monkeypatch.setattr(eager_reference, "weights", lambda *_: {"self": {}})
    assert sweep.examine_task("DPRReader").outcome == "FAILED"


@pytest.mark.parametrize(
    "name", ["BertForMaskedLM", "GPT2LMHeadModel", "LlamaForCausalLM", "OPTForCausalLM", "XLNetLMHeadModel"]
)
def test_the_head_of_a_language_model_does_not_run_if_its_base_is_that_of_its_type(name):
    whole = task_models.build(name, task_models.classes()[name], "eager")
    whole.config.architectures = [name]
    loaded = classes(whole.config, with_head=False)[0]
    assert loaded.__name__ == "AutoModel"
    assert type(find_base(whole)) is loaded._model_mapping[type(whole.config)]

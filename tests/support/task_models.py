"""A tiny seeded model of every class that transformers maps to a task on text, as attnviz loads it from its folder."""

from functools import partial
from tempfile import TemporaryDirectory

import architectures
import eager_reference
import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel
from transformers.models.auto import modeling_auto

from attnviz.models.huggingface.loading import load_model
from attnviz.models.huggingface.location import locate

MAPPINGS = (
    "CAUSAL_LM",
    "MASKED_LM",
    "SEQ_TO_SEQ_CAUSAL_LM",
    "PRETRAINING",
    "SEQUENCE_CLASSIFICATION",
    "TOKEN_CLASSIFICATION",
    "QUESTION_ANSWERING",
    "TABLE_QUESTION_ANSWERING",
    "DOCUMENT_QUESTION_ANSWERING",
    "MULTIPLE_CHOICE",
    "NEXT_SENTENCE_PREDICTION",
    "TEXT_ENCODING",
)
OTHERS = {  # class: its type, of those that are in no mapping
    "DPRContextEncoder": "dpr",
    "DPRQuestionEncoder": "dpr",
    "DPRReader": "dpr",
    "GPT2DoubleHeadsModel": "gpt2",
    "LongT5EncoderModel": "longt5",
    "XLMForQuestionAnswering": "xlm",
    "XLNetForQuestionAnswering": "xlnet",
}
NOT_HERE = {  # a class: why none is made, or run, here
    "BrosForTokenClassification": "reads where on a page each token is",
    "ColPaliForRetrieval": "reads pictures",
    "ColQwen2ForRetrieval": "reads pictures",
    "FlavaForPreTraining": "reads pictures",
    "FunAsrNanoForConditionalGeneration": "reads audio",
    "Gemma4UnifiedAssistantForCausalLM": "reads the hidden states and the keys of a larger model",
    "LayoutLMv2ForQuestionAnswering": "needs the package detectron2",
    "LayoutLMv2ForSequenceClassification": "needs the package detectron2",
    "LayoutLMv2ForTokenClassification": "needs the package detectron2",
    "LxmertForPreTraining": "reads pictures",
    "LxmertForQuestionAnswering": "reads pictures",
    "Nemotron3_5TranscribeForConditionalGeneration": "reads audio",
    "SplinterForPreTraining": "reads a text with a token for each question",
}


def classes() -> dict[str, str]:
    """Every class for a task on text, by its name, and its model type."""
    found: dict[str, str] = {}
    others = {*architectures.picture_types(), *architectures.NOT_TEXT}
    for mapping in MAPPINGS:
        for model_type, name in getattr(modeling_auto, f"MODEL_FOR_{mapping}_MAPPING_NAMES").items():
            if model_type not in others and name not in NOT_HERE:
                found.setdefault(name, model_type)
    return dict(sorted((found | OTHERS).items()))


def build(name: str, model_type: str, attn_implementation: str | None = None) -> PreTrainedModel:
    """The model of that class, always the same one, as attnviz loads it from its folder.

    With an `attn_implementation` it has not been through a folder and attnviz.
    """
    torch.manual_seed(1)
    config = _config(name, model_type)
    if attn_implementation is not None:
        config._attn_implementation = attn_implementation
        return architectures.uneven(getattr(transformers, name)(config).eval())
    with TemporaryDirectory() as folder:
        architectures.uneven(getattr(transformers, name)(config).eval()).save_pretrained(folder)
        return load_model(locate(folder))


def builder(name: str) -> eager_reference.Build:
    """What builds the model of that class, given its type."""
    return partial(build, name)


def inputs_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """A text of two parts, divided and ended by the model's own marks; and a target, if the model writes one."""
    text = architectures.TEXT.clone()
    for kind in ("sep", "eos"):
        mark = getattr(model.config, f"{kind}_token_id", None)
        if isinstance(mark, int) and 0 <= mark < architectures.VOCABULARY:
            text[0, [*eager_reference.DIVIDED, -1]] = mark
    inputs = {"input_ids": text, "attention_mask": torch.ones_like(text)}
    return inputs | (
        {"decoder_input_ids": architectures.TARGET} if model.config.is_encoder_decoder and model.can_generate() else {}
    )


def _config(name: str, model_type: str) -> PretrainedConfig:
    config = architectures.tiny_config(model_type)
    if getattr(config, "decoder_start_token_id", None) is None:  # which T5's checkpoints say, and its class does not
        config.decoder_start_token_id = 0
    if name.endswith("EncoderModel"):
        config.is_encoder_decoder = False
    if name == "ReformerModelWithLMHead":
        config.is_decoder = True
    return config

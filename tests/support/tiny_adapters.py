"""What the tests of adapters share: the attention of peft's own model, and that of a trace."""

import numpy as np
import tiny_models
import torch
from load_checks import TEXT

from attnviz.kinds import KINDS

TARGET = "She ate an apple."
FIELDS = dict(zip(KINDS, ("encoder_attentions", "decoder_attentions", "cross_attentions"), strict=True))


def eager(model, text=TEXT, target=None):
    """What peft's model gives: kind → its layers, `[layer, head, query, key]`."""
    tokens = tiny_models.tokenizer()(text, return_tensors="pt")
    inputs = {name: tokens[name] for name in ("input_ids", "attention_mask")}
    if target is not None:
        start = model.config.decoder_start_token_id
        ids = [start, *tiny_models.tokenizer()(text_target=target)["input_ids"]]
        inputs["decoder_input_ids"] = torch.tensor([ids[:-1]])
    before = {part: part.config._attn_implementation for part in model.modules() if hasattr(part, "config")}
    for part in before:
        part.config._attn_implementation = "eager"
    with torch.no_grad():
        outputs = model(**inputs, output_attentions=True)
    for part, implementation in before.items():
        part.config._attn_implementation = implementation
    if target is None:
        return np.stack([layer[0].numpy() for layer in outputs.attentions])
    return {kind: np.stack([layer[0].numpy() for layer in outputs[FIELDS[kind]]]) for kind in KINDS}


def weights(trace, kind=None):
    attention = trace[kind or trace.kinds[0]]
    return np.stack([attention.weights(layer) for layer in attention.layers])

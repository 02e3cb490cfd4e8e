"""Every model type of the installed transformers that reads text: are the weights those of its own eager attention?

python tests/support/sweep.py            # the table, and exit code 1 where a type fails
python tests/support/sweep.py bert t5    # these alone
python tests/support/sweep.py --pictures # the types of pictures and text, loaded from a folder, on text alone
python tests/support/sweep.py --tasks    # every class of a task on text, loaded from a folder, against the whole model
ATTNVIZ_DEVICE=cuda python tests/support/sweep.py # any of these on a GPU
"""

import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from unittest.mock import patch

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import architectures
import eager_reference
import numpy as np
import task_models
import torch
import transformers
from transformers.utils import logging

from attnviz.capture import Record, base_inputs, capture, eager_output, find_base
from attnviz.errors import ModelError
from attnviz.selection import Selection

CLOSE = 1e-5


@dataclass(frozen=True)
class Row:
    """The result for one type: its outcome, the capture path, the largest difference, and a note."""

    model_type: str
    outcome: str
    path: str = ""
    difference: float | None = None
    note: str = ""

    def __str__(self) -> str:
        difference = "" if self.difference is None else f"{self.difference:.1e}"
        return f"{self.model_type:28} {self.outcome:16} {self.path:24} {difference:8} {self.note}".rstrip()


def examine(model_type: str) -> Row:
    """Compare the captured weights of a tiny model with the reference; every failure is a row, not a crash."""
    try:
        row = _examine(model_type)
    except Exception as error:
        row = Row(model_type, "FAILED", note=f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")
    if (reason := architectures.NOT_TEXT.get(model_type)) is None:
        return row
    if row.outcome == "FAILED":
        return Row(model_type, "not a text model", note=reason)
    return replace(row, outcome="FAILED", note="it is listed as not reading only a text, but it does")


def examine_with_pictures(model_type: str) -> Row:
    """The same for a whole model of pictures and text, loaded from a folder, on only a text."""
    if reason := architectures.NOT_HERE.get(model_type):
        return Row(model_type, "not here", note=reason)
    why = architectures.NEEDS_PICTURE.get(model_type)
    try:
        row = _examine(model_type, architectures.build_with_pictures)
    except ModelError as refusal:
        is_right = why is not None and why in refusal.message and "picture" in refusal.hint
        return Row(model_type, "needs a picture" if is_right else "FAILED", note=refusal.message)
    except Exception as error:
        return Row(model_type, "FAILED", note=f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")
    return row if why is None else replace(row, outcome="FAILED", note="it is said to need a picture, and does not")


def examine_task(name: str) -> Row:
    """The same of a class for a task, whole, loaded from a folder."""
    model_type = task_models.classes()[name]
    if (reads := getattr(transformers, name).main_input_name) != "input_ids":
        return Row(name, "not a text model", note=f"reads {reads}")
    try:
        row = _examine(model_type, task_models.builder(name), task_models.inputs_of)
    except Exception as error:
        row = Row(model_type, "FAILED", note=f"{type(error).__name__}: {' '.join(str(error).split())[:160]}")
    return replace(row, model_type=name)


def _examine(
    model_type: str,
    build: eager_reference.Build = architectures.build,
    inputs_of: eager_reference.Inputs = architectures.inputs_of,
) -> Row:
    whole = build(model_type)
    model, inputs = find_base(whole), base_inputs(whole, inputs_of(whole))
    before = model.config.to_dict(), model.config._attn_implementation
    instead = eager_reference.NO_SOFTMAX.get(model_type)
    outputs: list[torch.Tensor] = []
    model.register_forward_pre_hook(_seed)
    watching = model.register_forward_hook(lambda _module, _args, output: outputs.append(output[0]))
    records, hidden = [], []
    try:
        for short in (eager_output._SHORT, 0):  # as of a short text, and as of a long one
            with patch.multiple(eager_output, _SHORT=short, _SAMPLES=(8, 15)):
                records.append(capture(model, inputs, Selection()))
            hidden += outputs[-1:]  # none where the whole model fails, and its text model gave the weights
            if records[0].path != "eager output_attentions":
                break
    except ModelError as refusal:
        if build is architectures.build_with_pictures:
            raise
        rightly = instead is not None and instead in refusal.message
        return Row(model_type, "refused" if rightly else "FAILED", note=refusal.message)
    finally:
        watching.remove()
    record = records[0]
    if instead is not None:
        raise AssertionError(f"it has no softmax attention, but {record.path} gave some")
    for last in hidden:
        with torch.no_grad():
            plain = model(**eager_reference.accepted_inputs(model, inputs))[0]
        if (moved := float((last - plain).abs().max() / plain.abs().max().clamp(min=1))) > 1e-4:
            raise AssertionError(f"the last hidden state moved by {moved:.1e}")
    if (model.config.to_dict(), model.config._attn_implementation) != before:
        raise AssertionError("the configuration is not what it was")
    expected = eager_reference.weights(model_type, build, inputs_of)
    difference = max(_difference(model_type, each, expected) for each in records)
    shown = [f"{kind} {','.join(map(str, sorted(layers)))}" for kind, layers in record.weights.items()]
    shown += [f"no {','.join(map(str, layers))}: {what}" for what, layers in _by_mixing(record).items()]
    return Row(model_type, "exact" if difference <= CLOSE else "FAILED", record.path, difference, "; ".join(shown))


def _seed(*_: object) -> None:
    """For a model that draws, as DiffusionGemma does its canvas."""
    torch.manual_seed(0)


def _by_mixing(record: Record) -> dict[str, list[int]]:
    """The layers without softmax attention, grouped by what they do instead."""
    layers: dict[str, list[int]] = {}
    for layer, what in sorted(record.non_attention_layers.items()):
        layers.setdefault(what, []).append(layer)
    return layers


def _difference(model_type: str, record: Record, expected: eager_reference.Weights) -> float:
    got = {kind: sorted(layers) for kind, layers in record.weights.items()}
    if got != (wanted := {kind: sorted(layers) for kind, layers in expected.items()}):
        raise AssertionError(f"layers {got}, where {wanted} are expected ({record.path})")
    largest = 0.0
    for kind, layers in expected.items():
        for layer, weights in layers.items():
            ours = record.weights[kind][layer]
            where = f"{kind}, layer {layer} ({record.path})"
            if ours.shape != weights.shape:
                raise AssertionError(f"{where}: shape {ours.shape}, where {weights.shape} is expected")
            if not np.isfinite(weights).all():
                raise AssertionError(f"{where}: the reference is not finite")
            if _is_flat(weights):
                raise AssertionError(f"{where}: flat weights, which would show nothing")
            sink = record.sink_mass.get(kind, {}).get(layer, 0.0)
            off = np.abs(ours.sum(-1) + sink - 1)[ours.any(-1)]
            if off.size and off.max() > 1e-4:
                raise AssertionError(f"{where}: a row sums to 1 only within {off.max():.1e}")
            if not eager_reference.counts_sinks(model_type):
                weights = weights * ours.sum(-1, keepdims=True)
            largest = max(largest, float(np.abs(ours - weights).max()))
    return largest


def _is_flat(weights: np.ndarray) -> bool:
    """Whether no row prefers any of the keys that it sees."""
    several = (weights > 0).sum(-1) > 1
    even = weights.sum(-1) / np.maximum((weights > 0).sum(-1), 1)
    return bool(several.any() and not (weights.max(-1) > 1.05 * even)[several].any())


def main(arguments: list[str]) -> int:
    sweeps = {
        "--pictures": (examine_with_pictures, architectures.picture_types),
        "--tasks": (examine_task, task_models.classes),
    }
    examined, every = sweeps.get("".join(arguments[:1]), (examine, architectures.model_types))
    rows = []
    for model_type in [name for name in arguments if name not in sweeps] or every():
        rows.append(examined(model_type))
        print(rows[-1], flush=True)
    counts = Counter((row.outcome, row.path) for row in rows)
    print(f"\n{len(rows)} types, transformers {transformers.__version__}")
    for (outcome, path), count in sorted(counts.items()):
        print(f"{count:4} {outcome}{f', {path}' if path else ''}")
    return int(any(row.outcome == "FAILED" for row in rows))


if __name__ == "__main__":
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:]))

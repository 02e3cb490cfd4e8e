"""What attention a model computes, by the model itself: its own eager attention with `output_attentions=True`.

Where that is not a matrix of shares between tokens, `_WORKED_OUT` says how the matrix follows from it, or from the
queries and keys that a layer projects; nothing of attnviz is used.
"""

import inspect
from collections.abc import Callable
from typing import Any

import architectures
import numpy as np
import torch
from transformers import PretrainedConfig, PreTrainedModel

Weights = dict[str, dict[int, np.ndarray]]
"""kind → layer → weights `[head, query, key]`."""

Build = Callable[..., PreTrainedModel]

DIVIDED = (5, 6)
"""Where the marks stand that divide a text for a task into its two parts."""

_FIELDS = {
    "encoder_attentions": "self",
    "decoder_attentions": "masked-self",
    "cross_attentions": "cross",
    "attentions": None,
}
_NOT_ATTENTION = {"linear_attention", "conv", "moe", "mlp"}


Inputs = Callable[[PreTrainedModel], dict[str, torch.Tensor]]


def weights(
    model_type: str, build: Build = architectures.build, inputs_of: Inputs = architectures.inputs_of
) -> Weights:
    """The weights of a tiny model of that type, built and run apart from the one that attnviz sees."""
    model = GIVES_ATTENTIONS.get(model_type, lambda whole: whole)(build(model_type, "eager"))
    inputs = accepted_inputs(model, inputs_of(model)) | _MORE_INPUTS.get(model_type, {})
    if type(model).__name__.endswith("MultipleChoice"):
        inputs = {name: value if isinstance(value, bool) else value[:, None] for name, value in inputs.items()}
    if model_type == "blt":
        return _of_bytes(model.base_model, inputs)
    seen, of_base = _projections(model), []
    model.base_model.register_forward_hook(lambda _module, _args, output: of_base.append(output))
    with torch.no_grad():
        model(**inputs)  # BigBird changes its mind on how it attends in the first pass
        seen.clear()
        outputs = model(**inputs, output_attentions=True, return_dict=True)
    if model_type == "t5gemma":  # whose classifiers leave out what the encoder gave
        outputs = of_base[-1]
    found: Weights = {}
    for name, kind in _FIELDS.items():
        if not (given := [layer for layer in outputs.get(name) or () if layer is not None]):
            continue
        work_out = _WORKED_OUT.get((model_type, name), lambda layer, _model, _seen, _number: layer[0])
        layers = [work_out(layer, model, seen, number) for number, layer in enumerate(given)]
        kind = kind or ("self" if any(layer.triu(1).any() for layer in layers if layer is not None) else "masked-self")
        numbered = zip(_numbers(model.config, name, len(layers)), layers, strict=True)
        found[kind] = {number: layer.float().cpu().numpy() for number, layer in numbered if _of_tokens(layer, inputs)}
    return found


_MORE_INPUTS: dict[str, dict[str, torch.Tensor]] = {
    # What its own tokenizer says of a prompt: all of it is a prefix, which is read both ways. Without, sdpa reads it
    # both ways too, but eager attention does not.
    "paligemma": {"token_type_ids": torch.zeros_like(architectures.TEXT)},
}

GIVES_ATTENTIONS: dict[str, Callable[[PreTrainedModel], PreTrainedModel]] = {
    "diffusion_gemma": lambda whole: whole.model.encoder,  # beside it is a canvas of random tokens
    "llama4": lambda whole: whole.get_decoder(),  # the whole fails, in transformers 5.24
    "shieldgemma2": lambda whole: whole.model,
}
"""A type of pictures and text: the part of it that gives its attentions, where the whole does not."""

NO_SOFTMAX = {  # type: a word for what it does instead
    "falcon_mamba": "state-space",
    "fnet": "Fourier",
    "mamba": "state-space",
    "mamba2": "state-space",
    "mra": "approximation",
    "perceiver": "latent",
    "reformer": "random hash",
    "rwkv": "recurrence",
    "xlstm": "matrix memory",
    "yoso": "sampling",
}


def _of_bytes(model: PreTrainedModel, inputs: dict[str, Any]) -> Weights:
    """BLT: `output_attentions` begins with a model that divides bytes into patches, and lacks the first layers."""
    found: dict[int, np.ndarray] = {}

    def keep(number: int) -> Callable[..., None]:
        return lambda _module, _args, output: found.update({number: output[1][0].cpu().numpy()})

    depths = [len(part.layers) for part in (model.local_encoder, model.global_transformer)]
    for part, first in ((model.local_encoder, 0), (model.local_decoder, sum(depths))):
        for number, layer in enumerate(part.layers, first):
            layer.self_attn.register_forward_hook(keep(number))
    with torch.no_grad():
        model(**inputs)
    return {"masked-self": found}


def counts_sinks(model_type: str) -> bool:
    """Whether eager weights are without a sink's share; in Granite SWA the sink takes its share only of the output."""
    return model_type not in {"granite_swa", "granitemoe_swa"}


def _numbers(config: PretrainedConfig, name: str, count: int) -> list[int]:
    """The true numbers of the layers that were given, as the configuration has them."""
    text = config.get_text_config()
    sorts = getattr(text, "layer_types", None) or getattr(text, "layers_block_type", None)
    if not sorts or name != "attentions" or count >= len(sorts):  # more, where some layers run again
        return list(range(count))
    return [number for number, sort in enumerate(sorts) if sort not in _NOT_ATTENTION]


def accepted_inputs(model: PreTrainedModel, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor | bool]:
    """The `inputs` that the model takes, without a cache, which can be longer than the text."""
    takes = inspect.signature(model.forward).parameters
    given: dict[str, torch.Tensor | bool] = {name: value for name, value in inputs.items() if name in takes}
    return given | ({"use_cache": False} if "use_cache" in takes else {})


def _of_tokens(layer: torch.Tensor | None, inputs: dict[str, Any]) -> bool:
    """Whether a layer's rows and columns are tokens, not pooled positions."""
    sizes = {tokens.shape[-1] for name, tokens in inputs.items() if name.endswith("input_ids")}
    return layer is not None and set(layer.shape[1:]) <= sizes


def _projections(model: PreTrainedModel) -> dict[str, list[torch.Tensor]]:
    """What every linear layer whose name ends as that of a query or key does gives, by its path, as the model runs."""
    seen: dict[str, list[torch.Tensor]] = {}
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and path.split(".")[-1] in {
            "query",
            "key",
            "query_global",
            "key_global",
            "q_proj",
            "k_proj",
            "q",
            "k",
        }:
            module.register_forward_hook(lambda _m, _a, out, path=path: seen.setdefault(path, []).append(out.clone()))
    return seen


def _heads(projected: torch.Tensor, n_heads: int) -> torch.Tensor:
    """`[head, token, d]` of one text's `[token, head · d]`."""
    return projected.unflatten(-1, (n_heads, -1)).transpose(0, 1)


def _band(_layer: Any, model: PreTrainedModel, seen: dict[str, list[torch.Tensor]], number: int) -> torch.Tensor:
    """Longformer, LED: all scores, reduced to a window and to the tokens that are global for a task."""
    select_heads = {path.split(".")[-1]: out[-1] for path, out in seen.items() if f".{number}." in path}
    if model.config.is_encoder_decoder:  # of the encoder, which has the tokens first
        self_attention = f"{number}.self_attn.longformer_self_attn"
        select_heads = {path.split(".")[-1]: out[-1] for path, out in seen.items() if self_attention in path}
    n, n_heads, window = architectures.TEXT.shape[1], model.config.num_attention_heads, model.config.attention_window[0]
    Q, K = (_heads(select_heads[name][:n, 0], n_heads) for name in ("query", "key"))
    S = Q @ K.transpose(-1, -2) / Q.shape[-1] ** 0.5
    index, is_global = torch.arange(n), _is_global(model)
    A = S.masked_fill(((index[:, None] - index).abs() > window // 2) & ~is_global, -torch.inf).softmax(-1)
    if is_global.any():
        Q, K = (_heads(select_heads[name][:n, 0], n_heads) for name in ("query_global", "key_global"))
        A[:, is_global] = (Q[:, : is_global.sum()] @ K.transpose(-1, -2) / Q.shape[-1] ** 0.5).softmax(-1)
    return A


def _is_global(model: PreTrainedModel) -> torch.Tensor:
    """The tokens with global attention: `<s>`, the question, or the choice. Source: Beltagy et al. 2020."""
    index, name = torch.arange(architectures.TEXT.shape[1]), type(model).__name__
    if name == "LongformerForSequenceClassification":
        return index == 0
    if name == "LongformerForQuestionAnswering":
        return index < DIVIDED[0]
    return index > DIVIDED[-1] if name == "LongformerForMultipleChoice" else index < 0


def _blocks(layer: Any, model: PreTrainedModel, seen: dict[str, list[torch.Tensor]], number: int) -> torch.Tensor:
    """PEGASUS-X: all scores, reduced to a block, and the scores of the global tokens."""
    select_heads = f"encoder.layers.{number}.self_attn."
    projected = {path.split(".")[-1]: out[-2:] for path, out in seen.items() if select_heads in path}
    (Q, _), (K, K_global) = (projected[name] for name in ("q_proj", "k_proj"))
    n, n_heads, wide = architectures.TEXT.shape[1], model.config.encoder_attention_heads, model.config.block_size
    shift = wide // 2 if number % 2 else 0
    inside = slice(shift, shift + n)
    Q, K, K_global = (_heads(x, n_heads) for x in (Q[0, inside], K[0, inside], K_global[0]))
    S = Q @ torch.cat([K, K_global], 1).transpose(-1, -2) / Q.shape[-1] ** 0.5
    block = (torch.arange(n) + shift) // wide
    S[..., :n] = S[..., :n].masked_fill(block[:, None] != block, -torch.inf)
    return S.softmax(-1)[..., :n]


def _blocks_of_three(
    _layer: Any, model: PreTrainedModel, seen: dict[str, list[torch.Tensor]], number: int
) -> torch.Tensor:
    """LongT5: all scores and their biases, reduced to three blocks and inside them to a radius."""
    n, config = architectures.TEXT.shape[1], model.config
    sort = "LocalSelfAttention" if config.encoder_attention_type == "local" else "TransientGlobalSelfAttention"
    path = f"encoder.block.{number}.layer.0.{sort}"
    Q, K = (_heads(seen[f"{path}.{name}"][0][0, :n], config.num_heads) for name in ("q", "k"))
    first = model.get_submodule(f"encoder.block.0.layer.0.{sort}")
    index = torch.arange(n)
    apart = index - index[:, None]
    buckets = first._relative_position_bucket(
        apart, num_buckets=config.relative_attention_num_buckets, max_distance=config.relative_attention_max_distance
    )
    S = Q @ K.transpose(-1, -2) + first.relative_attention_bias(buckets).permute(2, 0, 1)
    return S.masked_fill(apart.abs() > config.local_radius, -torch.inf).softmax(-1).detach()


def _random_blocks(
    _layer: Any, model: PreTrainedModel, seen: dict[str, list[torch.Tensor]], number: int
) -> torch.Tensor:
    """BigBird: the first block, the last, and three around; and as many random ones, which all are the first block."""
    n, n_heads, config = architectures.TEXT.shape[1], model.config.num_attention_heads, model.config
    select_heads = [out[-1][0] for path, out in seen.items() if f".{number}." in path and "decoder" not in path]
    Q, K = (_heads(out[:n], n_heads) for out in select_heads[:2])
    S = Q @ K.transpose(-1, -2) / Q.shape[-1] ** 0.5
    block = torch.arange(n) // config.block_size
    row, column, last = block[:, None], block, block.max()
    sees_all = (row == 0) | (row == last)
    S = S.masked_fill(~sees_all & (column != 0) & (column != last) & ((row - column).abs() > 1), -torch.inf)
    often = torch.where(~sees_all & (column == 0), 1 + config.num_random_blocks, 1)
    return (S + often.log()).softmax(-1)


def _softmax(layer: torch.Tensor, *_: Any) -> torch.Tensor:
    """The output is scores."""
    return layer[0].softmax(-1)


def _main_stream(layer: torch.Tensor, *_: Any) -> torch.Tensor:
    """ProphetNet: scores, of the text's own stream and after it of those that predict."""
    return layer[0, :, : architectures.TARGET.shape[1]].softmax(-1)


def _first_keys(layer: torch.Tensor, *_: Any) -> torch.Tensor:
    """DeepSeek V4: summaries stand after the text."""
    return layer[0, ..., : architectures.TEXT.shape[1]]


def _not_linear(layer: torch.Tensor, model: PreTrainedModel, _seen: Any, number: int) -> torch.Tensor | None:
    """MiniMax: linear layers give their state."""
    return None if model.config.layer_types[number] == "linear_attention" else layer[0]


_WORKED_OUT: dict[tuple[str, str], Callable[..., torch.Tensor | None]] = {
    ("longformer", "attentions"): _band,
    ("led", "encoder_attentions"): _band,
    ("longt5", "encoder_attentions"): _blocks_of_three,
    ("longt5", "attentions"): _blocks_of_three,
    ("pegasus_x", "encoder_attentions"): _blocks,
    ("squeezebert", "attentions"): _softmax,
    ("prophetnet", "encoder_attentions"): _softmax,
    ("prophetnet", "cross_attentions"): _main_stream,
    ("big_bird", "attentions"): _random_blocks,
    ("bigbird_pegasus", "encoder_attentions"): _random_blocks,
    ("deepseek_v4", "attentions"): _first_keys,
    ("minimax", "attentions"): _not_linear,
}

"""Modules of torch that transformers does not know: their attention by call, held against the equation by hand."""

import threading

import numpy as np
import pytest
import tiny_models
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from transformers import (
    GptOssConfig,
    GptOssModel,
    LongformerConfig,
    LongformerModel,
    PretrainedConfig,
    PreTrainedModel,
)

import attnviz
from attnviz.errors import InputError, ModelError, SelectionError

TEXT = "I ate an apple."
SOURCE, TARGET = ["I", "ate", "an", "apple"], ["나는", "사과를", "먹었다"]
D, HEADS = 16, 4


def causal(n):
    return torch.ones(n, n, dtype=torch.bool).tril()


def by_hand(query, key, mask=None, heads=HEADS):
    """`[head, query, key]` of `[1, query, d]` and `[1, key, d]`, by the equation."""
    Q, K = (x.view(1, x.shape[1], heads, -1).transpose(1, 2).double() for x in (query, key))
    S = Q @ K.transpose(-1, -2) / Q.shape[-1] ** 0.5
    S = S if mask is None else S.masked_fill(~mask, -torch.inf)
    return S.softmax(-1)[0].float()


class Attention(nn.Module):
    """Causal self-attention, computed in one of several ways; `expected` is what its last call should give."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.qkv, self.out, self.drop = nn.Linear(D, 3 * D), nn.Linear(D, D), nn.Dropout(0.5)

    def forward(self, x):
        n = x.shape[1]
        query, key, value = self.qkv(x).chunk(3, -1)
        self.expected = [by_hand(query, key, causal(n)).detach()]
        Q, K, V = (each.view(1, n, HEADS, -1).transpose(1, 2) for each in (query, key, value))
        if self.how == "sdpa":
            Z = functional.scaled_dot_product_attention(Q, K, V, is_causal=True, dropout_p=0.5 * self.training)
        elif self.how == "flex":
            mask = create_block_mask(lambda b, h, q, k: q >= k, None, None, n, n, device="cpu")
            Z = compiled_flex(Q, K, V, block_mask=mask)
        else:
            A = functional.softmax((Q @ K.transpose(-2, -1) / 2).masked_fill(~causal(n), -torch.inf), dim=-1)
            Z = self.drop(A) @ V
        return x + self.out(Z.transpose(1, 2).flatten(2))


compiled_flex = torch.compile(flex_attention)


class Gpt(nn.Module):
    """A decoder with a router and an output head, whose softmaxes are no attention, though they may be as large."""

    def __init__(self, how="sdpa", layers=2):
        super().__init__()
        self.config = {"n_layer": layers}  # as nanoGPT has one, of no kind that transformers knows
        self.embed = nn.Embedding(400, D)
        self.blocks = nn.ModuleList([Attention(how) for _ in range(layers)])
        self.router, self.head = nn.Linear(D, 7), nn.Linear(D, 7)

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x)
            x = x * functional.softmax(self.router(x), -1).topk(1, -1).values
        return functional.softmax(self.head(x), -1)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(D, D // HEADS, bias=False) for _ in range(3))

    def forward(self, x):
        query, key = self.query(x), self.key(x)
        self.expected = [by_hand(query, key, causal(x.shape[1]), 1).detach()]
        weights = query @ key.transpose(-2, -1) * (D // HEADS) ** -0.5
        return weights.masked_fill(~causal(x.shape[1]), -torch.inf).softmax(-1) @ self.value(x)


class HeadByHead(nn.Module):
    """Heads are modules of their own, as tutorials write it."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(400, D)
        self.blocks = nn.Sequential(*[nn.ModuleDict({"heads": nn.ModuleList([Head() for _ in range(HEADS)])})] * 1)
        self.blocks.append(nn.ModuleDict({"heads": nn.ModuleList([Head() for _ in range(HEADS)])}))

    def forward(self, ids):
        x = self.embed(ids)
        for block in self.blocks:
            x = x + torch.cat([head(x) for head in block["heads"]], -1)
        return x


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_models.tokenizer()


def seeded(make):
    torch.manual_seed(3)
    model = make()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.5)
    return model


def trace(model, **options):
    return attnviz.trace(TEXT, model, tokenizer=tiny_models.tokenizer(), **options)


def equal(found, expected):
    assert found.layers == tuple(range(len(expected)))
    for layer, weights in enumerate(expected):
        np.testing.assert_allclose(found.weights(layer), weights, atol=1e-5)


@pytest.mark.parametrize("how", ["sdpa", "by hand", "flex"])
def test_a_module_is_called_on_the_ids_of_a_text(how):
    model = seeded(lambda: Gpt(how)).train()
    found = trace(model)
    ids = torch.tensor([[token.id for token in found["masked-self"].queries]])
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        model(ids)  # in training mode, which changes no weight before dropout in the first layer
    assert (found.kinds, found.model, found.text) == (("masked-self",), "Gpt", TEXT)
    np.testing.assert_allclose(found["masked-self"].weights(0), model.blocks[0].expected[0], atol=1e-5)
    model.eval()
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        model(ids)
    equal(found["masked-self"], [block.expected[0] for block in model.blocks])
    assert found.provenance["capture"] == "torch functions, by a mode"


def test_heads_that_are_modules_are_heads_of_one_layer():
    model = seeded(HeadByHead)
    found = trace(model)["masked-self"]
    model(torch.tensor([[token.id for token in found.queries]]))
    equal(found, [torch.cat([head.expected[0] for head in block["heads"]]) for block in model.blocks])
    assert found.heads(0) == (0, 1, 2, 3)


class Loop(nn.Module):
    """One layer whose heads are computed one by one, and then another, in the same forward."""

    def __init__(self, fused):
        super().__init__()
        self.fused = fused
        self.layers = nn.ModuleList(nn.Linear(D, 3 * D) for _ in range(2))

    def forward(self, x, matrices=None):
        for layer in self.layers:
            heads = []
            for q, k, v in zip(*(part.chunk(HEADS, -1) for part in layer(x).chunk(3, -1)), strict=True):
                weights = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1)
                heads.append(functional.scaled_dot_product_attention(q, k, v) if self.fused else weights @ v)
                if matrices is not None:
                    matrices.append(weights)
            x = x + torch.cat(heads, -1)
        return x


@pytest.mark.parametrize("fused", [True, False])
def test_heads_in_a_loop_are_one_layer_and_a_call_that_reads_them_is_the_next_layer(fused):
    torch.manual_seed(0)
    model, x, matrices = Loop(fused), torch.randn(1, 4, D), []
    with torch.no_grad():
        model(x, matrices)
    a = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: model(x))["self"]
    assert (a.layers, a.heads(1)) == ((0, 1), tuple(range(HEADS)))
    for layer in a.layers:
        expected = torch.cat(matrices[layer * HEADS : (layer + 1) * HEADS])
        np.testing.assert_allclose(a.weights(layer), expected, atol=1e-6)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("norm_first", [True, False])
def test_the_encoder_of_torch_is_seen_beside_its_fast_path(batch_first, norm_first):
    layer = nn.TransformerEncoderLayer(D, HEADS, 32, 0.5, batch_first=batch_first, norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = torch.randn(1, 4, D)
    given = x if batch_first else x.transpose(0, 1)
    found = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: model(given))
    expected = []
    with torch.no_grad():
        for block in model.layers:
            y = block.norm1(given) if norm_first else given
            expected.append(block.self_attn(y, y, y, need_weights=True, average_attn_weights=False)[1][0])
            given = block(given)
    equal(found["self"], expected)
    assert found.kinds == ("self",)


def test_padding_that_makes_nested_tensors_hides_its_keys():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(D, HEADS, 32, batch_first=True), 2).eval()
    x, padding = torch.randn(1, 4, D), torch.tensor([[False, False, False, True]])
    found = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: model(x, src_key_padding_mask=padding))[
        "self"
    ]
    short = attnviz.trace(model=model, tokens=SOURCE[:3], forward=lambda model: model(x[:, :3]))["self"]
    for number in found.layers:
        np.testing.assert_allclose(found.weights(number)[:, :3, :3], short.weights(number), atol=1e-5)
        assert not found.weights(number)[..., 3].any()


@pytest.mark.parametrize("target", [TARGET, [*TARGET, "."]])
def test_all_three_kinds_of_an_encoder_decoder_of_torch(target):
    model = nn.Transformer(D, HEADS, 2, 3, 32, batch_first=True).eval()
    x, y = torch.randn(1, 4, D), torch.randn(1, len(target), D)
    mask = model.generate_square_subsequent_mask(len(target))
    found = attnviz.trace(
        model=model, tokens=SOURCE, target_tokens=target, forward=lambda model: model(x, y, tgt_mask=mask)
    )
    asked = {"need_weights": True, "average_attn_weights": False}
    expected = {kind: [] for kind in ("self", "masked-self", "cross")}
    with torch.no_grad():
        memory = x
        for layer in model.encoder.layers:
            expected["self"].append(layer.self_attn(memory, memory, memory, **asked)[1][0])
            memory = layer(memory)
        memory = model.encoder.norm(memory)
        for layer in model.decoder.layers:
            own = layer.self_attn(y, y, y, attn_mask=mask, **asked)
            expected["masked-self"].append(own[1][0])
            expected["cross"].append(layer.multihead_attn(layer.norm1(y + own[0]), memory, memory, **asked)[1][0])
            y = layer(y, memory, tgt_mask=mask)
    assert found.kinds == tuple(expected)
    for kind, layers in expected.items():
        equal(found[kind], layers)
    assert [token.text for token in found["cross"].queries] == target
    assert [token.text for token in found["cross"].keys] == SOURCE
    assert (found.text, found.target, found.notes) == (" ".join(SOURCE), " ".join(target), ())


def test_a_target_without_mask_is_left_out_with_a_note():
    model = nn.Transformer(D, HEADS, 1, 1, 32, batch_first=True).eval()
    x, y = torch.randn(1, 4, D), torch.randn(1, 3, D)
    found = attnviz.trace(model=model, tokens=SOURCE, target_tokens=TARGET, forward=lambda model: model(x, y))
    assert found.kinds == ("self", "cross")
    assert found.notes == (
        "left out decoder.layers.0.self_attn: self-attention of the target without a mask that hides later tokens",
    )


class Pair(nn.Module):
    """An encoder-decoder whose modules' names tell nothing."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = (nn.Linear(D, 3 * D) for _ in range(3))

    def attend(self, linear, x, y, **how):
        Q, K, V = linear(x).chunk(3, -1)[0], *linear(y).chunk(3, -1)[1:]
        Q, K, V = (each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in (Q, K, V))
        return functional.scaled_dot_product_attention(Q, K, V, **how).transpose(1, 2).flatten(2)

    def forward(self, x, y):
        memory = self.attend(self.one, x, x)
        return self.attend(self.three, self.attend(self.two, y, y, is_causal=True), memory)


@pytest.mark.parametrize("length", [3, 4])
def test_kinds_of_equal_lengths_follow_from_the_order_with_a_note(length):
    model, x, y = seeded(Pair), torch.randn(1, 4, D), torch.randn(1, length, D)
    found = attnviz.trace(
        model=model, tokens=SOURCE, target_tokens=list("abcd")[:length], forward=lambda model: model(x, y)
    )
    assert found.kinds == ("self", "masked-self", "cross")
    assert bool(found.notes) == (length == 4)
    Q, K, _ = model.one(x).chunk(3, -1)
    np.testing.assert_allclose(found["self"].weights(0), by_hand(Q, K).detach(), atol=1e-5)


def test_a_selection_words_and_cells_are_as_in_any_trace():
    model, x = seeded(lambda: Gpt("sdpa", 3)), torch.randint(0, 400, (1, 4))
    given = {"model": model, "tokens": SOURCE, "forward": lambda model: model(x)}
    whole = attnviz.trace(**given)["masked-self"]
    some = attnviz.trace(**given, layers=-1, heads=[1, 3], rows=[2, 3])["masked-self"]
    assert (some.layers, some.heads(2)) == ((2,), (1, 3))
    np.testing.assert_array_equal(some.weights(2), whole.weights(2)[[1, 3], 2:])
    pooled = attnviz.trace(**given, cells=2)["masked-self"]
    assert pooled.weights(0).shape == (HEADS, 2, 2)
    pieces, merged = (
        attnviz.trace("unquestionably", model, tokenizer=tiny_models.tokenizer(), words=words)["masked-self"]
        for words in (False, True)
    )
    assert len(merged.queries) < len(pieces.queries)
    np.testing.assert_allclose(merged.weights(1).sum(-1), 1, atol=1e-5)
    for options, message in (({"layers": 3}, "no layer 3"), ({"kinds": "cross"}, "no cross-attention")):
        with pytest.raises(SelectionError, match=message):
            attnviz.trace(**given, **options)


def test_keys_that_several_heads_share_are_their_group_and_a_learned_key_is_a_sink():
    module = nn.MultiheadAttention(D, HEADS, batch_first=True, add_bias_kv=True).eval()
    x = torch.randn(1, 4, D)
    a = attnviz.trace(model=module, tokens=SOURCE, forward=lambda model: model(x, x, x))["self"]
    np.testing.assert_allclose(a.weights(0).sum(-1) + a.sink_mass[0], 1, atol=1e-5)

    class Grouped(nn.Module):
        def forward(self, q, k):
            return functional.scaled_dot_product_attention(q, k, k, enable_gqa=True)

    q, k = torch.randn(1, 4, 4, 8), torch.randn(1, 2, 4, 8)
    a = attnviz.trace(model=Grouped(), tokens=SOURCE, forward=lambda model: model(q, k), heads=[1, 2])["self"]
    assert a.groups[0] == (0, 1)


@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, lambda model: model])
def test_nothing_is_set_on_a_module_and_its_wrappers_are_looked_into(wrap):
    model = seeded(Gpt).train()
    expected, calls = trace(model), []
    hook = model.blocks[1].register_forward_hook(lambda *_: calls.append(1))
    given = wrap(model)
    state = [set(vars(module)) for module in model.modules()]
    found = trace(given)
    equal(found["masked-self"], [expected["masked-self"].weights(layer) for layer in (0, 1)])
    assert calls == [1]
    assert model.training
    assert [set(vars(module)) for module in model.modules()] == state
    assert list(model.blocks[1]._forward_hooks) == [hook.id]
    assert not model._forward_pre_hooks


def test_code_that_is_compiled_runs_as_it_was_written():
    @torch.compile
    def attend(q):
        return functional.scaled_dot_product_attention(q, q, q)

    class Compiled(nn.Module):
        def forward(self, q):
            return attend(q)

    q = torch.randn(1, 2, 4, 8)
    a = attnviz.trace(model=Compiled(), tokens=SOURCE, forward=lambda model: model(q))["self"]
    np.testing.assert_allclose(a.weights(0), by_hand(*[q.transpose(1, 2).flatten(2)] * 2, heads=2), atol=1e-5)


@pytest.mark.parametrize("how", ["sdpa", "by hand"])
def test_half_precision_and_autocast(how):
    model, x = seeded(lambda: Gpt(how)), torch.randint(0, 400, (1, 4))
    expected = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: model(x))["masked-self"]

    def automatic(model):
        with torch.autocast("cpu", torch.bfloat16):
            model(x)

    cast = attnviz.trace(model=model, tokens=SOURCE, forward=automatic)["masked-self"]
    half = attnviz.trace(model=model.bfloat16(), tokens=SOURCE, forward=lambda model: model(x))
    assert half.provenance["dtype"] == "bfloat16"
    for found in (cast, half["masked-self"]):
        np.testing.assert_allclose(found.weights(0), expected.weights(0), atol=0.15)


def test_threads_do_not_see_each_others_calls():
    models = [seeded(lambda layers=layers: Gpt("sdpa", layers)) for layers in (1, 2, 3)]
    found = {}
    threads = [
        threading.Thread(target=lambda model=model: found.update({model: trace(model)["masked-self"].layers}))
        for model in models
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(found[model]) for model in models] == [1, 2, 3]


class Own(PreTrainedModel):
    """A model of transformers by its class, with attention of its author's own."""

    config_class = PretrainedConfig

    def __init__(self, config):
        super().__init__(config)
        self.inside = Gpt("sdpa")
        self.post_init()

    def forward(self, input_ids):
        return self.inside(input_ids)


def test_a_transformers_model_with_custom_attention_is_traced():
    model = seeded(lambda: Own(PretrainedConfig()))
    equal(trace(model)["masked-self"], [trace(model.inside)["masked-self"].weights(layer) for layer in (0, 1)])


def test_a_layer_of_its_authors_own_among_those_of_transformers_is_not_lost():
    class Own(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.linear = nn.Linear(layer.attention.self.query.in_features, 3 * D)

        def forward(self, hidden_states, *_, **__):
            Q, K, V = (
                each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in self.linear(hidden_states).chunk(3, -1)
            )
            self.expected = by_hand(*(each.transpose(1, 2).flatten(2) for each in (Q, K)))
            functional.scaled_dot_product_attention(Q, K, V)
            return hidden_states

    model = tiny_models.build("bert")
    expected = trace(model)["self"]
    last = len(model.encoder.layer) - 1
    model.encoder.layer[last] = own = Own(model.encoder.layer[last])
    found = trace(model)["self"]
    assert found.layers == expected.layers
    np.testing.assert_allclose(found.weights(0), expected.weights(0), atol=1e-5)
    model(torch.tensor([[token.id for token in found.queries]]))
    np.testing.assert_allclose(found.weights(last), own.expected.detach(), atol=1e-5)


def test_a_model_of_transformers_is_run_as_its_user_says_too():
    model = tiny_models.build("bert")
    text = trace(model)["self"]
    ids = torch.tensor([[token.id for token in text.queries]])
    names = [token.text for token in text.queries]
    for given in (model, attnviz.load(model, tokenizer=tiny_models.tokenizer())):
        found = attnviz.trace(model=given, tokens=names, forward=lambda model: model(input_ids=ids))["self"]
        equal(found, [text.weights(layer) for layer in text.layers])


def test_a_trace_of_labels_is_saved_and_drawn(tmp_path):
    x = torch.randint(0, 400, (1, 4))
    found = attnviz.trace(model=seeded(Gpt), tokens=SOURCE, forward=lambda model: model(x))
    opened = attnviz.open(found.save(tmp_path / "own.safetensors"))
    equal(opened["masked-self"], [found["masked-self"].weights(layer) for layer in (0, 1)])


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("encoder_attn", "self"),
        ("encoder.encoder_attn", "self"),
        ("multihead_attn", "self"),
        ("cross_attn", "cross"),
        ("decoder.encoder_attn", "cross"),
        ("decoder.crossattention", "cross"),
    ],
)
def test_cross_attention_of_equal_lengths_is_recognised_by_its_name(names, kind):
    class Attend(nn.Module):
        def forward(self, x, y):
            return functional.scaled_dot_product_attention(x, y, y)

    model = Attend()
    for name in reversed(names.split(".")):
        model = nn.ModuleDict({name: model})
    found = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: model.get_submodule(names)(X, X + 1))
    assert found.kinds == (kind,)


def test_a_part_of_a_module_can_run_alone_and_the_module_can_run_twice():
    model, x = seeded(Gpt), torch.randn(1, 4, D)
    part = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: model.blocks[1](x))["masked-self"]
    assert part.layers == (1,)
    twice = attnviz.trace(model=model, tokens=SOURCE, forward=lambda model: (model(IDS), model(IDS)))
    assert twice["masked-self"].layers == (0, 1, 2, 3)
    assert "more than once" in twice.notes[0]


def test_attention_of_other_sizes_is_left_out_with_a_note():
    class Pooled(nn.Module):
        def forward(self, x):
            x = functional.scaled_dot_product_attention(x, x, x)
            return functional.scaled_dot_product_attention(x[:, :2], x, x)

    x = torch.randn(1, 4, D)
    found = attnviz.trace(model=Pooled(), tokens=SOURCE, forward=lambda model: model(x))
    assert found["self"].layers == (0,)
    assert found.notes == ("left out: attention of 2 × 4 queries and keys, which is not between all tokens",)


@torch.jit.script
def compiled_by_jit(Q, K, V):
    return torch.matmul(torch.softmax(torch.matmul(Q, K.transpose(-1, -2)), -1), V)


def summed_by_hand(Q, K, V):
    return ((Q @ K.mT).softmax(-1)[..., None] * V[:, :, None]).sum(-2)


def in_windows(Q, K, V):
    """Each token looks at itself and at its neighbours."""
    K, V = (functional.pad(each, (0, 0, 1, 1)).unfold(-2, 3, 1).mT for each in (K, V))
    return ((Q[..., None, :] * K).sum(-1).softmax(-1)[..., None] * V).sum(-2)


class Stack(nn.Module):
    """Layers of one class, of which each computes its attention in a way of its own."""

    def __init__(self, *ways):
        super().__init__()
        self.blocks = nn.ModuleList(Block(way) for way in ways)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Block(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.linear, self.way = nn.Linear(D, 3 * D), way

    def forward(self, x):
        Q, K, V = self.linear(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        return x + self.way(Q, K, V).transpose(1, 2).flatten(2)


def exponentials(Q, K, V):
    weights = (Q @ K.mT).exp()
    return (weights / weights.sum(-1, keepdim=True)) @ V


def mapped(Q, K, V):
    return torch.vmap(functional.scaled_dot_product_attention)(Q, K, V)


def trace_stack(*ways):
    return attnviz.trace(model=Stack(*ways), tokens=SOURCE, forward=lambda model: model(X))


FUSED = functional.scaled_dot_product_attention
PRODUCT = "a product with 4 × 4 weights whose rows sum to 1, without a softmax that can be seen"


@pytest.mark.parametrize("way", [compiled_by_jit, exponentials, mapped])
def test_weights_of_no_softmax_that_is_seen_are_noted_with_their_place(way):
    found = trace_stack(FUSED, way, FUSED)
    assert found["self"].layers == (0, 2)
    assert found.notes == (f"left out in blocks.1: {PRODUCT}",)
    with pytest.raises(ModelError, match=f"no attention in Stack .*; in blocks.0, blocks.1: {PRODUCT}"):
        trace_stack(way, way)


def test_a_kernel_of_attention_that_is_called_by_its_own_name_is_noted():
    found = trace_stack(FUSED, torch.ops.aten.scaled_dot_product_attention)
    (note,) = found.notes
    assert note.startswith("left out in blocks.1: the kernel aten._scaled_dot_product")


@pytest.mark.parametrize(("way", "size"), [(summed_by_hand, "4 × 4"), (in_windows, "4 × 3")])
def test_a_layer_without_seen_attention_beside_others_of_its_class_is_noted(way, size):
    found = trace_stack(FUSED, way, FUSED)
    assert found["self"].layers == (0, 2)
    lost, silent = found.notes
    assert lost == (f"left out: softmaxes that were not seen to be multiplied with values, 1 of {size}")
    assert silent.startswith("no attention was seen in blocks.1, but it was in other modules of the same class")


def test_the_softmax_of_a_router_is_not_noted_as_missed_attention():
    def routed(Q, K, V):
        best = K.mean(1)[..., :3].softmax(-1).argmax(-1)
        return FUSED(Q, K, V) + best[:, None, :, None]

    assert trace_stack(routed).notes == ()


@pytest.mark.parametrize("compiled", [torch.jit.script, lambda module: torch.jit.trace(module, X)])
def test_a_module_that_torch_jit_compiled_is_noted_and_stays_as_it_is(compiled):
    class Scored(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(D, D)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.softmax(self.linear(x) @ x.transpose(-1, -2), -1) @ x

    inner = compiled(Scored())
    found = attnviz.trace(model=nn.Sequential(Block(FUSED), inner), tokens=SOURCE, forward=lambda model: model(X))
    assert found["self"].layers == (0,)
    assert found.notes == (f"left out in Sequential: {PRODUCT}",)
    assert not getattr(inner, "_forward_pre_hooks", None)


@pytest.mark.parametrize(
    ("labels", "sizes"), [(TARGET[:2], "3 × 3, 3 × 4"), (["a", "b", "c", "d", "e"], "3 × 3, 3 × 4")]
)
def test_a_target_of_another_length_is_refused_with_the_sizes_that_there_are(labels, sizes):
    model = seeded(lambda: nn.Transformer(D, HEADS, 1, 1, 32, batch_first=True)).eval()
    x, y = torch.randn(1, 4, D), torch.randn(1, 3, D)
    with pytest.raises(InputError, match=f"alone: it has attention of {sizes} queries and keys too\nName exactly"):
        attnviz.trace(model=model, tokens=SOURCE, target_tokens=labels, forward=lambda model: model(x, y))


def test_attention_in_parts_is_refused_with_a_hint_to_trace_the_transformers_model_inside():
    sizes = {"vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    inner = LongformerModel(LongformerConfig(**sizes, intermediate_size=32, attention_window=4))
    with pytest.raises(ModelError) as refused:
        attnviz.trace(model=nn.Sequential(inner), tokens=SOURCE, forward=lambda model: model(IDS))
    assert refused.value.hint == ("Trace only its LongformerModel: attnviz.trace(text, model[0], tokenizer=tokenizer).")
    assert trace(inner)["self"].layers == (0, 1)


@pytest.mark.parametrize("name", ["layers", "single_head_layers", "multihead_blocks", "heads"])
def test_layers_of_one_head_are_layers_whatever_their_list_is_called(name):
    class OfOneHead(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(D, 3 * D)

        def forward(self, x):
            Q, K, V = self.qkv(x).chunk(3, -1)
            return x + (Q @ K.mT).softmax(-1) @ V

    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            setattr(self, name, nn.ModuleList(OfOneHead() for _ in range(3)))

        def forward(self, x):
            for layer in getattr(self, name):
                x = layer(x)
            return x

    found = attnviz.trace(model=Named(), tokens=SOURCE, forward=lambda model: model(X))["self"]
    assert [(layer, found.heads(layer)) for layer in found.layers] == [(0, (0,)), (1, (0,)), (2, (0,))]


def test_several_attentions_of_a_block_are_layers_in_the_order_of_calls_and_that_is_noted():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = (nn.MultiheadAttention(D, HEADS, batch_first=True) for _ in range(2))

        def forward(self, x):
            return self.two(*[self.one(x, x, x)[0]] * 3)[0]

    found = attnviz.trace(model=nn.Sequential(Twice(), Twice(), Twice()), tokens=SOURCE, forward=lambda model: model(X))
    assert found["self"].layers == (0, 1, 2, 3, 4, 5)
    assert len(found.notes) == 1
    assert "layers are numbered in the order of calls, not by blocks" in found.notes[0]


class Parts(nn.Module):
    """One attention, of which each call computes some heads, or the rows of some queries."""

    def __init__(self, axis):
        super().__init__()
        self.axis, self.project = axis, nn.Linear(D, D)

    def forward(self, x):
        heads = self.project(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        queries = heads.chunk(2, self.axis)
        keys = queries if self.axis == 1 else [heads, heads]
        parts = [functional.scaled_dot_product_attention(q, k, k) for q, k in zip(queries, keys, strict=True)]
        return torch.cat(parts, self.axis)


def test_calls_side_by_side_are_layers_with_a_note_that_they_could_be_heads_of_one():
    found = attnviz.trace(model=Parts(1), tokens=SOURCE, forward=lambda model: model(X))
    assert [found["self"].heads(layer) for layer in found["self"].layers] == [(0, 1), (0, 1)]
    assert "could be groups of heads of one layer" in found.notes[0]


def test_queries_in_chunks_are_refused_with_a_hint():
    with pytest.raises(ModelError, match="it has attention of 2 × 4 queries and keys") as refused:
        attnviz.trace(model=Parts(2), tokens=SOURCE, forward=lambda model: model(X))
    assert "chunks as large as the text" in refused.value.hint


def test_learned_queries_as_many_as_tokens_are_noted():
    class Inducing(nn.Module):
        def __init__(self):
            super().__init__()
            self.queries = nn.Parameter(torch.randn(1, len(SOURCE), D))
            self.attention = nn.MultiheadAttention(D, HEADS, batch_first=True)

        def forward(self, x):
            return self.attention(self.queries, x, x)[0]

    found = attnviz.trace(model=Inducing(), tokens=SOURCE, forward=lambda model: model(X))
    assert "attention: queries and keys have different inputs" in found.notes[0]


def test_a_model_of_transformers_with_a_learned_sink_within_a_module():
    sizes = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "num_local_experts": 2, "num_experts_per_tok": 1}
    torch.manual_seed(0)
    inner = GptOssModel(GptOssConfig(**sizes, **heads, pad_token_id=0, eos_token_id=1)).eval()
    ids = torch.tensor([[3, 4, 5, 6]])
    found = attnviz.trace(model=nn.Sequential(inner), tokens=SOURCE, forward=lambda model: model(ids))
    inner.set_attn_implementation("eager")
    with torch.no_grad():
        expected = inner(ids, output_attentions=True).attentions
    for layer, weights in enumerate(expected):
        np.testing.assert_allclose(found["masked-self"].weights(layer), weights[0], atol=1e-6)


NO_ATTENTION = nn.Sequential(nn.Embedding(400, D), nn.Linear(D, D))
IDS, X = torch.randint(0, 400, (1, 4)), torch.randn(1, 4, D)
ENCODER = nn.TransformerEncoder(nn.TransformerEncoderLayer(D, HEADS, 32, batch_first=True), 1).eval()


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"forward": lambda model: model(IDS)}, InputError, "the argument tokens is missing"),
        ({"tokens": SOURCE}, InputError, "the argument forward is missing"),
        ({"tokens": SOURCE, "forward": lambda: 1}, InputError, "forward=lambda model"),
        ({"tokens": SOURCE, "forward": IDS}, InputError, "cannot be called"),
        ({"tokens": SOURCE, "forward": lambda model: None}, InputError, "did not run the Gpt"),
        ({"tokens": SOURCE, "forward": lambda model: model(IDS.repeat(3, 1))}, InputError, "batch of 3"),
        (
            {"model": ENCODER, "tokens": SOURCE, "forward": lambda model: model(torch.nested.nested_tensor([X[0]]))},
            ModelError,
            "nested tensors",
        ),
        ({"tokens": "I ate an apple", "forward": lambda model: model(IDS)}, InputError, "list of strings"),
        ({"tokens": SOURCE[:3], "forward": lambda model: model(IDS)}, ModelError, "3 tokens .* 4 × 4"),
        ({"tokens": SOURCE, "forward": lambda model: model(IDS), "target": "x"}, InputError, "target cannot be used"),
        (
            {"tokens": SOURCE, "forward": lambda model: model(IDS), "model": "builtin"},
            ModelError,
            "need a model in memory, and the model is 'builtin'",
        ),
        ({"tokens": SOURCE, "forward": lambda model: model(IDS), "model": 3}, ModelError, "of type int, not a module"),
        (
            {"tokens": SOURCE, "target_tokens": ["a"], "forward": lambda model: model(IDS)},
            InputError,
            "nothing in Gpt looks from target_tokens",
        ),
        (
            {"tokens": SOURCE, "target_tokens": list("abcd"), "forward": lambda model: model(IDS)},
            InputError,
            "nothing in Gpt looks from target_tokens",
        ),
        (
            {"tokens": SOURCE, "forward": lambda model: [model(IDS[:, index : index + 1]) for index in range(4)]},
            ModelError,
            "of 1 × 1 queries and keys.*all tokens in one pass, without a cache",
        ),
        ({"text": TEXT, "tokenizer": lambda text: [1, 2]}, ModelError, "type function.*tokens=.*forward="),
        ({"text": TEXT, "chat": True, "tokenizer": tiny_models.tokenizer()}, InputError, "it cannot use chat"),
        ({"text": TEXT, "target": TEXT, "tokenizer": tiny_models.tokenizer()}, InputError, "it cannot use target"),
        ({"text": TEXT}, ModelError, "tokenizer"),
        ({"text": TEXT, "device": "cpu", "tokenizer": tiny_models.tokenizer()}, ModelError, "its device"),
        (
            {"text": TEXT, "model": NO_ATTENTION, "tokenizer": tiny_models.tokenizer()},
            ModelError,
            "no softmax attention was seen in Sequential",
        ),
        (
            {"model": Stack(summed_by_hand), "tokens": SOURCE, "forward": lambda model: model(X)},
            ModelError,
            "no softmax in Stack, of 4 × 4, was seen to be multiplied with values",
        ),
        (
            {"text": TEXT, "model": nn.Linear(3, 3), "tokenizer": tiny_models.tokenizer()},
            ModelError,
            "fails when it is called",
        ),
    ],
)
def test_impossible_arguments_are_refused(options, error, says):
    with pytest.raises(error, match=f"(?s){says}"):
        attnviz.trace(**{"model": Gpt(), **options})


def test_an_error_of_the_users_own_code_is_theirs():
    def forward(model):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        attnviz.trace(model=Gpt(), tokens=SOURCE, forward=forward)


def test_many_texts_one_after_another():
    model = attnviz.load(seeded(Gpt), tokenizer=tiny_models.tokenizer())
    read = []
    found = list(model.trace_all([TEXT, "An apple."], progress=lambda *told: read.append(told[0])))
    assert [each.text for each in found] == [TEXT, "An apple."]
    assert read == ["tokens read"] * 2

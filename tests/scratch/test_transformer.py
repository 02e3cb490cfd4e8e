"""The whole transformer: numpy against torch, and both against a Hugging Face Marian with the same weights."""

import array_api_compat.torch as torch_xp
import numpy as np
import pytest
import torch
from transformers import MarianConfig, MarianMTModel

from attnviz.scratch import transformer
from attnviz.scratch.store import map_tree, named
from attnviz.scratch.train import initial
from attnviz.scratch.transformer import Config

CONFIG = Config(stems=30, endings=1, d=16, h=4, ff=24, encoder_layers=2, decoder_layers=2)


def as_numpy(W):
    return map_tree(lambda _, array: array.detach().numpy(), W)


def paired(stems, endings=0):
    """Stems as words `[..., 2]`, by default all with the first ending."""
    return np.stack([stems, np.broadcast_to(endings, stems.shape)], axis=-1)


@pytest.fixture
def inputs():
    random = np.random.default_rng(0)
    ids = paired(random.integers(3, 30, (2, 6)))
    real = np.array([[True] * 6, [True] * 4 + [False] * 2])
    return ids, real, paired(random.integers(3, 30, (2, 5)))


def test_numpy_and_torch_agree(inputs):
    torch.manual_seed(0)
    W = initial(transformer.shapes(CONFIG), CONFIG)
    ids, real, target = inputs
    memory, seen = transformer.encode(ids, real, as_numpy(W), CONFIG.h, np)
    x, decoded = transformer.decode(target, memory, real, as_numpy(W), CONFIG.h, np)
    t_ids, t_real, t_target = map(torch.tensor, inputs)
    t_memory, t_seen = transformer.encode(t_ids, t_real, W, CONFIG.h, torch_xp)
    t_x, t_decoded = transformer.decode(t_target, t_memory, t_real, W, CONFIG.h, torch_xp)
    pairs = [(x, t_x), (transformer.stem_logits(x, as_numpy(W)), transformer.stem_logits(t_x, W))]
    scores = transformer.ending_logits(x, target[..., 0], as_numpy(W))
    pairs += [(scores, transformer.ending_logits(t_x, t_target[..., 0], W))]
    pairs += zip(seen.encoder, t_seen.encoder, strict=True)
    pairs += zip(decoded.masked, t_decoded.masked, strict=True)
    pairs += zip(decoded.cross, t_decoded.cross, strict=True)
    assert len(pairs) == 3 + 3 * 2
    for ours, theirs in pairs:
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs.detach(), atol=1e-5)


def test_positions_by_hand():
    # d = 4: the second pair of features turns 10000^(2/4) = 100 times more slowly.
    expected = [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]]
    np.testing.assert_allclose(transformer.positions(2, 4, np, np.float64), expected, atol=1e-7)


def marian() -> MarianMTModel:
    torch.manual_seed(1)
    config = MarianConfig(
        vocab_size=30, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=24, decoder_ffn_dim=24, activation_function="relu",
        scale_embedding=True, max_position_embeddings=32, pad_token_id=0, eos_token_id=2, decoder_start_token_id=0,
    )  # fmt: skip
    model = MarianMTModel(config).eval()
    model.set_attn_implementation("eager")
    for parameter in model.parameters():
        if parameter.ndim == 1:  # biases and gains would be 0 and 1, which hides a mistake in them
            torch.nn.init.normal_(parameter, 0.5, 0.2)
    model.model.encoder.embed_positions.weight.data = model.model.encoder.embed_positions.create_weight()
    model.model.decoder.embed_positions.weight.data = model.model.decoder.embed_positions.create_weight()
    return model


def copied(model: MarianMTModel) -> dict:
    """Marian's weights in our tree. It puts all sines before all cosines where the paper alternates them.

    So its features are ours in another order, and every axis of features is put into ours.
    """
    order = [half * 8 + i for i in range(8) for half in (0, 1)]  # ours ← Marian's

    def vector(x):
        return x.detach().numpy()[order]

    def attention(module):
        W = {}
        for name in "QKV":
            linear = getattr(module, f"{name.lower()}_proj")
            W[f"W_{name}"] = linear.weight.detach().numpy().T[order]  # in: features; out: heads, which keep their order
            W[f"b_{name}"] = linear.bias.detach().numpy()
        W["W_O"] = module.out_proj.weight.detach().numpy().T[:, order]
        return W | {"b_O": vector(module.out_proj.bias)}

    def norm(module):
        return {"gain": vector(module.weight), "bias": vector(module.bias)}

    def rest(layer):
        ff = {"W_1": layer.fc1.weight.detach().numpy().T[order], "b_1": layer.fc1.bias.detach().numpy()}
        ff |= {"W_2": layer.fc2.weight.detach().numpy().T[:, order], "b_2": vector(layer.fc2.bias)}
        self_attention = {"self": attention(layer.self_attn), "self_norm": norm(layer.self_attn_layer_norm)}
        return self_attention | {"ff": ff, "ff_norm": norm(layer.final_layer_norm)}

    def cross(layer):
        return {"cross": attention(layer.encoder_attn), "cross_norm": norm(layer.encoder_attn_layer_norm)}

    return {
        "E": model.model.shared.weight.detach().numpy()[:, order],
        "F": np.zeros((1, 16), np.float32),  # Marian's words have one part
        "encoder": [rest(layer) for layer in model.model.encoder.layers],
        "decoder": [rest(layer) | cross(layer) for layer in model.model.decoder.layers],
    }


def test_equals_marian(inputs):
    model, (ids, real, target) = marian(), inputs
    W = copied(model)
    assert {name: array.shape for name, array in named(W)} == dict(named(transformer.shapes(CONFIG)))
    with torch.no_grad():
        theirs = model(
            input_ids=torch.tensor(ids[..., 0]), attention_mask=torch.tensor(real).long(),
            decoder_input_ids=torch.tensor(target[..., 0]), output_attentions=True,
        )  # fmt: skip
    memory, seen = transformer.encode(ids, real, W, CONFIG.h, np)
    x, decoded = transformer.decode(target, memory, real, W, CONFIG.h, np)
    for ours, expected in (
        (seen.encoder, theirs.encoder_attentions),
        (decoded.masked, theirs.decoder_attentions),
        (decoded.cross, theirs.cross_attentions),
    ):
        np.testing.assert_allclose(np.stack(ours), torch.stack(expected), atol=1e-5)
    np.testing.assert_allclose(transformer.stem_logits(x, W), theirs.logits, atol=1e-4)


def test_greedy_is_marians_greedy(inputs):
    model, (ids, real, _) = marian(), inputs
    start, has = np.zeros((2, 1, 2), int), np.ones((30, 1), bool)
    written = transformer.greedy(ids, real, start, 2, 8, has, copied(model), CONFIG.h, np)
    # Step by step with the model itself: its generate() would forbid the padding token.
    expected = torch.zeros(2, 1, dtype=torch.long)
    with torch.no_grad():
        while expected.shape[1] < written.shape[1]:
            given = {"input_ids": torch.tensor(ids[..., 0]), "attention_mask": torch.tensor(real).long()}
            scores = model(**given, decoder_input_ids=expected).logits
            expected = torch.cat([expected, scores[:, -1:].argmax(-1)], dim=1)
    assert written[..., 0].tolist() == expected.tolist()


def test_a_word_is_embedded_as_its_stem_and_its_ending_by_hand():
    W = {"E": np.array([[1.0, 0], [0, 2]]), "F": np.array([[0.0, 0], [3, 0]])}
    # √2 · (E[1] + F[1]) = √2 · (3, 2), and PE(0) = (0, 1)
    np.testing.assert_allclose(transformer.embed(np.array([[[1, 1]]]), W, np), [[[3 * 2**0.5, 1 + 2 * 2**0.5]]])


def test_the_ending_is_scored_with_the_stem_by_hand():
    W = {"E": np.array([[1.0, 0], [0, 2]]), "F": np.array([[1.0, 0], [0, 1]])}
    # x + √2 · E[1] = (5, 2 √2): F is the identity
    scores = transformer.ending_logits(np.array([[[5.0, 0]]]), np.array([[1]]), W)
    np.testing.assert_allclose(scores, [[[5, 2 * 2**0.5]]])


def test_greedy_writes_only_words_that_there_are(inputs):
    config = Config(stems=30, endings=4, d=16, h=4, ff=24, encoder_layers=1, decoder_layers=1)
    torch.manual_seed(0)
    W = as_numpy(initial(transformer.shapes(config), config))
    ids, real, _ = inputs
    start = np.zeros((2, 1, 2), int)
    for ending in range(4):
        has = np.zeros((30, 4), bool)
        has[:, ending] = True
        written = transformer.greedy(ids, real, start, 2, 6, has, W, config.h, np)
        assert (written[:, 1:, 1] == ending).all()

"""A capture does not change the model: other threads can run it at the same time, and compiled code stays compiled."""

import threading
from concurrent.futures import ThreadPoolExecutor

import architectures
import numpy as np
import pytest
import tiny_models
import torch

import attnviz
from attnviz.capture import capture, working_copy
from attnviz.selection import Selection

PATHS = {
    "llama": "attention interface",
    "t5": "attention interface",
    "bloom": "eager output_attentions",
    "big_bird": "eager output_attentions",
    "squeezebert": "softmax, by a hook",
}
LONGEST = 60  # seconds that a thread waits for the other


def assert_same(one, other):
    assert one.keys() == other.keys()
    for kind, layers in one.items():
        assert layers.keys() == other[kind].keys()
        for layer, weights in layers.items():
            np.testing.assert_array_equal(weights, other[kind][layer])


def innermost(model):
    """The modules without submodules; their calls are in the middle of a pass."""
    return [module for module in model.modules() if not list(module.children())]


@pytest.mark.parametrize(("model_type", "path"), PATHS.items())
def test_a_pass_in_another_thread_during_a_trace_is_unchanged(model_type, path):
    model = architectures.build(model_type)
    inputs = architectures.inputs_of(model)
    taken = {name: value for name, value in inputs.items() if name != "attention_mask"}
    alone = capture(model, inputs, Selection())
    with torch.no_grad():
        expected = model(**taken)[0]
    model.train()
    asked, answers, first = threading.Semaphore(0), [], threading.current_thread()

    def other():
        assert asked.acquire(timeout=LONGEST)
        model.eval()
        with torch.no_grad():
            answers.append(model(**taken)[0])
        model.train()

    def wait(*_):
        if threading.current_thread() is first and not answers:
            asked.release()
            thread.join(LONGEST)

    thread = threading.Thread(target=other)
    thread.start()
    hooks = [module.register_forward_hook(wait) for module in innermost(model)[-3:]]
    found = capture(model, inputs, Selection())
    for hook in hooks:
        hook.remove()
    assert found.path == path
    assert_same(found.weights, alone.weights)
    torch.testing.assert_close(answers, [expected], rtol=0, atol=0)
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("model_type", PATHS)
def test_two_traces_at_the_same_time_are_the_same_as_one_after_the_other(model_type):
    model = architectures.build(model_type)
    whole = architectures.inputs_of(model)
    other = whole | {"input_ids": whole["input_ids"].flip(1)}
    alone = [capture(model, inputs, Selection()).weights for inputs in (whole, other)]
    barrier = threading.Barrier(2)

    def meet(*_):
        barrier.wait(LONGEST)

    hook = innermost(model)[0].register_forward_hook(meet)
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda inputs: capture(model, inputs, Selection()).weights, (whole, other)))
    hook.remove()
    for found, expected in zip(together, alone, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("model_type", PATHS)
def test_an_error_leaves_the_model_unchanged(model_type):
    model = architectures.build(model_type)
    configuration, state = model.config.to_dict(), [set(vars(module)) for module in model.modules()]

    def fail(*_):
        raise KeyError("no")

    hook = innermost(model)[-1].register_forward_hook(fail)
    with pytest.raises(KeyError):
        capture(model, architectures.inputs_of(model), Selection())
    hook.remove()
    assert model.config.to_dict() == configuration
    assert model.config._attn_implementation != "attnviz"
    assert [set(vars(module)) for module in model.modules()] == state
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def compiled_in_place(model):
    model.compile()
    return model


def compiled_by_forward(model):
    model.forward = torch.compile(model.forward)
    return model


def compiled_in_part(model):
    for layer in model.encoder.layer:
        layer.compile()
    model.pooler = torch.compile(model.pooler)
    return model


@pytest.mark.parametrize("compiled", [compiled_in_place, torch.compile, compiled_by_forward, compiled_in_part])
def test_a_compiled_model_gives_the_same_output_after_a_capture(compiled):
    model = tiny_models.build("bert")
    expected = attnviz.trace("I ate an apple.", model, tokenizer=tiny_models.tokenizer())
    given = compiled(model)
    found = attnviz.trace("I ate an apple.", given, tokenizer=tiny_models.tokenizer())
    assert found.model == expected.model
    assert_same(*({"self": trace["self"].by_layer} for trace in (found, expected)))


def test_a_copy_has_its_own_modules_and_configurations_and_the_same_weights():
    model = tiny_models.build("t5").train()
    model.again = model.encoder
    copied = working_copy(model)
    assert dict(copied.named_modules()).keys() == dict(model.named_modules()).keys()
    assert not {id(module) for module in copied.modules()} & {id(module) for module in model.modules()}
    assert all(one is other for one, other in zip(copied.parameters(), model.parameters(), strict=True))
    assert copied.again is copied.encoder
    assert copied.encoder.config is not model.encoder.config
    assert model.training
    assert not copied.training


def test_a_model_with_chunks_runs_without_them_and_gives_the_same_output():
    model = tiny_models.build("bert")
    expected = attnviz.trace("I ate an apple.", model, tokenizer=tiny_models.tokenizer())
    chunked = [module for module in model.modules() if hasattr(module, "chunk_size_feed_forward")]
    assert chunked
    for module in chunked:
        module.chunk_size_feed_forward = 999  # no text's length is a multiple of it
    found = attnviz.trace("I ate an apple.", model, tokenizer=tiny_models.tokenizer())
    assert_same(*({"self": trace["self"].by_layer} for trace in (found, expected)))
    assert {module.chunk_size_feed_forward for module in chunked} == {999}

"""A model in memory is found inside its wrappers, and gives the same trace as without them."""

import accelerate
import pytest
import tiny_models
import torch
import transformers
from load_checks import TEXT, refused, same

import attnviz
from attnviz.capture import unwrapped


@pytest.fixture(scope="module")
def expected():
    return attnviz.trace(TEXT, tiny_models.build("llama"), tokenizer=tiny_models.tokenizer())


WRAPPERS = {
    "DataParallel": lambda model, _: torch.nn.DataParallel(model),
    "DataParallel of a compiled one": lambda model, _: torch.nn.DataParallel(torch.compile(model)),
    "accelerate's prepare": lambda model, _: accelerate.Accelerator(cpu=True).prepare(model),
    "accelerate's dispatch": lambda model, _: accelerate.dispatch_model(model, {"": "cpu"}, force_hooks=True),
    "offloaded to memory": lambda model, _: accelerate.cpu_offload(model, execution_device="cpu"),
    "offloaded to disk": lambda model, folder: accelerate.disk_offload(model, folder, execution_device="cpu"),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapped_model_gives_the_same_trace_as_the_model(wrap, expected, tmp_path):
    wrapper = wrap(tiny_models.build("llama"), tmp_path / "offloaded")
    ids = torch.tensor([[1, 5, 9]])
    with torch.no_grad():
        before = wrapper(ids)[0]
    trace = attnviz.trace(TEXT, wrapper, tokenizer=tiny_models.tokenizer())
    assert same(trace, expected)
    assert trace.provenance["device"] == "cpu"
    with torch.no_grad():
        assert torch.equal(wrapper(ids)[0], before)


def test_the_tokenizer_of_a_pipeline_is_used(expected):
    pipeline = transformers.pipeline(
        "feature-extraction", model=tiny_models.build("llama"), tokenizer=tiny_models.tokenizer()
    )
    assert same(attnviz.trace(TEXT, pipeline), expected)


def of(package: str, name: str, *bases: type) -> type:
    """A class in place of one from a package that the tests do not install."""
    return type(name, bases, {"__module__": f"{package}.somewhere"})


def test_the_model_inside_a_sentence_transformer_is_traced(expected):
    first = torch.nn.Module()
    first.auto_model = tiny_models.build("llama")
    sentences = of("sentence_transformers", "SentenceTransformer", torch.nn.Sequential)(first, torch.nn.Identity())
    sentences.tokenizer = tiny_models.tokenizer()
    assert same(attnviz.trace(TEXT, sentences), expected)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_wrapper_without_a_reachable_model_is_refused():
    class Alone(torch.nn.Module):
        def forward(self, ids):
            return 2 * ids

    traced = torch.jit.trace(Alone(), torch.tensor([1]))
    assert "torch.jit" in refused(traced, tokenizer=tiny_models.tokenizer()).message
    sharded = of("torch", "FullyShardedDataParallel", torch.nn.Module)()
    assert "spread over processes" in refused(sharded, tokenizer=tiny_models.tokenizer()).message


def test_a_model_without_a_wrapper_is_returned_unchanged():
    model = tiny_models.build("bert")
    assert unwrapped(model) is model
    assert unwrapped(of("elsewhere", "DataParallel", torch.nn.Module)()).__module__ == "elsewhere.somewhere"

"""What all threads have in common is as it was once the last of them has left, in whatever order they leave."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import gguf
import pytest
import tiny_models
import torch
from transformers.utils import logging

from attnviz.models.huggingface.gguf import one_parse
from attnviz.models.huggingface.global_state import restores_global_state
from attnviz.models.huggingface.loading import quiet
from attnviz.models.huggingface.model import HuggingFaceModel
from attnviz.models.huggingface.progress import telling

STATES = {
    "gguf": (one_parse, lambda: (gguf.GGUFReader, gguf.get_tensor_name_map)),
    "logging": (quiet, lambda: (logging.get_verbosity(), list(warnings.filters), warnings.showwarning)),
    "progress": (lambda: telling(print), lambda: logging._tqdm_hook),
}


@pytest.mark.parametrize("what", STATES)
@pytest.mark.parametrize("error", [None, KeyError])
def test_the_first_thread_leaves_before_the_second(what, error):
    change, state = STATES[what]
    before, entered, left = state(), threading.Barrier(2), threading.Event()

    def first():
        with change():
            entered.wait(60)
            entered.wait(60)
            if error:
                raise error

    def second():
        entered.wait(60)
        with change():
            entered.wait(60)
            assert left.wait(60)
            assert state() != before

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.submit(first), threads.submit(second)
        assert type(one.exception()) is (error or type(None))
        left.set()
        other.result()
    assert state() == before


def test_a_change_that_fails_is_tried_again():
    tries = []

    @restores_global_state
    @contextmanager
    def change():
        tries.append(1)
        if len(tries) == 1:
            raise KeyError
        yield

    with pytest.raises(KeyError), change():
        pass
    with change():
        assert len(tries) == 2


def test_each_thread_hears_of_the_weights_that_it_loads_itself(whole):
    def load(_):
        told = []
        HuggingFaceModel.load(whole, progress=lambda *progress: told.append(progress))
        return told

    before, alone = vars(torch.nn.init).copy(), load(0)
    with ThreadPoolExecutor(2) as threads:
        for told in threads.map(load, range(4)):
            assert (told[0], told[-1]) == (alone[0], alone[-1])
    assert vars(torch.nn.init) == before


def test_models_traced_in_several_threads_give_the_same_weights_as_in_one():
    model = HuggingFaceModel.load(tiny_models.build("bert"), tokenizer=tiny_models.tokenizer())
    before = logging.get_verbosity(), list(warnings.filters)
    expected = model.trace("I ate an apple.")["self"]
    with ThreadPoolExecutor(4) as threads:
        for trace in threads.map(lambda _: model.trace("I ate an apple."), range(16)):
            assert (trace["self"].weights(1) == expected.weights(1)).all()
    assert (logging.get_verbosity(), list(warnings.filters)) == before

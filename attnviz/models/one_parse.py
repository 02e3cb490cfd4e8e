"""A .gguf file is parsed once, where transformers parses it for the configuration, the weights and the tokenizer each.

It also makes the same map of tensor names anew for every tensor. Both are pure functions of their arguments, so while a
file is being loaded their results are kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def one_parse() -> Iterator[None]:
    """Keep what the `gguf` package reads until the body has ended."""
    import gguf

    reader, name_map = gguf.GGUFReader, gguf.get_tensor_name_map
    gguf.GGUFReader, gguf.get_tensor_name_map = cache(reader), cache(name_map)
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map = reader, name_map

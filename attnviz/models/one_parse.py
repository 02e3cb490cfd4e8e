"""A .gguf file is parsed once, where transformers parses it for the configuration, the weights and the tokenizer each.

It also makes the same map of tensor names anew for every tensor. Both are pure functions of their arguments, so while a
file is being loaded their results are kept. And it draws a bar for the file that it cannot be asked to leave out: in
its place comes the one that can, which it draws for other weights.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from attnviz.models.process_wide import process_wide


@process_wide
@contextmanager
def one_parse() -> Iterator[None]:
    """Keep what the `gguf` package reads until the body has ended."""
    import gguf
    from transformers import modeling_gguf_pytorch_utils as reading
    from transformers.utils import logging

    reader, name_map, bar = gguf.GGUFReader, gguf.get_tensor_name_map, reading.tqdm
    gguf.GGUFReader, gguf.get_tensor_name_map, reading.tqdm = cache(reader), cache(name_map), logging.tqdm
    try:
        yield
    finally:
        gguf.GGUFReader, gguf.get_tensor_name_map, reading.tqdm = reader, name_map, bar

"""Recording the attention of a running model: three paths for Hugging Face models, and one for any torch module."""

from attnviz.capture.base_model import base_inputs, find_base, reads_source
from attnviz.capture.call_sites import is_encoder_decoder, reads_both_ways, reads_pictures
from attnviz.capture.record import Record
from attnviz.capture.run import capture, capture_all
from attnviz.capture.torch_module import capture_module
from attnviz.capture.virtual_tokens import VirtualPrompt, find_virtual_prompt
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import has_class, unwrapped, wrapped

__all__ = [
    "Record",
    "VirtualPrompt",
    "base_inputs",
    "capture",
    "capture_all",
    "capture_module",
    "find_base",
    "find_virtual_prompt",
    "has_class",
    "is_encoder_decoder",
    "reads_both_ways",
    "reads_pictures",
    "reads_source",
    "unwrapped",
    "working_copy",
    "wrapped",
]

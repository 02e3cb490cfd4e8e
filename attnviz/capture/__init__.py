"""How attention leaves a running Hugging Face model: through transformers' attention interface, or its eager output.

`run.py` tries three paths in turn: `interface.py`, whose equation is `weights.py`, `eager.py`, whose odd forms
`unfold.py` makes matrices of, and `softmaxes.py`. Each fills in a `record.py` for each text, of a `kept.py` for each
layer, through a `merged.py` where words are asked for; `sites.py` tells which layer that is, and `mixers.py` what the
others do. `base.py` is the part of a model that attends, and what the whole gives it; `working_copy.py` is what runs,
`wrappers.py` what a model may be wrapped in, `prompts.py` what an adapter has put before the text. `functions.py` sees
attention where any code of torch computes it, an `attention_call.py` each time, by what is in `torch_attention.py`
or by `softmax_weights.py`: for `softmaxes.py`, and for `modules.py`, whose modules transformers does not know.
"""

from attnviz.capture.base import base_of, handed, reads_source
from attnviz.capture.modules import capture_module
from attnviz.capture.prompts import Prompt, prompt_of
from attnviz.capture.record import Record
from attnviz.capture.run import capture, capture_all
from attnviz.capture.sites import is_encoder_decoder, reads_pictures
from attnviz.capture.working_copy import working_copy
from attnviz.capture.wrappers import is_of, unwrapped, wrapped

__all__ = [
    "Prompt",
    "Record",
    "base_of",
    "capture",
    "capture_all",
    "capture_module",
    "handed",
    "is_encoder_decoder",
    "is_of",
    "prompt_of",
    "reads_pictures",
    "reads_source",
    "unwrapped",
    "working_copy",
    "wrapped",
]

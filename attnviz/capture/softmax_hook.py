"""The third path, for models that do not return their weights: the torch functions that they call for attention.

Examples are models that leave out their eager attention from the output, and models with their author's own attention.
"""

from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.capture.attention_call import Call
from attnviz.capture.call_sites import CallSites, count_queries_and_keys
from attnviz.capture.eager_output import set_eager_attention
from attnviz.capture.function_mode import AttentionCalls
from attnviz.capture.record import Record
from attnviz.capture.running import entered
from attnviz.kinds import KINDS


def record_by_softmax(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], records: Sequence[Record]
) -> bool:
    """Run `model` once on `inputs`, and record every call of attention between all tokens. False if there is none.

    Leaves the model's attention implementation changed: give it a working copy.
    """
    set_eager_attention(model)
    call_sites, token_sizes = CallSites(model), {count_queries_and_keys(model, inputs, kind) for kind in KINDS}
    streams = 1 + int(getattr(model.config, "ngram", 0))  # ProphetNet has several; the first is that of the text

    with entered(model) as inside:

        def see(call: Call) -> None:
            if call.texts != len(records):
                return
            if (call.queries, call.keys) not in token_sizes:
                rows = call.queries // streams
                if streams == 1 or (rows, call.keys) not in token_sizes:
                    return
                call = Call.of_weights(call.first_rows(rows), flaw=call.flaw)
            call.record(records, *call_sites.locate(inside[-1].module, call.hides_later))

        with AttentionCalls(len(records), see, {size for pair in token_sizes for size in pair}):
            model(**inputs)
    return bool(records[0].available)

"""The third path, for models whose output gives something else than weights: what they call to compute attention.

Such is a model whose eager attention is not in its output, and one whose attention is its author's own.
"""

from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedModel

from attnviz.capture.attention_call import Call
from attnviz.capture.call_sites import CallSites, count_queries_and_keys
from attnviz.capture.eager_output import be_eager
from attnviz.capture.function_mode import AttentionCalls
from attnviz.capture.record import Record
from attnviz.capture.running import entered
from attnviz.kinds import KINDS


def record_by_softmax(
    model: PreTrainedModel, inputs: Mapping[str, torch.Tensor | bool], records: Sequence[Record]
) -> bool:
    """Run `model` once on `inputs`, and take every attention over as many tokens as there are.

    Leaves the model's attention implementation changed: give it a working copy.
    """
    be_eager(model)
    call_sites, of_tokens = CallSites(model), {count_queries_and_keys(model, inputs, kind) for kind in KINDS}
    streams = 1 + int(getattr(model.config, "ngram", 0))  # ProphetNet's: the text's own is the first

    with entered(model) as inside:

        def see(call: Call) -> None:
            if call.texts != len(records):
                return
            if (call.queries, call.keys) not in of_tokens:
                own = call.queries // streams
                if streams == 1 or (own, call.keys) not in of_tokens:
                    return
                call = Call.of_weights(call.whole(own), flaw=call.flaw)
            call.record(records, *call_sites.locate(inside[-1].module, call.hides_later))

        with AttentionCalls(len(records), see, {size for pair in of_tokens for size in pair}):
            model(**inputs)
    return bool(records[0].available)

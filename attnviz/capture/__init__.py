"""How attention leaves a running Hugging Face model: through transformers' attention interface, or its eager output.

`unchanged.py` gives a model back as it was, `weights.py` is the equation, `interface.py` and `eager.py` are the two
paths, and `record.py` is what either fills in.
"""

from attnviz.capture.record import Record
from attnviz.capture.run import capture
from attnviz.capture.unchanged import unchanged

__all__ = ["Record", "capture", "unchanged"]

"""A generation_config.json that transformers refuses: the model is loaded all the same, for attention needs none of it.

What it says of the tokens is heeded where it can be read, and a note tells of one that cannot.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel

    from attnviz.models.huggingface.location import ModelLocation

_NAME = "generation_config.json"


@dataclass(frozen=True)
class Refused:
    """What transformers shall take in the file's place, what the file says, and a note where it cannot be read."""

    instead: "GenerationConfig"
    said: Mapping[str, Any]
    note: str = ""

    def heed(self, model: "PreTrainedModel") -> None:
        """Give `model` what the file says, unchecked, if it writes."""
        if not model.can_generate():
            return
        own = model.generation_config
        for name, value in self.said.items():
            if not name.startswith("_") and not callable(getattr(own, name, None)):
                setattr(own, name, value)
        own.note = self.note


def refused_file(location: "ModelLocation", revision: str | None) -> Refused | None:
    """The generation configuration at `location`; None where there is none, or transformers takes it."""
    from transformers import GenerationConfig
    from transformers.utils import cached_file

    if location.is_file:
        return None
    quietly = {
        f"_raise_exceptions_for_{what}": False for what in ("gated_repo", "missing_entries", "connection_errors")
    }
    if (path := cached_file(location.path, _NAME, revision=revision, **quietly, **location.options)) is None:
        return None
    try:
        said = json.loads(Path(path).read_bytes())
        reason = "" if isinstance(said, dict) else f"it holds no settings, but {str(said)[:20]}"
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
    if reason:
        options = {"config_file_name": "config.json", "_from_model_config": True, "revision": revision}
        instead = GenerationConfig.from_pretrained(location.path, **options, **location.options)
        return Refused(instead, {}, f"{_NAME} of {location.name} cannot be read, and is not heeded: {reason}")
    try:
        GenerationConfig.from_dict(dict(said))
    except Exception:  # whatever it is that transformers finds wrong with it
        return Refused(GenerationConfig(), said)
    return None

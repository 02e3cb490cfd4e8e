"""A generation_config.json that transformers refuses: the model is still loaded, because attention does not need it.

If the file can be read, its settings for tokens are used; otherwise there is a note.
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
    """A configuration in place of a refused file, the settings of the file, and a note if it cannot be read."""

    replacement: "GenerationConfig"
    settings: Mapping[str, Any]
    note: str = ""

    def apply(self, model: "PreTrainedModel") -> None:
        """Set the settings of the file on `model`, unchecked, if it can generate."""
        if not model.can_generate():
            return
        own = model.generation_config
        for name, value in self.settings.items():
            if not name.startswith("_") and not callable(getattr(own, name, None)):
                setattr(own, name, value)
        own.note = self.note


def refused_file(location: "ModelLocation", revision: str | None) -> Refused | None:
    """The generation configuration at `location`; None if there is none, or if transformers accepts it."""
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
        settings = json.loads(Path(path).read_bytes())
        reason = "" if isinstance(settings, dict) else f"it holds no settings, but {str(settings)[:20]}"
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error)
    if reason:
        options = {"config_file_name": "config.json", "_from_model_config": True, "revision": revision}
        replacement = GenerationConfig.from_pretrained(location.path, **options, **location.options)
        return Refused(replacement, {}, f"{_NAME} of {location.name} cannot be read, and is not used: {reason}")
    try:
        GenerationConfig.from_dict(dict(settings))
    except Exception:  # transformers can raise anything here
        return Refused(GenerationConfig(), settings)
    return None

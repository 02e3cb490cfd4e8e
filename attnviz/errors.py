"""The errors of attnviz: each has a message and a hint that says what would work."""

import re

_OPTION = re.compile(r"(?<![\w-])(?:--([a-z]+(?:-[a-z]+)*)|-m)(?![\w-])( (?=NAME|FOLDER))?")
"""An option of the command line; the model's option is the short `-m`, followed by a placeholder for its value."""
_COMMAND = re.compile(r"(attnviz [a-z]+ .*)")
"""A whole command, up to the end of its line: the reader types it unchanged."""


class AttnvizError(Exception):
    """The base class of every error that a user can correct. Any other exception is a bug.

    `message` says what failed and names the value; `hint` says what would work. A hint names options as the command
    line does; `str(error)`, which Python shows, names them as keywords.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        parts = _COMMAND.split(self.hint)  # every second part is a command
        parts[::2] = (_OPTION.sub(_keyword, part) for part in parts[::2])
        return f"{self.message}\n{''.join(parts)}" if self.hint else self.message


def _keyword(option: re.Match[str]) -> str:
    """The keyword for an option of the command line: `text_pair` for `--text-pair`, `model=NAME` for `-m NAME`."""
    return (option[1] or "model").replace("-", "_") + ("=" if option[2] else "")


class InputError(AttnvizError):
    """A text, or a file of texts, that cannot be used: it is empty, too long or not UTF-8."""


class SelectionError(AttnvizError):
    """A kind, layer or head that the model or the trace does not have."""


class AbsentHeadError(SelectionError):
    """A kind, layer or head that the model does not have for any text."""


class ModelError(AttnvizError):
    """A model that cannot be found, loaded or traced."""


class FileError(AttnvizError):
    """A file that cannot be read or written, or whose content does not fit its name."""


class CaptureError(AttnvizError):
    """Captured numbers that are not attention: a wrong shape, a NaN, a row that does not sum to 1."""


class PlotOptionError(AttnvizError):
    """An option of a picture that is not valid: an unknown style, colour map or size."""

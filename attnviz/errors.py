"""What attnviz says when it cannot do what was asked: a message, and a hint that says what would work."""

import re

_OPTION = re.compile(r"(?<![\w-])(?:--([a-z]+(?:-[a-z]+)*)|-m)(?![\w-])( (?=NAME|FOLDER))?")
"""An option as the command line has it; that of the model is short, and followed by what stands for a value."""
_COMMAND = re.compile(r"(attnviz [a-z]+ .*)")
"""A whole command, to the end of its line: it is typed as it stands."""


class AttnvizError(Exception):
    """Base of every error that a user can mend. Anything else that is raised is a bug.

    `message` says what failed and names the value; `hint` says what would work. A hint names options as they are
    written at the command line; in Python, where the text of an error is shown, they are the keywords of that name.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        parts = _COMMAND.split(self.hint)  # every second one is a command
        parts[::2] = (_OPTION.sub(_keyword, part) for part in parts[::2])
        return f"{self.message}\n{''.join(parts)}" if self.hint else self.message


def _keyword(option: re.Match[str]) -> str:
    """What an option of the command line is called in Python: `--text-pair` is `text_pair`, `-m NAME` `model=NAME`."""
    return (option[1] or "model").replace("-", "_") + ("=" if option[2] else "")


class InputError(AttnvizError):
    """The text, or a file of texts, cannot be used: empty, too long, not UTF-8."""


class SelectionError(AttnvizError):
    """A kind, layer or head that the model or the trace does not have."""


class AbsentHeadError(SelectionError):
    """A kind, layer or head that the model does not have, whatever the text."""


class ModelError(AttnvizError):
    """A model that cannot be found, loaded or looked into."""


class FileError(AttnvizError):
    """A file that cannot be read or written, or is not what its name says."""


class CaptureError(AttnvizError):
    """What left the model is not attention: a wrong shape, a NaN, a row that does not sum to 1."""


class PlotOptionError(AttnvizError):
    """How a picture shall look, and cannot: a style, colour map or size that there is not."""

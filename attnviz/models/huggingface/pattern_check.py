"""Trying the regular expressions in an adapter's settings on a model's module names, in a separate process.

peft uses several settings as regular expressions, and a search in Python can take forever without a way to stop it from
a thread. Run as a process, this file reads JSON on stdin and imports only modules of Python's standard library.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_SECONDS = 5
_PLAIN = re.compile(r"\^?[\w.-]*\$?")
_OF_PATTERNS = (
    "target_modules",
    "exclude_modules",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
)
_AROUND = ("{}", r"(.*\.)?({})$", r"(^|.*\.){}($|\..*)", r"(?:^|.*?\.){}\.(?P<idx>\d+)\.")
"""The text that peft puts around an expression, for each kind of setting."""


def is_fast_pattern(settings: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether the search for all expressions in `settings` in all `names` ends within seconds."""
    patterns = [text for name in _OF_PATTERNS for text in _texts(settings.get(name)) if not _PLAIN.fullmatch(text)]
    if not patterns:
        return True
    command = [sys.executable, "-P", __file__]  # -P: do not import modules from the folder of the file
    request = json.dumps({"patterns": patterns, "names": [*names]})
    try:
        subprocess.run(command, input=request, capture_output=True, encoding="ascii", timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _texts(value: Any) -> Iterator[str]:
    """A text, or all texts in a list or in the keys of a mapping."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        yield from (each for each in value if isinstance(each, str))


def main() -> None:
    """Search for all patterns from stdin."""
    request = json.load(sys.stdin)
    for pattern in request["patterns"]:
        for around in _AROUND:
            try:
                found = re.compile(around.format(pattern))
            except (re.error, RecursionError, OverflowError):  # peft reports these
                continue
            for name in request["names"]:
                found.match(name)
                found.fullmatch(name)


if __name__ == "__main__":
    main()

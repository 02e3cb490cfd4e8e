"""The regular expressions in an adapter's settings, tried on the names of a model's modules in a process of its own.

peft takes each of several settings for an expression, and Python's search for one can take for ever: no thread can stop
it. As a process, this file reads JSON on stdin; it imports nothing but Python's own modules.
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
"""What peft writes around an expression, in the one setting and the other."""


def is_fast_pattern(settings: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Whether all expressions in an adapter's `settings` are found, or not, in all `names` within seconds."""
    patterns = [text for name in _OF_PATTERNS for text in _texts(settings.get(name)) if not _PLAIN.fullmatch(text)]
    if not patterns:
        return True
    command = [sys.executable, "-P", __file__]  # -P: what lies beside the file is not to be imported
    asked = json.dumps({"patterns": patterns, "names": [*names]})
    try:
        subprocess.run(command, input=asked, capture_output=True, encoding="ascii", timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _texts(value: Any) -> Iterator[str]:
    """A text itself, or those that are keys of a mapping, or in a list."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        yield from (each for each in value if isinstance(each, str))


def main() -> None:
    """Try all that stdin has."""
    asked = json.load(sys.stdin)
    for pattern in asked["patterns"]:
        for around in _AROUND:
            try:
                found = re.compile(around.format(pattern))
            except (re.error, RecursionError, OverflowError):  # of which peft itself tells
                continue
            for name in asked["names"]:
                found.match(name)
                found.fullmatch(name)


if __name__ == "__main__":
    main()

"""What a caller in Python gave for an argument, compared with what it can be: at the command line Typer does that."""

from collections.abc import Hashable
from dataclasses import MISSING, fields
from typing import Any

from attnviz.errors import AttnvizError


def require_type(
    name: str, value: Any, known: type | tuple[type, ...], error: type[AttnvizError], hint: str, optional: bool = True
) -> None:
    """Raise `error`, with the value and the `hint`, unless it is of a `known` type; or None where it is `optional`."""
    if not isinstance(value, known) and not (optional and value is None):
        raise error(f"{name} cannot be {_shown(value)}", hint)


def require_flag(name: str, value: Any, error: type[AttnvizError], optional: bool = False) -> None:
    """Raise `error` unless `value` is True or False, numpy's too; or None where it is `optional`."""
    if not (isinstance(value, Hashable) and value in (True, False)) and not (optional and value is None):
        raise error(f"{name} cannot be {_shown(value)}", f"{name}: True or False.")


def shown_fields(given: Any) -> str:
    """A dataclass as Python writes it, on one line: what is as it is by default is left out."""
    values = {field: getattr(given, field.name) for field in fields(given)}
    told = [
        f"{field.name}={_shown(value)}"
        for field, value in values.items()
        if field.default is MISSING or value != field.default
    ]
    return f"{type(given).__name__}({', '.join(told)})"


def _shown(value: Any) -> str:
    """A value as Python writes it, cut short."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"

"""Checks of arguments that a Python caller gave; at the command line Typer does these checks."""

from collections.abc import Hashable
from dataclasses import MISSING, fields
from typing import Any

from attnviz.errors import AttnvizError


def require_type(
    name: str, value: Any, known: type | tuple[type, ...], error: type[AttnvizError], hint: str, optional: bool = True
) -> None:
    """Raise `error`, with the value and the `hint`, unless `value` has a `known` type, or is None and `optional`."""
    if not isinstance(value, known) and not (optional and value is None):
        raise error(f"{name} cannot be {short_repr(value)}", hint)


def require_flag(name: str, value: Any, error: type[AttnvizError], optional: bool = False) -> None:
    """Raise `error` unless `value` is True or False (also of numpy), or is None and `optional`."""
    if not (isinstance(value, Hashable) and value in (True, False)) and not (optional and value is None):
        raise error(f"{name} cannot be {short_repr(value)}", f"{name}: True or False.")


def dataclass_repr(instance: Any) -> str:
    """The repr of a dataclass on one line, without the fields that have their default value."""
    values = {field: getattr(instance, field.name) for field in fields(instance)}
    parts = [
        f"{field.name}={short_repr(value)}"
        for field, value in values.items()
        if field.default is MISSING or value != field.default
    ]
    return f"{type(instance).__name__}({', '.join(parts)})"


def short_repr(value: Any) -> str:
    """The repr of `value` on one line of at most 60 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"

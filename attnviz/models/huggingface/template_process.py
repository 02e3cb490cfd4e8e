"""The process that renders one chat template: JSON on stdin, JSON on stdout, and nothing imported but Jinja.

A template is a program of whoever made the model. Jinja's sandbox keeps it from files and from Python; here it is kept
from more than its share of memory and time too. It finds what templates of transformers find: trimmed blocks, `tojson`,
`strftime_now`, `raise_exception`, loop controls and the mark `generation`.
"""

import json
import sys
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import Environment, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

_MEMORY = 1 << 30  # bytes
_SECONDS = 10  # of computing, for where nobody is there any more to stop it
_LONGEST = 1 << 20  # characters that it may make of a message, beside the message itself


class Generation(Extension):
    """The tag that marks what an assistant wrote: its body stands in the text as it is."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        """The body."""
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class PublicNamespace(Namespace):
    """Jinja's namespace, without names that begin as Python's own do."""

    def __init__(*given: Any, **values: Any) -> None:  # any name may be a value's, `self` too
        self, *first = given
        Namespace.__init__(self)
        for name, value in dict(*first, **values).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"a namespace has no place for {name}")
        super().__setitem__(name, value)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(value: Any, ensure_ascii: bool = False, **how: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, **how)


def _dict(*given: Any, **values: Any) -> dict[Any, Any]:
    return dict(*given, **values)


def render(template: str, variables: dict[str, Any]) -> str:
    """The text that `template` makes of `variables`. Raises whatever a template can."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {"raise_exception": _raise, "dict": _dict, "namespace": PublicNamespace}
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    longest, pieces, length = _LONGEST + len(json.dumps(variables)), [], 0
    for piece in environment.from_string(template).generate(variables):
        length += len(piece)
        if length > longest:
            raise ValueError(f"it makes more than {longest} characters of a message")
        pieces.append(piece)
    return "".join(pieces)


def _limit() -> None:
    """Keep this process to its share, where the system can: Windows cannot."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # there is a lower limit already, or the system knows none
            continue


def main() -> None:
    """Render what stdin asks for, and tell on stdout what came of it."""
    _limit()
    asked = json.load(sys.stdin)
    try:
        answer = {"text": render(asked["template"], asked["variables"])}
    except MemoryError:
        answer = {"error": "it fills the memory"}
    except RecursionError:
        answer = {"error": "it goes round in itself"}
    except TemplateError as error:
        answer = {"error": str(error)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

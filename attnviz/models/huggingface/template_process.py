"""The process that renders one chat template: JSON on stdin, JSON on stdout, and no import except Jinja.

A template is an untrusted program. Jinja's sandbox keeps it away from files and from Python; this process also limits
its memory and time. It offers what transformers offers to templates: trimmed blocks, `tojson`, `strftime_now`,
`raise_exception`, loop controls and the tag `generation`.
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
_SECONDS = 10  # of computing, in case the parent process has ended
_LONGEST = 1 << 20  # characters that it can add to a message


class Generation(Extension):
    """The tag around what an assistant wrote: its body is put into the text unchanged."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        """The body."""
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class PublicNamespace(Namespace):
    """Jinja's namespace, without names that begin with an underscore."""

    def __init__(*given: Any, **values: Any) -> None:  # any name can be that of a value, also `self`
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
    """The text that `template` makes from `variables`. Raises any error of a template."""
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
    """Limit the memory and time of this process, if the system can; Windows cannot."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # there already is a lower limit, or the system has none
            continue


def main() -> None:
    """Render the template from stdin, and write the result to stdout."""
    _limit()
    request = json.load(sys.stdin)
    try:
        answer = {"text": render(request["template"], request["variables"])}
    except MemoryError:
        answer = {"error": "it fills the memory"}
    except RecursionError:
        answer = {"error": "it is recursive without end"}
    except TemplateError as error:
        answer = {"error": str(error)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

"""One page of HTML out of the files of `web/` and the contents: no part of it is fetched from anywhere."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from attnviz.render.page.contents import Contents

WEB = files("attnviz.render.page") / "web"
STYLE, MARKUP = "page.css", "page.html"
FIRST, LAST = ("dom.js", "trace.js"), "main.js"
"""Files of JavaScript that others need as soon as they are read, and the one that starts it all."""


def assemble(contents: Contents) -> str:
    """The page. Blocks that it does not show at once stand last, so that it is drawn before they are read.

    Its policy allows its own script and style, known by their hashes, and no request at all; data stands in elements
    that are never run. In JSON no `<` is left, so that no text can end an element, and nothing that is not ASCII.
    """
    script, style = script_of(WEB), _read(WEB / STYLE)
    facts = json.dumps(contents.facts, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    first = {name: contents.blocks[name] for name in contents.first}
    later = {name: block for name, block in contents.blocks.items() if name not in first}
    parts = {
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src blob: data:; "
        "base-uri 'none'; form-action 'none'",
        "title": escape(" · ".join([*dict.fromkeys(trace["title"] for trace in contents.facts["traces"]), "attnviz"])),
        "style": style,
        "facts": facts,
        "first": _blocks(first),
        "script": script,
        "later": _blocks(later),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _read(WEB / MARKUP))


def script_of(web: Traversable) -> str:
    """The files of JavaScript in `web` and `web/views` as one classic script, in a function of its own."""
    found = {
        path.name: path for folder in (web, web / "views") for path in folder.iterdir() if path.name.endswith(".js")
    }
    between = sorted(found.keys() - {*FIRST, LAST})
    body = "".join(f"// {name}\n{_read(found[name])}" for name in (*FIRST, *between, LAST))
    return f'"use strict";(() => {{\n{body}}})();\n'


def _blocks(blocks: dict[str, str]) -> str:
    return "".join(f'<script type="text/plain" id="{name}">{block}</script>\n' for name, block in blocks.items())


def _hash(text: str) -> str:
    """`text` as a policy names it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _read(path: Traversable) -> str:
    return path.read_text("utf-8").replace("\r\n", "\n")

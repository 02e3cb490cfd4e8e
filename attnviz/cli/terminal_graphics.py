"""Questions to the terminal: which pictures it can show, and the colour of its background.

textual-image draws pictures, by kitty's protocol or as sixels, which iTerm2 and many others support.
"""

import io
import os
import re
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

PATIENCE = 1.0
"""How long we wait for an answer, in seconds: enough for a slow connection."""
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_BACKGROUND = re.compile(rb"\x1b\]11;rgb:([\da-fA-F]+)/([\da-fA-F]+)/([\da-fA-F]+)")
SIXEL = b"4"
"""The number of the sixel attribute in a terminal's answer."""


class Window(NamedTuple):
    """The size of the terminal, in cells and in pixels."""

    rows: int
    columns: int
    width: int
    height: int


def show_inline(picture: Callable[[], bytes]) -> bool:
    """Draw the PNG that `picture` makes at the cursor, reduced to fit; False, without drawing, where it cannot be.

    It needs textual-image, and a terminal that supports pictures and tells the size of its cells.
    """
    if find_spec("textual_image") is None or (window := _window()) is None or (protocol := _protocol()) is None:
        return False
    from PIL import Image
    from rich.console import Console

    image = Image.open(io.BytesIO(picture()))
    columns, rows = image.width * window.columns / window.width, image.height * window.rows / window.height
    fits = min(1.0, window.columns / columns, (window.rows - 1) / rows)
    drawn = _renderable(protocol)(image, max(int(columns * fits), 1), max(int(rows * fits), 1))
    Console(file=sys.stdout, force_terminal=True, color_system="truecolor").print(drawn)  # kitty's number is a colour
    return True


def background() -> str | None:
    """The theme for the terminal's background, `light` or `dark`; None where the terminal does not answer."""
    found = _BACKGROUND.search(_answer(b"\x1b]11;?\x1b\\\x1b[c")) if find_spec("termios") else None
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return "light" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 else "dark"


def _renderable(protocol: str) -> Callable[..., object]:
    """The class that draws by that protocol."""
    # Without this, the import would ask the terminal again, and not wait for a slow answer.
    out, sys.__stdout__ = sys.__stdout__, None  # type: ignore[misc]
    try:
        from textual_image.renderable import SixelImage, TGPImage
    finally:
        sys.__stdout__ = out  # type: ignore[misc]
    return TGPImage if protocol == "kitty" else SixelImage


def _window() -> Window | None:
    """The size of the terminal, or None where the size of a cell is not known."""
    try:
        import fcntl
        import struct
        import termios

        size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (ImportError, OSError):
        return None
    window = Window(*struct.unpack("HHHH", size))
    return window if all(window) else None


def _protocol() -> str | None:
    """How the terminal shows pictures: `kitty`, `sixel`, or None.

    Only terminals with a known name are asked kitty's question, since others would print it. Every terminal answers
    the other question, for its attributes; we wait for it, so that no answer arrives later in the shell.
    """
    asks_kitty = any(name in os.environ.get("TERM", "") for name in ("kitty", "ghostty"))
    question = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\" if asks_kitty else b""
    answer = _answer(question + b"\x1b[c")
    if _KITTY.search(answer):
        return "kitty"
    attributes = _ATTRIBUTES.search(answer)
    return "sixel" if attributes and SIXEL in attributes[1].split(b";") else None


def _answer(question: bytes) -> bytes:
    """The terminal's answer, up to its attributes; empty if it does not answer, or if the user has already typed."""
    import termios
    import tty
    from select import select

    into, out = sys.stdin.fileno(), sys.stdout.fileno()
    sys.stdout.flush()
    before, answer = termios.tcgetattr(into), b""
    try:
        tty.setcbreak(into, termios.TCSANOW)
        if select([into], [], [], 0)[0]:  # typed for the shell
            return b""
        os.write(out, question)
        end = time.monotonic() + PATIENCE
        while not _ATTRIBUTES.search(answer):
            if not select([into], [], [], max(end - time.monotonic(), 0))[0]:
                return b""
            answer += os.read(into, 1024)
    finally:
        termios.tcsetattr(into, termios.TCSANOW, before)
    return answer

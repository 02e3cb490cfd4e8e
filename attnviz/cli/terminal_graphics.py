"""What the terminal answers: which pictures it draws, and the colour of its background.

Pictures are drawn by textual-image: by kitty's protocol, or as sixels, which iTerm2 and many others know.
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
"""A terminal answers within so many seconds, over a slow line too."""
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_KITTY = re.compile(rb"\x1b_Gi=31;OK\x1b\\")
_BACKGROUND = re.compile(rb"\x1b\]11;rgb:([\da-fA-F]+)/([\da-fA-F]+)/([\da-fA-F]+)")
SIXEL = b"4"
"""The number by which a terminal says among its attributes that it draws sixels."""


class Window(NamedTuple):
    """The size of the terminal, in cells and in pixels."""

    rows: int
    columns: int
    width: int
    height: int


def show_inline(picture: Callable[[], bytes]) -> bool:
    """Draw the PNG that `picture` makes at the cursor; False, and nothing done, on a terminal that cannot.

    It is asked, where textual-image is installed and the size of its cells is known. As large as it is, or as fits.
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
    """The theme that goes with the terminal's background, `light` or `dark`; None where it does not tell."""
    found = _BACKGROUND.search(_answer(b"\x1b]11;?\x1b\\\x1b[c")) if find_spec("termios") else None
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return "light" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 else "dark"


def _renderable(protocol: str) -> Callable[..., object]:
    """What draws by that protocol."""
    # Without this, its import would ask the terminal again, and not wait for an answer from afar.
    out, sys.__stdout__ = sys.__stdout__, None  # type: ignore[misc]
    try:
        from textual_image.renderable import SixelImage, TGPImage
    finally:
        sys.__stdout__ = out  # type: ignore[misc]
    return TGPImage if protocol == "kitty" else SixelImage


def _window() -> Window | None:
    """The size of the terminal, or None where it does not tell how large a cell is."""
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

    Kitty's question is put only to a terminal of that name, for others write it on the screen. The other one, for its
    attributes, every terminal answers, so that nothing is left to arrive when the shell is back.
    """
    asks_kitty = any(name in os.environ.get("TERM", "") for name in ("kitty", "ghostty"))
    question = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\" if asks_kitty else b""
    answer = _answer(question + b"\x1b[c")
    if _KITTY.search(answer):
        return "kitty"
    attributes = _ATTRIBUTES.search(answer)
    return "sixel" if attributes and SIXEL in attributes[1].split(b";") else None


def _answer(question: bytes) -> bytes:
    """What the terminal answers, up to its attributes; nothing where it is silent, or the reader has typed ahead."""
    import termios
    import tty
    from select import select

    into, out = sys.stdin.fileno(), sys.stdout.fileno()
    sys.stdout.flush()
    before, answer = termios.tcgetattr(into), b""
    try:
        tty.setcbreak(into, termios.TCSANOW)
        if select([into], [], [], 0)[0]:  # meant for the shell
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

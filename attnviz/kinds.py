"""The three kinds of attention and their names."""

from typing import Literal

Kind = Literal["self", "masked-self", "cross"]

KINDS: tuple[Kind, ...] = ("self", "masked-self", "cross")
KIND_NAMES: dict[str, str] = {
    "self": "self-attention",
    "masked-self": "masked self-attention",
    "cross": "cross-attention",
}

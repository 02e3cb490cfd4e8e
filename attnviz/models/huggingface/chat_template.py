"""Rendering a chat template in a separate process, which is ended when it takes too long."""

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_PROCESS = Path(__file__).with_name("template_process.py")
_SECONDS = 8  # the start of Python takes about 0.2
_SHOWN = 300  # characters of an error message
_HINT = "Leave out --chat."


def rendered_chat(tokenizer: "PreTrainedTokenizerBase", chat: list[dict[str, str]]) -> str:
    """The text that the template of `tokenizer` makes from `chat`, up to the start of the answer.

    Raises ModelError if there is no template, and if it fails or needs too much time or memory.
    """
    if not tokenizer.chat_template:
        raise ModelError("this model's tokenizer has no chat template", _HINT)
    from transformers import PreTrainedTokenizerBase

    is_own = (
        type(tokenizer).apply_chat_template is not PreTrainedTokenizerBase.apply_chat_template
    )  # code that is already trusted
    try:
        if is_own:
            return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))
        template = tokenizer.get_chat_template()
    except (ValueError, TypeError) as error:
        raise ModelError(f"the model's chat template fails: {error}", _HINT) from error
    variables = {**tokenizer.special_tokens_map, "messages": chat, "tools": None, "documents": None}
    answer = _answer({"template": template, "variables": {**variables, "add_generation_prompt": True}})
    if "error" in answer:
        raise ModelError(f"the model's chat template fails: {answer['error'][:_SHOWN]}", _HINT)
    return answer["text"]


def _answer(request: dict[str, Any]) -> dict[str, str]:
    """The answer of the process to `request`. Raises ModelError if there is none."""
    command = [sys.executable, "-P", str(_PROCESS)]  # -P: do not import modules from the folder of the file
    try:
        done = subprocess.run(
            command, input=json.dumps(request, default=str), capture_output=True, encoding="ascii", timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"the model's chat template runs for more than {_SECONDS} seconds", _HINT) from None
    try:
        answer: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        raise ModelError(f"the model's chat template ended its process, with code {done.returncode}", _HINT) from None
    return answer

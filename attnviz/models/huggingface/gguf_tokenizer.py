"""The tokenizer of a .gguf file, with the same ids for a text as in llama.cpp.

transformers makes a tokenizer from the file's vocabulary, but ignores most keys that say how to use it. This file sets
them by the rules of llama.cpp, also for missing keys:
https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp. A key that cannot be set becomes a note.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.huggingface.gguf import one_parse, read
from attnviz.models.huggingface.gguf_header import Header

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

_KEY = "tokenizer.ggml."
_SENTENCEPIECE, _BYTES, _UNIGRAM = "llama", "gpt2", "t5"
_SPACE = "▁"
_UNKNOWN, _CONTROL = 2, 3  # types of tokens
_ROLES = {"bos": "bos", "eos": "eos", "unk": "unknown", "sep": "seperator", "pad": "padding", "mask": "mask"}
_DEFAULT_IDS = {_SENTENCEPIECE: {"bos": 1, "eos": 2, "unk": 0}, _UNIGRAM: {"eos": 1, "unk": 2, "pad": 0}}

_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_PHRASES = r" ?[^(\s|.,!?…。，、।۔،)]+"
_LLAMA3 = ["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"]
_SPLITS = {  # expressions that split a text one after the other before bytes are merged → names of pre-tokenizers
    (
        _WORDS,
    ): "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert exaone4 jina-v1-en"
    " jina-v2-code roberta-bpe mpt olmo jais trillion granite-docling",
    (r"\p{N}", _WORDS): "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
    (r"[\p{P}$+<=>^~|`]+", _WORDS, "[0-9][0-9][0-9]"): "falcon",
    (r"[\p{P}$+<=>^~|]+", _WORDS, r"\p{N}+", "[0-9][0-9][0-9]"): "default",
    (_PHRASES,): "poro-chat bloom gpt3-finnish",
    (_PHRASES, r"\p{N}"): "viking",
}
_REGEXES = {name: regexes for regexes, names in _SPLITS.items() for name in names.split()}
_SAME_AS = {"stablelm2": "qwen2", "hunyuan": "qwen2", "solar-open": "qwen2", "grok-2": "qwen2"}
_SAME_AS |= {"glm4": "llama-bpe", "chatglm-bpe": "llama-bpe"}
_BEGIN_WITH_A_MARK = {*_LLAMA3, "tekken", "chameleon"}
_WHOLE_WORDS_FIRST = {*_LLAMA3, "tekken", "minicpm5", "youtu", "granite-embed-multi-97m"}


def load_gguf_tokenizer(path: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer inside a .gguf file; files of other tokenizers in its folder are ignored.

    Raises ModelError for a file without a vocabulary, or with a vocabulary whose parts do not fit together.
    """
    from transformers import PreTrainedTokenizerFast

    with one_parse():
        header = read(path)
        _require_vocabulary(path, header)
        tokenizer = PreTrainedTokenizerFast(gguf_file=path.name, name_or_path=str(path.parent))
    _set_text_rules(tokenizer.backend_tokenizer, header)
    _set_marks(tokenizer, header)
    return tokenizer  # type: ignore[no-any-return]


def tokenizer_notes(header: Header) -> Iterator[str]:
    """Notes on a file's tokenizer where it can differ from llama.cpp."""
    pre, known = _get(header, "pre"), _kept_splits()
    if _get(header, "model") == _BYTES:
        if pre is None:
            yield "the file does not name its pre-tokenizer, so text is split as llama.cpp does by default"
        elif pre not in _REGEXES and _SAME_AS.get(pre, pre) not in known:
            yield f"text is split as for GPT-2, not by the pre-tokenizer {pre!r} that the file names"
    for role in ("bos", "eos"):
        if _is_added(header, role) and _id(header, role) is None:
            yield f"the file says that each text has a {role.upper()} token, but not which one: it has none"


def _get(header: Header, key: str, default: Any = None) -> Any:
    return header.get(_KEY + key, default)


def _kept_splits() -> dict[str, str]:
    """Name of a pre-tokenizer → its regular expression, for those that transformers knows."""
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    return GGUF_PRE_TOKENIZER_SPLITS  # type: ignore[no-any-return]


def _require_vocabulary(path: Path, header: Header) -> None:
    """Raise ModelError for a vocabulary from which no tokenizer can be made."""
    tokens, kind = _get(header, "tokens"), _get(header, "model")
    if not isinstance(tokens, list) or not tokens:
        raise ModelError(f"{path} has no tokenizer", "From Python, give one: tokenizer=.")
    for key in ("scores", "token_type"):
        if (values := _get(header, key)) is not None and len(values) < len(tokens):
            raise ModelError(f"{path} has {len(tokens)} tokens, and {_KEY}{key} for {len(values)}", "Get it again.")
    if kind in (_SENTENCEPIECE, _UNIGRAM) and _get(header, "scores") is None and _get(header, "merges") is None:
        raise ModelError(f"{path} lacks {_KEY}scores, without which it cannot split a text", "Get it again.")
    for name in _ROLES.values():
        id_ = _get(header, f"{name}_token_id")
        if id_ is not None and (not isinstance(id_, int) or not 0 <= id_ < len(tokens)):
            raise ModelError(f"{path} has {len(tokens)} tokens, and {_KEY}{name}_token_id is {id_}", "Get it again.")


def _set_text_rules(tokenizer: "Tokenizer", header: Header) -> None:
    """Set how a text is changed before its pieces are looked up."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers

    kind, pre = _get(header, "model"), _get(header, "pre", "default")
    escape, prepend = normalizers.Replace(" ", _SPACE), normalizers.Prepend(_SPACE)
    if kind == _SENTENCEPIECE:
        # A space is added before the text and after each mark, also if there already is one.
        is_prefixed = bool(_get(header, "add_space_prefix", True))
        tokenizer.normalizer = normalizers.Sequence([prepend, escape] if is_prefixed else [escape])
        tokenizer.pre_tokenizer = None
        spelled = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
        tokenizer.decoder = decoders.Sequence([*spelled, decoders.Strip(" ", 1, 0)] if is_prefixed else spelled)
        if (unknown := _id(header, "unk")) is not None:
            tokenizer.model.unk_token = _get(header, "tokens")[unknown]
    elif kind == _UNIGRAM:
        charsmap, is_trimmed = _get(header, "precompiled_charsmap"), _get(header, "remove_extra_whitespaces", False)
        steps: list[Any] = [] if charsmap is None else [normalizers.Precompiled(charsmap.tobytes())]
        steps += [normalizers.Replace(Regex(" +"), " "), normalizers.Strip()] if is_trimmed else []
        steps += [prepend] if is_trimmed or _get(header, "add_space_prefix", False) else []
        tokenizer.normalizer = normalizers.Sequence([*steps, escape])
        tokenizer.pre_tokenizer = None
    elif kind == _BYTES:
        kept = _kept_splits().get(_SAME_AS.get(pre, pre))
        regexes = (kept,) if kept else _REGEXES.get(pre, (_WORDS,))
        splits = [pre_tokenizers.Split(Regex(regex), "isolated") for regex in regexes]
        as_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, as_bytes])
        tokenizer.model.ignore_merges = pre in _WHOLE_WORDS_FIRST


def _set_marks(tokenizer: "PreTrainedTokenizerBase", header: Header) -> None:
    """Set which tokens are marks, and which of them are added before and after every text."""
    for role in _ROLES:
        id_ = _id(header, role)
        setattr(tokenizer, f"{role}_token", None if id_ is None else _get(header, "tokens")[id_])
    for role in ("bos", "eos"):
        setattr(tokenizer, f"add_{role}_token", _is_added(header, role) and _id(header, role) is not None)


def _id(header: Header, role: str) -> int | None:
    """The id of the token with this role in the file; if it says none, the usual id if that token is a mark."""
    id_ = _get(header, f"{_ROLES[role]}_token_id")
    if id_ is not None:
        return int(id_)
    usual, types = _DEFAULT_IDS.get(_get(header, "model"), {}).get(role), _get(header, "token_type")
    if usual is None or usual >= len(_get(header, "tokens")):
        return None
    return usual if types is None or types[usual] in (_UNKNOWN, _CONTROL) else None


def _is_added(header: Header, role: str) -> bool:
    """Whether this token is added to every text: BOS at the start, EOS at the end."""
    kind = _get(header, "model")
    if role == "bos":
        if kind == "gemma4":  # whatever the file says
            return True
        usual = kind == _SENTENCEPIECE or (kind == _BYTES and _get(header, "pre") in _BEGIN_WITH_A_MARK)
    else:
        usual = kind == _UNIGRAM
    return bool(_get(header, f"add_{role}_token", usual))

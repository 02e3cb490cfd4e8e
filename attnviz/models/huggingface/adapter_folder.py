"""A folder with an adapter of the package peft, whose model is in another place.

The adapter_config.json is not trusted: it cannot name code to run, or ask for much more memory than the adapter's own
weights need. The weights must be exactly those that the adapter has in its model: a missing weight would keep its
random initial value and look like a learned one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.errors import ModelError
from attnviz.models.huggingface.adapters import require_kind, to_run
from attnviz.models.huggingface.architecture import classes
from attnviz.models.huggingface.hub_cache import commit
from attnviz.models.huggingface.pattern_check import is_fast_pattern
from attnviz.models.huggingface.sizes import Weights, no_larger_than

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

    from attnviz.models.huggingface.location import ModelLocation

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_NAME = "default"  # as peft calls the first adapter of a model
_PREFIX = "base_model.model."  # before the names of a model's weights, in an adapter's file
_TASKS = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "FEATURE_EXTRACTION": "AutoModel",
}
"""The task type of an adapter in peft → the transformers class that it was trained in."""
_NUMBER = (int, float)
_TYPES: dict[str, Any] = {"bool": bool, "int": _NUMBER, "float": _NUMBER}
_AT_RUNTIME = "runtime_config"  # peft ignores it in a file
_FEW = 1000
_OF_ANY_SIZE = re.compile("alpha|seed|prng|token_|step|tinit|tfinal|delta")  # settings that are not sizes
_AT_RANDOM = "pissa_niter"  # an initialisation that changes the model's own weights at random
_RANKS = ".ranknum."  # of AdaLoRA: they come from the settings and are in no file
_EMBEDDINGS = ("", ".base_layer", ".token_adapter.base_layer")  # where whole ones stand in what is trained of them
_LABELS = re.compile(r"base_model\.(?:model\.)?(?:score|classifier)(?:\.out_proj)?\.weight")
_REFUSED = {
    "megatron_config": "is made for the layers of Megatron",
    "layer_replication": "repeats layers of its model",
}
"""A setting that attnviz cannot use → what it means for the adapter."""
_TIMES_LARGER, _MORE = 8, 2**26  # how much larger than an adapter's weights a new tensor can be
_WHERE = ("generator", "out", "pin_memory")  # options of tensor factories that the meta device does not take
_HINT = "In Python, put it into its model with peft, and pass that as model: attnviz.trace(text, model=model)."


@dataclass(frozen=True)
class Adapter:
    """The adapter in `folder`: its `settings`, the location of its `base` model, and `spec`, the user's name for it."""

    spec: str
    folder: Path
    settings: Mapping[str, Any]
    base: "ModelLocation"

    @property
    def revision(self) -> str | None:
        """The revision of the base that it was trained on, if the base is on the Hub and the settings say it."""
        revision = self.settings.get("revision")
        return revision if isinstance(revision, str) and revision and self.base.on_hub else None

    @property
    def base_name(self) -> str:
        """The name of the base, with the commit that was loaded if it is on the Hub."""
        loaded = commit(self.base.spec, self.revision) if self.base.on_hub else None
        return f"{self.base.spec} at {loaded}" if loaded else self.base.spec

    @property
    def has_tokenizer(self) -> bool:
        """Whether the folder has a tokenizer, which can know more words than that of the base."""
        return any((self.folder / name).is_file() for name in ("tokenizer_config.json", "tokenizer.json"))

    def classes(self, config: "PretrainedConfig", trust_remote_code: bool) -> list[Any]:
        """The class of the base that it was trained in; the names in its file are those of this class."""
        import transformers

        labels = {len(weight) for name, weight in self.weights.items() if _LABELS.fullmatch(name)}
        if len(labels) == 1 and self.settings.get("task_type") in ("SEQ_CLS", "TOKEN_CLS"):
            config.num_labels = labels.pop()  # the adapter's number of labels, which the base does not know
        if auto := _TASKS.get(str(self.settings.get("task_type"))):
            kind = getattr(transformers, auto)
            if auto in (getattr(config, "auto_map", None) or {}) or type(config) in kind._model_mapping:
                return [kind]
        named = self.settings.get("auto_mapping")
        if isinstance(named, Mapping) and isinstance(name := named.get("base_model_class"), str):
            config.architectures = [name]
        found = classes(config, True, trust_remote_code)
        return found[-1:]  # the class that was saved, where there is one to try first

    @cached_property
    def config(self) -> Any:
        """The settings in peft's class. Raises ModelError for an adapter that cannot be run from a folder."""
        from peft import PEFT_TYPE_TO_CONFIG_MAPPING, PeftConfig

        settings, kind = self.settings, self.settings["peft_type"]
        require_kind(f"in {self.spec}", kind)
        if kind not in PEFT_TYPE_TO_CONFIG_MAPPING:
            message = f"the adapter in {self.spec} is of the type {kind}, which this version of peft does not know"
            raise ModelError(message, "A newer one may: pip install -U peft")
        for name in _REFUSED.keys() & {name for name, value in settings.items() if value}:
            raise ModelError(f"the adapter in {self.spec} {_REFUSED[name]}: {name}", _HINT)
        if str(settings.get("init_lora_weights")).startswith(_AT_RANDOM):
            message = f"the adapter in {self.spec} changes its model at random at each load: {_AT_RANDOM}"
            raise ModelError(message, "Save it as LoRA, by peft's path_initial_model_for_weight_conversion.")
        self._require_settings()
        known = _fields(settings)
        config = PeftConfig.from_peft_type(**{name: value for name, value in settings.items() if name in known})
        if config.is_prompt_learning and "prompt_embeddings" not in self.weights:
            raise ModelError(f"the adapter in {self.spec} lacks its weights: prompt_embeddings", "Is it whole?")
        if config.is_prompt_learning and config.task_type not in _TASKS:
            raise ModelError(f"the adapter in {self.spec} does not say what it was trained for: task_type", _HINT)
        config.inference_mode = (
            True  # otherwise peft initialises a prompt from a text with a tokenizer named in the settings
        )
        return config

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Notes on the adapter for the reader of a trace."""
        unknown = [name for name, value in self.settings.items() if value and name not in _fields(self.settings)]
        if not unknown:
            return ()
        return (f"this version of peft does not know the adapter's {', '.join(unknown)}, which was ignored",)

    def _require_settings(self) -> None:
        """Raise ModelError for a setting of a wrong type, or one that is much larger than the sizes of the weights.

        peft does not check this: it would read a text in place of a flag as True.
        """
        for name, kind in _fields(self.settings).items():
            value, expected = self.settings.get(name), _TYPES.get(kind, object)
            is_odd = isinstance(value, bool) and expected is _NUMBER
            if value is not None and (is_odd or not isinstance(value, expected)):
                raise ModelError(f"the {CONFIG} of {self.spec} says {name}: {value!r}, which cannot be", "Is it whole?")
        largest = max((size for weight in self.weights.values() for size in weight.shape), default=0)
        for name, number in _numbers(self.settings):
            if number > max(_FEW, _TIMES_LARGER * largest) and not _OF_ANY_SIZE.search(name):
                message = f"the {CONFIG} of {self.spec} says {name}: {number}, much more than the sizes of its weights"
                raise ModelError(message, "Are they of one adapter?")

    @cached_property
    def weights(self) -> dict[str, Any]:
        """Its weights by their names in the file. Raises ModelError if the file has no weights."""
        import torch
        from peft import load_peft_weights

        if not any((self.folder / name).is_file() for name in WEIGHTS):
            raise ModelError(f"{self.spec} holds no weights of an adapter", f"They are in {' or '.join(WEIGHTS)}.")
        weights = load_peft_weights(str(self.folder), device="cpu")
        if not isinstance(weights, dict) or not all(isinstance(weight, torch.Tensor) for weight in weights.values()):
            raise ModelError(f"the weights of the adapter in {self.spec} are not tensors with names", "Is it whole?")
        return weights


def _fields(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings that peft knows for this type of adapter → their types."""
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING

    known = fields(PEFT_TYPE_TO_CONFIG_MAPPING[settings["peft_type"]])
    return {
        field.name: getattr(field.type, "__name__", str(field.type)) for field in known if field.name != _AT_RUNTIME
    }


def _numbers(settings: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """All whole numbers in the settings, with their names."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _numbers(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield name, value


def read_settings(folder: Path, spec: str) -> dict[str, Any]:
    """The adapter_config.json in `folder`. Raises ModelError if it cannot be read or lacks the adapter's type."""
    try:
        settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"the {CONFIG} of {spec} cannot be read: {error}", "Is it whole?") from error
    if not isinstance(settings, dict) or not isinstance(settings.get("peft_type"), str):
        raise ModelError(f"the {CONFIG} of {spec} does not say the type of the adapter", "Is it whole?")
    return settings


def require_readable(adapter: Adapter) -> None:
    """Raise ModelError for an adapter that cannot be run with any model, before its model is loaded."""
    _ = adapter.config, adapter.weights


def put_in(adapter: Adapter, model: "PreTrainedModel") -> Any:
    """`model` with the adapter in it, or, if the adapter works on the model's input, peft's model around it.

    Raises ModelError for an adapter that cannot be run, or does not belong to this model.
    """
    import peft

    from attnviz.capture import wrapped

    weights = adapter.weights
    if any(weight.is_meta for weight in model.parameters()):  # accelerate loads these part by part when they run
        message = f"{adapter.base.spec} is larger than the device, and an adapter can be put into a whole model only"
        raise ModelError(message, "Try --device cpu, or --dtype bfloat16.")
    if not is_fast_pattern(adapter.settings, [name for name, _ in model.named_modules()]):
        message = f"a regular expression in the {CONFIG} of {adapter.spec} does not end on the names of its model"
        raise ModelError(message, "List the modules by their names.")
    _resize(model, weights)
    own = {id(weight) for weight in model.parameters()}
    size = sum(weight.untyped_storage().nbytes() for weight in weights.values())
    with no_larger_than(lambda: Weights(len(weights), size), adapter.spec), _bounded(adapter.spec, size):
        whole = peft.get_peft_model(model, adapter.config, _NAME)
        report = peft.set_peft_model_state_dict(whole, weights, _NAME)
    _require_whole(adapter, whole, own, report)
    *wrappers, inside = wrapped(whole.eval())
    return to_run(wrappers, inside)


def _resize(model: "PreTrainedModel", weights: Mapping[str, Any]) -> None:
    """Resize the model's embeddings to those of the adapter, if it was trained with another vocabulary."""
    ends = {id(module) for module in (model.get_input_embeddings(), model.get_output_embeddings())}
    names = [
        f"{_PREFIX}{name}{inside}.weight"
        for name, module in model.named_modules()
        if id(module) in ends
        for inside in _EMBEDDINGS
    ]
    for rows in (len(weights[name]) for name in names if name in weights):
        if rows != len(model.get_input_embeddings().weight):
            model.resize_token_embeddings(rows, mean_resizing=False)


def _require_whole(adapter: Adapter, model: Any, own: set[int], report: Any) -> None:
    """Raise ModelError if the file lacks weights of the adapter, or has weights that this model does not have.

    `own` are the ids of the parameters of the model before. Weights of a prompt are read and checked separately.
    """
    is_prompt = model.peft_config[_NAME].is_prompt_learning
    missing: set[str] = set(report.missing_keys)
    named: dict[int, list[str]] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        is_read_apart = is_prompt and name.startswith("prompt_encoder.")
        if id(weight) not in own and not is_read_apart and _RANKS not in name:
            named.setdefault(id(weight), []).append(name)  # a shared weight has several names, and the file has one
    lost = sorted(names[0] for names in named.values() if missing.issuperset(names))
    other = sorted(name for name in report.unexpected_keys if not (is_prompt and name == "prompt_embeddings"))
    other = [name for name in other if not _is_twice(adapter.weights, name)]
    for names, what in ((lost, "lacks"), (other, "has, beside those of its model,")):
        if names:
            some = ", ".join(names[:3]) + (", …" if names[3:] else "")
            message = f"the adapter in {adapter.spec} does not fit {adapter.base.spec}: it {what} {len(names)} weights"
            raise ModelError(f"{message}: {some}", f"Is it an adapter of that model? {CONFIG} says so.")


def _is_twice(weights: Mapping[str, Any], name: str) -> bool:
    """Whether peft also saved these weights under another name, as it does with larger embeddings."""
    other = weights.get(name.replace(".modules_to_save.", "."))
    return ".modules_to_save." in name and other is not None and bool((other == weights[name]).all())


@contextmanager
def _bounded(spec: str, size: int) -> Iterator[None]:
    """Raise ModelError before a tensor is made that is much larger than weights of `size` bytes."""
    import torch
    from torch.overrides import TorchFunctionMode

    most = _TIMES_LARGER * size + _MORE
    making = {torch.empty, torch.zeros, torch.ones, torch.full, torch.eye, torch.arange, torch.linspace}
    making |= {torch.rand, torch.randn, torch.randint, torch.randperm}

    class Bounded(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func in making:
                tried = {
                    name: value for name, value in kwargs.items() if name not in ("generator", "out", "pin_memory")
                }
                if func(*args, **tried | {"device": "meta"}).numel() > most:
                    message = f"the adapter in {spec} needs much more memory than its weights, which are {size:,} bytes"
                    raise ModelError(message, "Are its settings and its weights of one adapter?")
            return func(*args, **kwargs)

    with Bounded():
        yield

"""Shell completion of option values: only what is known at once, without torch and without loading a model."""

from collections.abc import Callable, Iterable

import typer

from attnviz.kinds import KINDS

Complete = Callable[[typer.Context, str], list[str]]


def one_of(values: Iterable[str]) -> Complete:
    """A completer for a choice of `values`."""
    known = tuple(values)
    return lambda ctx, incomplete: [value for value in known if value.startswith(incomplete)]


def layers(ctx: typer.Context, incomplete: str) -> list[str]:
    """The layers of the built-in model for the given kind, and the names that work for every model."""
    from attnviz.scratch.transformer import Config

    names = ["last"]
    if _is_builtin(ctx):
        decoder = ctx.params.get("kind") in KINDS[1:]
        names = [*map(str, range(Config.decoder_layers if decoder else Config.encoder_layers)), *names]
    return _last_of_list(names, incomplete)


def heads(ctx: typer.Context, incomplete: str) -> list[str]:
    """The heads of the built-in model; those of other models are not known before they are loaded."""
    from attnviz.scratch.transformer import Config

    return _last_of_list(list(map(str, range(Config.h))), incomplete) if _is_builtin(ctx) else []


def colour_maps(ctx: typer.Context, incomplete: str) -> list[str]:
    """matplotlib's colour maps."""
    from attnviz.render.colour_maps import colour_maps

    return [name for name in colour_maps() if name.startswith(incomplete)]


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """The models on this machine: built in, in packages, in the Hub's cache. The shell itself completes files."""
    from attnviz.models import BUILTIN
    from attnviz.models.huggingface.hub_cache import cached_models
    from attnviz.models.huggingface.packages import packaged_models

    here = [BUILTIN, *(model.package for model in packaged_models()), *(model.name for model in cached_models())]
    return [name for name in dict.fromkeys(here) if name.startswith(incomplete)]


def _is_builtin(ctx: typer.Context) -> bool:
    text, model = str(ctx.params.get("text")), ctx.params.get("model")
    return model in (None, "builtin") and not text.endswith(".safetensors")


def _last_of_list(names: list[str], incomplete: str) -> list[str]:
    """The completions of the part after the last comma of a list."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]

"""What the shell completes after an option: no torch, no model is loaded, and only what can be known at once."""

from collections.abc import Callable, Iterable

import typer

from attnviz.kinds import KINDS

Complete = Callable[[typer.Context, str], list[str]]


def one_of(values: Iterable[str]) -> Complete:
    """What completes one of `values`."""
    known = tuple(values)
    return lambda ctx, incomplete: [value for value in known if value.startswith(incomplete)]


def layers(ctx: typer.Context, incomplete: str) -> list[str]:
    """The layers of the built-in model, of the kind that is named, and the names that every model has."""
    from attnviz.scratch.transformer import Config

    names = ["last"]
    if _is_builtin(ctx):
        decoder = ctx.params.get("kind") in KINDS[1:]
        names = [*map(str, range(Config.decoder_layers if decoder else Config.encoder_layers)), *names]
    return _last_of_list(names, incomplete)


def heads(ctx: typer.Context, incomplete: str) -> list[str]:
    """The heads of the built-in model; of another, what is in it is not known before it is loaded."""
    from attnviz.scratch.transformer import Config

    return _last_of_list(list(map(str, range(Config.h))), incomplete) if _is_builtin(ctx) else []


def colour_maps(ctx: typer.Context, incomplete: str) -> list[str]:
    """matplotlib's colour maps."""
    from attnviz.render.colour_maps import colour_maps

    return [name for name in colour_maps() if name.startswith(incomplete)]


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """The models that are here: built in, in packages, in the Hub's cache. Files are the shell's own to complete."""
    from attnviz.models import BUILTIN
    from attnviz.models.huggingface.hub_cache import cached_models
    from attnviz.models.huggingface.packages import packaged_models

    here = [BUILTIN, *(model.package for model in packaged_models()), *(model.name for model in cached_models())]
    return [name for name in dict.fromkeys(here) if name.startswith(incomplete)]


def _is_builtin(ctx: typer.Context) -> bool:
    text, model = str(ctx.params.get("text")), ctx.params.get("model")
    return model in (None, "builtin") and not text.endswith(".safetensors")


def _last_of_list(names: list[str], incomplete: str) -> list[str]:
    """The names that go on what is written after the last comma of a list."""
    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(begun)]

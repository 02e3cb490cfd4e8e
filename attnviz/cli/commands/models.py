"""`attnviz models`: what can be loaded here."""

from importlib.util import find_spec

from attnviz.cli.console import printable, stdout

EXAMPLES = "attnviz models"


def models() -> None:
    """List what can be loaded here."""
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from attnviz.models.huggingface.hub_cache import cached_models
    from attnviz.models.huggingface.packages import packaged_models
    from attnviz.render.terminal.drawing import Trimmed
    from attnviz.scratch.transformer import Config

    table = Table("model", "what it is", box=None, pad_edge=False)
    sizes = f"{Config.encoder_layers} + {Config.decoder_layers} layers × {Config.h} heads"
    table.add_row("builtin", f"encoder-decoder, {sizes}: translates between English and Korean")
    for model in cached_models():
        part = "" if model.has_weights else ", without weights"
        table.add_row(Text(printable(model.name)), f"in the Hugging Face cache, {model.size}{part}")
    for packaged in packaged_models():
        table.add_row(Text(printable(packaged.package)), f"in an installed package, {decimal(packaged.size)}")
    table.add_row("NAME", "any text model of the Hugging Face Hub, downloaded once")
    peft = "" if find_spec("peft") else " (needs: pip install 'attnviz[adapters]')"
    table.add_row("FOLDER", "a local folder with config.json, weights and tokenizer")
    table.add_row("ADAPTER", f"a local folder, or a name on the Hub, with an adapter of peft for another model{peft}")
    gguf = "" if find_spec("gguf") else " (needs: pip install 'attnviz[gguf]')"
    table.add_row("PACKAGE", "an installed package that carries a model")
    table.add_row("FILE.gguf", f"a GGUF file{gguf}")
    table.add_row("FILE.safetensors", "a built-in model that attnviz train has made")
    stdout().print(Trimmed(table))

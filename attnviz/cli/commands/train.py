"""`attnviz train`: the built-in model again, from nothing."""

from pathlib import Path
from typing import Annotated

from attnviz.cli.console import stdout
from attnviz.cli.options import option, positive
from attnviz.cli.output import print_path, require_folder_name
from attnviz.cli.progress import bar, working

EXAMPLES = """\
attnviz train -o runs
attnviz train -o runs --seed 0 --seed 1 --seed 2
attnviz plot "I ate an apple" -m runs/builtin-2.safetensors"""


def train(
    output: Annotated[
        Path, option("--output", "-o", metavar="FOLDER", help="The folder that the weights are written to.")
    ],
    seed: Annotated[
        list[int] | None, option(metavar="SEED", help="2 by default. Repeatable: one model for each.")
    ] = None,
    steps: Annotated[
        int | None,
        option(metavar="N", callback=positive, help="Stop after N steps instead of 10000, for a trial."),
    ] = None,
) -> None:
    """Train the built-in model again, from nothing.

    Prints how well it does on sentences that it never saw. Takes about 40 minutes on one core. Checkpoints
    are kept in FOLDER: after an interruption the same command continues from there.
    """
    from attnviz.files import require_writable, write_whole

    require_folder_name(output, "train writes checkpoints and weights into one")
    with working("Importing torch"):
        from attnviz.scratch.corpus import draw_corpus
        from attnviz.scratch.evaluate import evaluate, table
        from attnviz.scratch.measurements import measured
        from attnviz.scratch.store import SHIPPED_SEED, read, to_bytes
        from attnviz.scratch.train import Recipe, require_resumable
        from attnviz.scratch.train import train as train_model
        from attnviz.scratch.vocabulary import make_tokenizer

        corpus = draw_corpus()
    recipe = Recipe() if steps is None else Recipe(steps=steps)
    tokenizer = make_tokenizer()
    seeds = list(dict.fromkeys(seed or [SHIPPED_SEED]))
    models = {one: output / f"builtin-{one}.safetensors" for one in seeds}
    require_writable(models.values(), [])
    require_resumable(tokenizer, recipe, seeds, output)
    columns = {}
    for one in seeds:
        with bar(f"Seed {one}", recipe.steps) as advance:

            def tell(made: int, now: str, seed: int = one) -> None:
                advance(made, f"Seed {seed} {now}")

            checkpoint = train_model(tokenizer, recipe, one, output, tell)
        path = write_whole(models[one], to_bytes(checkpoint))
        print_path(path)
        with working("Measuring on sentences it never saw"):
            trained = measured(read(path), corpus)
            write_whole(path, to_bytes(trained))
            columns[path.name] = evaluate(trained, corpus)
    stdout().print(table(columns), soft_wrap=True)

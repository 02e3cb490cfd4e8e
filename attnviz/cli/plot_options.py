"""How attention is drawn, as options of the command line."""

from dataclasses import dataclass
from typing import Annotated

from attnviz.cli import completion
from attnviz.cli.options import LOOK, OUTPUT, SHOWN, option
from attnviz.render.options import SINKS, SPECIALS, THEMES, PlotOptions
from attnviz.render.styles import STYLES


@dataclass(frozen=True)
class PlotOptionGroup(PlotOptions):
    """`PlotOptions` whose every field is an option of the command line, with the same defaults."""

    style: Annotated[
        str,
        option(
            metavar="STYLE",
            autocompletion=completion.one_of(STYLES),
            help=f"{', '.join(STYLES)}; {next(iter(STYLES))} by default.",
        ),
    ]
    query: Annotated[
        str | None,
        option(
            group=SHOWN,
            metavar="WORD",
            help="The row that --style text shows: the word that it reads, or in cross-attention the word that it "
            "writes. '->Paris' is the row that writes Paris, 'is->' the one that reads is, 'an#2' the second an. A "
            "row's number will do too. By default the row of the strongest link between content words.",
        ),
    ]
    cmap: Annotated[
        str | None,
        option(
            group=LOOK,
            metavar="NAME",
            autocompletion=completion.colour_maps,
            help="A colour map of matplotlib, such as viridis.",
        ),
    ]
    vmax: Annotated[
        float | None,
        option(group=LOOK, metavar="WEIGHT", help="The weight where the scale ends; by default the largest."),
    ]
    log: Annotated[bool, option("--log", group=LOOK, help="Use a logarithmic scale, of three powers of ten.")]
    annotate: Annotated[
        bool | None, option(group=LOOK, help="Write the weights into the cells, or not; by default where they fit.")
    ]
    title: Annotated[
        str | None, option(group=LOOK, metavar="TITLE", help="A title in place of the sentence; '' for none.")
    ]
    size: Annotated[str | None, option(group=OUTPUT, metavar="INCHES", help="The picture's width, or WxH: 6.5, 6.5x4.")]
    dpi: Annotated[int | None, option(group=OUTPUT, metavar="N", help="Dots per inch of a .png; 150 by default.")]
    theme: Annotated[
        str | None,
        option(group=LOOK, metavar="THEME", autocompletion=completion.one_of(THEMES), help=f"{', '.join(THEMES)}."),
    ]
    font_size: Annotated[
        float | None,
        option("--font-size", group=LOOK, metavar="POINTS", help="The size of a picture's labels; 9.5 by default."),
    ]
    transparent: Annotated[
        bool, option("--transparent", group=LOOK, help="Leave out the background of a picture, for slides.")
    ]
    colorbar: Annotated[
        bool,
        option(
            "--colorbar/--no-colorbar", group=LOOK, help="Show what the colours of a picture mean, or leave that out."
        ),
    ]
    sink: Annotated[
        str,
        option(
            group=SHOWN,
            metavar="HOW",
            autocompletion=completion.one_of(SINKS),
            help=f"How to draw the first key, where many heads put weight that they do not need: {', '.join(SINKS)}. "
            "mask leaves its column empty; renorm also divides each row by what is left.",
        ),
    ]
    special: Annotated[
        str,
        option(
            group=SHOWN,
            metavar="HOW",
            autocompletion=completion.one_of(SPECIALS),
            help=f"How to draw special tokens, such as [CLS]: {', '.join(SPECIALS)}. hide leaves out their columns "
            "and rows; renorm also divides each row by what is left.",
        ),
    ]
    mean: Annotated[
        bool, option("--mean", group=SHOWN, help="Draw the heads that are named, or all of them, as one: their mean.")
    ]
    max: Annotated[bool, option("--max", group=SHOWN, help="The same by the largest weight that one of them has.")]

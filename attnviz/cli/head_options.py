"""The options of `attnviz heads`: which heads it shows, in which order, and by which numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from attnviz.analysis.head_table import COLUMNS, measure_named, require_names
from attnviz.analysis.role import ROLES
from attnviz.cli import completion, options
from attnviz.cli.errors import UsageError
from attnviz.errors import SelectionError
from attnviz.files import PICTURE_ENDINGS
from attnviz.head_names import parse_heads
from attnviz.probes import PROBES
from attnviz.render import PAGES

TABLE_ENDINGS = (".csv", ".json", ".parquet")
"""The endings of files with a table of heads."""

Sort = Annotated[
    str | None,
    options.option(
        group=options.WHICH_HEADS,
        metavar="MEASURE",
        autocompletion=completion.one_of(COLUMNS),
        help=f"Order the heads by a measure, the largest first: {', '.join(COLUMNS)}. What it means stands below the "
        "table.",
    ),
]
Role = Annotated[
    str | None,
    options.option(
        group=options.WHICH_HEADS,
        metavar="ROLE",
        autocompletion=completion.one_of(ROLES),
        help=options.lines(
            "Only heads of this role. A role is a measure above a threshold, and above what uniform attention gives:",
            *(f"{role.name} > {role.threshold:g}: {role.meaning}" for role in ROLES.values()),
        ),
    ),
]
Top = Annotated[
    int | None,
    options.option(
        group=options.WHICH_HEADS, metavar="N", callback=options.positive, help="Only the first N heads of each kind."
    ),
]
Measure = Annotated[
    str | None,
    options.option(
        group=options.WHICH_HEADS,
        metavar="MEASURE",
        autocompletion=completion.one_of(COLUMNS),
        help="With -o, draw a map of this measure, layers × heads, instead of the heads.",
    ),
]


From = Annotated[
    str | None,
    options.option(
        "--from",
        group=options.WHICH_HEADS,
        metavar="WORD",
        help="With --to, rank the heads by how much this word looks at that one: a word, several in a row ('red "
        "apple'), 'an#2' for the second, a token's number, or chars:3-12. A decoder's row is named as in --query.",
    ),
]
To = Annotated[
    str | None,
    options.option("--to", group=options.WHICH_HEADS, metavar="WORD", help="The word that is looked at: see --from."),
]


Effect = Annotated[
    str | None,
    options.option(
        "--effect",
        group=options.WHICH_HEADS,
        metavar="WORD",
        help="Rank the heads by how much the probability of this word changes if what a head gives is taken out: a "
        "word that the text or the translation has, or else the next token or the mask. With --from and --to beside "
        "their weight on that link.",
    ),
]


Probe = Annotated[
    str | None,
    options.option(
        "--probe",
        group=options.IN_PLACE_OF_TEXT,
        metavar="PROBE",
        autocompletion=completion.one_of(PROBES),
        help=options.lines(
            "Let a decoder read texts that show what its heads do, and rank them by it, beside a baseline:",
            *(f"{probe.name}: {probe.meaning}" for probe in PROBES.values()),
        ),
    ),
]
Samples = Annotated[
    int | None,
    options.option(
        "--samples",
        group=options.IN_PLACE_OF_TEXT,
        metavar="N",
        callback=options.positive,
        help="With --probe, the number of samples. By default: "
        + ", ".join(f"{probe.name} {probe.samples}" for probe in PROBES.values())
        + ".",
    ),
]


Corpus = Annotated[
    Path | None,
    options.option(
        "--corpus",
        group=options.IN_PLACE_OF_TEXT,
        metavar="FILE",
        help="All texts of a file, each with the same weight: .txt (a text a line), .jsonl, .csv, .tsv or "
        ".parquet (text, and as needed target, pair, from, to), .conllu. With pairs of words (from and to, or the "
        "dependencies of .conllu) heads are ranked by them, unless --sort, --role or --measure is given.",
    ),
]


Examples = Annotated[
    str | None,
    options.option(
        "--examples",
        group=options.IN_PLACE_OF_TEXT,
        metavar="HEAD",
        help="With --corpus, show the texts in which a number of this head (L3H1) is largest, in the middle, and "
        "smallest: its score on pairs of words, --sort, or the measure of its role. --top N: N texts of each.",
    ),
]
SaveRoles = Annotated[
    Path | None,
    options.option(
        "--save-roles",
        group=options.IN_PLACE_OF_TEXT,
        metavar="PATH",
        help="With --corpus, write what the heads were measured to do to attnviz.json in this folder, or to this .json "
        "file. In the folder of a model, attnviz heads shows it.",
    ),
]


@dataclass(frozen=True)
class HeadOptions:
    """Which heads are shown, in which order, and by what."""

    sort: Sort = None
    role: Role = None
    top: Top = None
    measure: Measure = None
    from_word: From = None
    to_word: To = None
    effect: Effect = None
    probe: Probe = None
    samples: Samples = None
    corpus: Corpus = None
    examples: Examples = None
    save_roles: SaveRoles = None

    @property
    def link(self) -> tuple[str, str] | None:
        """The two words of a link, if heads are ranked by one."""
        return None if self.from_word is None or self.to_word is None else (self.from_word, self.to_word)

    @property
    def sorted_by(self) -> str | None:
        """The measure by which heads are sorted."""
        return measure_named(self.sort)

    @property
    def mapped(self) -> str | None:
        """The measure that is drawn as a map."""
        return measure_named(self.measure)

    @property
    def example_head(self) -> tuple[int, int] | None:
        """The layer and the head whose examples are shown. Raises UsageError for what is not one head of one layer."""
        if self.examples is None:
            return None
        try:
            _, named = parse_heads(self.examples)
        except SelectionError:
            named = None
        if named is None or len(named) != 1:
            raise UsageError(f"--examples {self.examples!r} is not one head of one layer", "For example: L3H1")
        return named[0]

    @property
    def of_measures(self) -> bool:
        """Whether heads are shown by measures even if a corpus has pairs of words."""
        return not (self.sort is None and self.role is None and self.measure is None)

    def check(self, suffix: str | None) -> None:
        """Refuse options that have no effect on a file that ends in `suffix`, or for None on the terminal.

        Raises UsageError, and SelectionError for an unknown measure or role.
        """
        require_names(measure_named(self.sort), self.role)
        measure_named(self.measure)
        if (self.from_word is None) != (self.to_word is None):
            has, lacks = ("--from", "--to") if self.to_word is None else ("--to", "--from")
            raise UsageError(f"{has} goes with {lacks}: a link has two words", "For example: --from ate --to apple")
        self._check_effect(suffix)
        self._check_probe(suffix)
        self._check_corpus(suffix)
        if self.measure is not None and suffix not in PICTURE_ENDINGS:
            raise UsageError("--measure draws a picture", "Name one: -o heads.png. To order a table: --sort.")
        of_table = {"role": self.role} | ({} if self.link and suffix not in PAGES else {"top": self.top})
        of_table |= {} if suffix in PAGES else {"sort": self.sort}
        for name, value in of_table.items():
            if value is not None and suffix is not None and suffix not in TABLE_ENDINGS:
                hint = "To draw some of its heads, name them: --head L0H2,L3H1. A table is one of: "
                hint += " ".join(TABLE_ENDINGS)
                raise UsageError(f"--{name} is for the table of heads", hint)
        for name in ("sort", "role", "measure"):
            if self.link and getattr(self, name) is not None:
                raise UsageError(f"--{name} cannot go with --from and --to", "They rank the heads by that link.")

    def _check_effect(self, suffix: str | None) -> None:
        """Refuse what cannot go with a ranking by effects."""
        if self.effect is None:
            return
        for name in ("sort", "role", "measure", "probe", "corpus"):
            if getattr(self, name) is not None:
                raise UsageError(f"--{name} cannot go with --effect", "Leave one of them out.")
        if suffix is not None and suffix not in TABLE_ENDINGS:
            raise UsageError("effects are numbers of heads", f"Name a table: {' '.join(TABLE_ENDINGS)}")

    def _check_probe(self, suffix: str | None) -> None:
        """Refuse an unknown probe, and options that cannot go with a probe."""
        if self.probe is None:
            if self.samples is not None:
                raise UsageError("--samples is for a probe", f"Name one: --probe {' or --probe '.join(PROBES)}")
            return
        if self.probe not in PROBES:
            raise UsageError(f"there is no probe {self.probe!r}", f"Probes: {', '.join(PROBES)}.")
        for name in ("sort", "role", "measure", "from_word", "to_word"):
            if getattr(self, name) is not None:
                raise UsageError(f"--{name.removesuffix('_word')} cannot go with --probe", "Leave it out.")
        if suffix is not None and suffix not in TABLE_ENDINGS:
            raise UsageError("a probe gives numbers", f"Name a table: {' '.join(TABLE_ENDINGS)}")

    def _check_corpus(self, suffix: str | None) -> None:
        """Refuse options that cannot go with a corpus."""
        if self.corpus is None:
            for name in ("examples", "save_roles"):
                if getattr(self, name) is not None:
                    raise UsageError(f"--{name.replace('_', '-')} needs a corpus", "Name one: --corpus texts.txt")
            return
        if self.example_head is not None:
            for name in ("role", "measure"):
                if getattr(self, name) is not None:
                    raise UsageError(f"--{name} cannot go with --examples", "By a measure: --sort MEASURE.")
        for name in ("from_word", "to_word", "probe"):
            if getattr(self, name) is not None:
                hint = "Leave it out." if name == "probe" else "Put pairs into the file: columns from and to."
                raise UsageError(f"--{name.removesuffix('_word')} cannot go with --corpus", hint)
        if suffix is not None and suffix not in TABLE_ENDINGS and self.measure is None:
            message = f"a corpus gives numbers of heads: there is no attention to write to {suffix}"
            raise UsageError(message, f"Name a table: {' '.join(TABLE_ENDINGS)}; or draw a measure: --measure entropy.")

"""What can be asked of preparing and reading, declared once (see `seqmix.config.options`); nothing here waits for numpy."""

from __future__ import annotations

from dataclasses import dataclass

from seqmix.config.data import TRUNCATIONS
from seqmix.config.options import check, documented, option
from seqmix.errors import ConfigError, command, param
from seqmix.system.ranges import MOST_POSITIONS, MOST_SEED

ALPHABETS = ("dna", "dna-iupac", "protein", "chars", "bytes", "words", "subwords", "real")
UNKNOWN_POLICIES = ("map", "drop", "error")
TASKS = ("classification", "multilabel", "regression")
SEQUENCE_FORMATS = ("fasta", "fastq", "genbank", "embl", "swissprot")
TABLE_FORMATS = ("csv", "tsv", "jsonl")
FORMATS = (*SEQUENCE_FORMATS, *TABLE_FORMATS, "text")

_SOURCES = ("header", "header-regex", "table", "column", "file", "folder")
_DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|", "space": " "}
_WRITTEN_OUT = {"tab": "\t", "\\t": "\t", "\\n": "\n"}  # as a command line without $'…' passes them

SEQUENCES, LABELS, SPLITTING, FILES = "Sequences", "Labels", "Splits", "Files"  # panels of `--help`


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareOptions:
    """What `prepare` does with the records that it reads."""

    alphabet: str = option(
        "auto",
        "Symbols of the sequences; auto: that of the data set of a paper, else guessed from the first records (words: text "
        "between white space; subwords: pieces of words, learned from the training split; real: numbers).",
        flag=True,
        panel=SEQUENCES,
        choices=("auto", *ALPHABETS),
    )
    unknown: str | None = option(
        None,
        "What to do with characters outside the alphabet: map (to N, X or UNK), drop or error.",
        flag=True,
        panel=SEQUENCES,
        shown="map for chars, else error",
        choices=UNKNOWN_POLICIES,
    )
    vocabulary_size: int | None = option(
        None,
        "How many subwords are learned at most, the 256 bytes among them.",
        at_least=256,
        at_most=65_000,
        flag=True,
        panel=SEQUENCES,
        shown="8192 for subwords",
    )
    vocabulary_from: str | None = option(
        None,
        f"Data set or run whose vocabulary the data set has as well, as {command('train')} with {param('init')} needs it.",
        flag=True,
        panel=SEQUENCES,
        metavar="FOLDER",
        shown="its own",
    )
    min_length: int = option(
        0,
        "Leave out records of fewer characters (words, subwords); at 0 an empty record is an error.",
        at_least=0,
        at_most=MOST_POSITIONS,
        flag=True,
        panel=SEQUENCES,
    )
    max_length: int | None = option(
        None,
        "Cut longer records to this many characters (words, subwords).",
        at_least=1,
        at_most=MOST_POSITIONS,
        flag=True,
        panel=SEQUENCES,
        shown="never",
    )
    truncate: str = option(
        "start", "Which part of a record that is cut is kept.", choices=TRUNCATIONS, flag=True, panel=SEQUENCES
    )
    split: str = option(
        "auto",
        "Fractions of train, validation and test; auto: 0.6,0.2,0.2, or as the data set of a paper is divided. If a test split "
        "is given but no validation split, the rest is divided in the proportion of the first two.",
        flag=True,
        panel=SPLITTING,
    )
    split_by: str | None = option(
        None,
        "similarity[=SHARE]: keep similar records in one split, and chains of such records too. Two are similar if one has at "
        "least this share of the other's k-mers (texts: runs of words); the share is 0.5 unless stated.",
        flag=True,
        panel=SPLITTING,
        metavar="similarity[=SHARE]",
        shown="equal ones alone",
    )
    seed: int = option(0, "Seed of the split.", at_least=0, at_most=MOST_SEED, flag=True, panel=SPLITTING)
    task: str | None = option(
        None,
        f"What is learned; multilabel (several labels for a record) needs {param('label_separator')}, regression has numbers "
        "as labels.",
        flag=True,
        panel=LABELS,
        shown="classification; multilabel with a separator",
        choices=TASKS,
    )
    tolerance: float | None = option(
        None,
        "Regression: error up to which a prediction counts as right.",
        above=0,
        at_most=1e300,
        flag=True,
        panel=LABELS,
        shown="not counted",
    )

    def __post_init__(self) -> None:
        check(self, spelled=param)
        if self.tolerance is not None and self.task != "regression":
            raise ConfigError(f"{param('tolerance')} needs {param('task', 'regression')}: got task {self.task!r}")
        if self.vocabulary_size is not None and self.alphabet != "subwords":
            raise ConfigError(f"{param('vocabulary_size')} needs {param('alphabet', 'subwords')}: got {self.alphabet}")
        if self.vocabulary_from is not None and (self.alphabet != "auto" or self.vocabulary_size is not None):
            raise ConfigError(
                f"{param('vocabulary_from')} brings the alphabet: leave out {param('alphabet')} and {param('vocabulary_size')}"
            )
        if self.max_length is not None and self.max_length < self.min_length:
            raise ConfigError(f"{param('max_length')} must be at least {param('min_length')}: got {self.max_length}")
        if self.split != "auto":
            from seqmix.data.splits.assign import parse_fractions

            parse_fractions(self.split)
        if self.split_by is not None:
            from seqmix.data.splits.similarity import parse_split_by

            parse_split_by(self.split_by)


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class ReadOptions:
    """How inputs are read."""

    format: str = option(
        "auto", "Format of the inputs; auto: by content.", flag="--input-format", panel=FILES, choices=("auto", *FORMATS)
    )
    encoding: str = option("utf-8", "Encoding of documents and tables, as Python names it.", flag=True, panel=FILES)
    text_column: str | None = option(
        None, "Column of a table that holds the text.", flag=True, panel=FILES, shown="text, sequence …"
    )
    id_column: str | None = option(
        None, "Column of a table, also of one of labels, that holds the id.", flag=True, panel=FILES, shown="id, name …"
    )
    pair_column: str | None = option(
        None, "Where records are pairs of texts: column of the second text.", flag=True, panel=FILES, shown="no pairs"
    )
    delimiter: str | None = option(
        None,
        "Character between the cells of a CSV or TSV table, such as ; or tab.",
        flag=True,
        panel=FILES,
        shown="found by the header",
    )
    label_from: str | None = option(
        None,
        "Where labels are: header:KEY, header-regex:RE, table:FILE, column:NAME, file (its stem) or folder.",
        flag=True,
        panel=LABELS,
        shown="found by looking",
    )
    label_separator: str | None = option(
        None,
        "Separator between the labels of a record that has several, such as a comma.",
        flag=True,
        panel=LABELS,
        shown="one label each",
    )
    group_from: str | None = option(
        None,
        "Keep records of one group in one split: header:gene, header-regex:RE, column:NAME or table:FILE.",
        flag="--group",
        panel=SPLITTING,
        shown="no groups",
    )
    split_from: str | None = option(
        None,
        "Where splits are given: column:NAME, table:FILE or header:KEY.",
        flag=True,
        panel=SPLITTING,
        shown="not given",
    )
    hold_out: str | None = option(
        None,
        "Records that are the test split, the others being divided into training and validation: names, such as chr8,chr9 "
        "(also of chr8:1000-3000); COLUMN=VALUE,... (or a key of headers); or /REGEX/ in the header.",
        flag=True,
        panel=SPLITTING,
        metavar="NAME,...",
        shown="drawn at random",
    )
    validate: str | None = option(
        None,
        f"Records that are the validation split, in the form of {param('hold_out')}.",
        flag=True,
        panel=SPLITTING,
        metavar="NAME,...",
        shown="drawn at random",
    )
    classes: tuple[str, ...] = option(
        (), "Keep only the records of these classes.", flag=True, panel=LABELS, metavar="NAME,...", shown="all"
    )
    include: tuple[str, ...] = option(
        (),
        "Read only these files of folders, whatever their ending: patterns of paths in the folder, such as *.fa or mouse/*.",
        panel=FILES,
        shown="all with a known ending",
    )
    exclude: tuple[str, ...] = option((), "Leave out these files and folders of folders.", panel=FILES, shown="none")
    skip_unlabelled: bool = option(False, "Leave out records without a label instead of stopping.", flag=True, panel=LABELS)

    def __post_init__(self) -> None:
        for name in ("include", "exclude"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
        check(self, spelled=param)
        for name in ("label_from", "group_from", "split_from"):
            if isinstance(given := getattr(self, name), str):
                object.__setattr__(self, name, _tidy(given))
        for name in ("hold_out", "validate"):
            if (given := getattr(self, name)) is not None:
                from seqmix.data.splits.selection import parse_selection

                parse_selection(given, name)
                if self.split_from:
                    raise ConfigError(f"{param('split_from')} says the split of every record, and excludes {param(name)}")
        if self.label_separator in _WRITTEN_OUT:
            object.__setattr__(self, "label_separator", _WRITTEN_OUT[self.label_separator])
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", _DELIMITERS.get(self.delimiter.lower(), self.delimiter))
            if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
                raise ConfigError(
                    f"{param('delimiter')} must be one character, tab, comma, semicolon, bar or space: got {self.delimiter!r}",
                    option="delimiter",
                )
        try:
            if self.encoding.lower() in ("idna", "punycode"):  # of names of hosts, not of texts
                raise LookupError
            "".encode(self.encoding)
        except (LookupError, ValueError) as error:
            raise ConfigError(
                f"{param('encoding')}: Python knows no encoding '{self.encoding}'; try utf-8 or latin-1", option="encoding"
            ) from error


def _tidy(source: str) -> str:
    """Return "header:gene" for " Header: gene": the kind of a source in lower case, and no spaces around the colon."""
    kind, sign, key = source.strip().partition(":")
    kind = kind.strip().casefold().replace("_", "-")
    if kind not in _SOURCES:
        return source
    return f"{kind}{sign}{key if kind == 'header-regex' else key.strip()}"

"""`seqmix prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seqmix.cli.console import console, next_command, print_dataset, reported
from seqmix.cli.options import (
    Encoding,
    Format,
    IdColumn,
    LabelFrom,
    PairColumn,
    Quiet,
    TextColumn,
    Verbose,
)

app = typer.Typer()


@app.command()
@reported
def prepare(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="FASTA, FASTQ, GenBank, EMBL, CSV, TSV, JSONL, text (plain or .gz), folders, data sets of the papers; - for standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("seqmix-data"),
    alphabet: Annotated[
        str, typer.Option(help="auto, dna, dna-iupac, protein, chars, bytes, words (between white space) or real (numbers).")
    ] = "auto",
    unknown: Annotated[
        str | None,
        typer.Option(
            help="Characters outside the alphabet: map (to N, X or UNK), drop or error. (default: map for chars, else error)"
        ),
    ] = None,
    min_length: Annotated[int, typer.Option(help="Leave out records of fewer characters.")] = 0,
    max_length: Annotated[int | None, typer.Option(help="Cut longer records to this many characters. (default: never)")] = None,
    truncate: Annotated[str, typer.Option(help="Which part of a cut record is kept: start, end or middle.")] = "start",
    task: Annotated[
        str | None,
        typer.Option(
            help="classification, multilabel or regression (labels are numbers). (default: classification, or multilabel with --label-separator)"
        ),
    ] = None,
    label_from: LabelFrom = None,
    class_files: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME=FILE,...", help="Instead of INPUT, the files of a class; repeat for more."),
    ] = None,
    label_separator: Annotated[
        str | None,
        typer.Option(help="What stands between several labels of a record, such as a comma. (default: one label each)"),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="Of a regression: error up to which an answer counts as right. (default: not counted)")
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Keep only these classes, separated by commas. (default: all)")] = None,
    skip_unlabelled: Annotated[
        bool, typer.Option("--skip-unlabelled", help="Leave out records without a label instead of stopping.")
    ] = False,
    group: Annotated[
        str | None,
        typer.Option(help="Keep records of one group in one split: header:gene, header-regex:RE, column:NAME or table:FILE."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="Fractions of train, validation and test. auto: 0.6,0.2,0.2, or as the data set of a paper is divided."
        ),
    ] = "auto",
    split_from: Annotated[
        str | None, typer.Option(help="Where splits are given: column:NAME, table:FILE or header:KEY.")
    ] = None,
    val: Annotated[list[str] | None, typer.Option(help="Input that is the validation split; repeat for more.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Input that is the test split; repeat for more.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    input_format: Format = "auto",
    text_column: TextColumn = None,
    id_column: IdColumn = None,
    pair_column: PairColumn = None,
    encoding: Encoding = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a data set.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn sequence files and documents into a data set.

    Classes are file stems (several FASTA files), folder names, label=… in the headers, or what --label-from says.
    """
    from seqmix.cli.console import progress_bar
    from seqmix.data.prepare import PrepareOptions
    from seqmix.data.prepare import prepare as run_prepare
    from seqmix.data.records import ReadOptions, parse_class_files

    read = ReadOptions(
        format=input_format,
        encoding=encoding or "utf-8",
        text_column=text_column,
        id_column=id_column,
        pair_column=pair_column,
        label_from=label_from,
        label_separator=label_separator,
        group_from=group,
        split_from=split_from,
        classes=tuple(name.strip() for name in classes.split(",")) if classes else (),
        skip_unlabelled=skip_unlabelled,
    )
    options = PrepareOptions(
        alphabet=alphabet,
        unknown=unknown,
        min_length=min_length,
        max_length=max_length,
        truncate=truncate,
        split=split,
        seed=seed,
        task=task,
        tolerance=tolerance,
    )
    with progress_bar("reading", "characters", quiet) as bar:
        dataset = run_prepare(
            inputs or (),
            output,
            class_files=parse_class_files(class_files or ()),
            val=val or (),
            test=test or (),
            options=options,
            read=read,
            overwrite=overwrite,
            progress=lambda records, characters: bar.update(characters - bar.n),
        )
    out = console(quiet)
    print_dataset(out, dataset)
    if verbose:
        out.print_json(data={key: dataset.info[key] for key in ("options", "read", "inputs", "arrays")})
    after = (
        f"next: {next_command(dataset.path)}"
        if dataset.labelled
        else "no labels were found: predict works on such files as they are; to train, say where labels are with --label-from"
    )
    out.print(f"-> {dataset.path}  ({after})", highlight=False, soft_wrap=True)

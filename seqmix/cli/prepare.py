"""`seqmix prepare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqmix.cli.console import console, next_command, print_dataset, print_json, reported, say, wants_bar
from seqmix.cli.options import Exclude, HoldOut, Include, Quiet, Validate, Verbose, names, patterns, with_flags
from seqmix.config.options import options_of
from seqmix.data.options import LABELS, SPLITTING, PrepareOptions, ReadOptions

if TYPE_CHECKING:
    from seqmix.data.dataset import Dataset

app = typer.Typer()
_HELD_OUT = ("hold_out", "validate")  # may be repeated
_PREPARE = options_of(PrepareOptions)
_READ = {name: one for name, one in options_of(ReadOptions).items() if one.flag and name not in _HELD_OUT}


@app.command()
@with_flags({**_PREPARE, **_READ})
@reported
def prepare(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="FASTA, FASTQ, GenBank, EMBL, Swiss-Prot, CSV, TSV, JSONL, text (plain, .gz, .bz2, .xz or .zst), folders, data sets of the papers; - for standard input.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("seqmix-data"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUTPUT if it is a data set.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    class_files: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="NAME=FILE,...",
            help="The files of a class, instead of INPUT; repeat for more.",
            rich_help_panel=LABELS,
        ),
    ] = None,
    val: Annotated[
        list[str] | None,
        typer.Option(help="Input to use as the validation split; repeat for more.", rich_help_panel=SPLITTING),
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option(help="Input to use as the test split; repeat for more.", rich_help_panel=SPLITTING)
    ] = None,
    hold_out: HoldOut = None,
    validate: Validate = None,
    include: Include = None,
    exclude: Exclude = None,
    **options: Any,
) -> None:
    """Turn sequence files and documents into a data set.

    Classes are read from --label-from, or else found: label=… in headers, a column, names of folders or of FASTA files.
    Files, folders and a column named train, val, test are splits.
    """
    from seqmix.data.inputs import parse_class_files
    from seqmix.data.prepare import prepare as run_prepare

    if "classes" in options:
        options["classes"] = tuple(names(options["classes"]) or ())
    for name, given in zip(_HELD_OUT, (hold_out, validate), strict=True):
        options |= {name: ",".join(given)} if given else {}
    dataset = run_prepare(
        inputs or (),
        output,
        class_files=parse_class_files(class_files or ()),
        val=val or (),
        test=test or (),
        options=PrepareOptions(**{name: value for name, value in options.items() if name in _PREPARE}),
        read=ReadOptions(
            **patterns(include, exclude),
            **{name: value for name, value in options.items() if name in _READ or name in _HELD_OUT},
        ),
        overwrite=overwrite,
        progress=wants_bar(quiet),
    )
    _report(dataset, quiet, verbose)


def _report(dataset: Dataset, quiet: bool, verbose: bool) -> None:
    out = console(quiet)
    print_dataset(out, dataset)
    if verbose:
        print_json(out, {key: dataset.info[key] for key in ("options", "read", "inputs", "arrays")})
    after = (
        f"next: {next_command(dataset.path)}"
        if dataset.labelled
        else "no labels were found: predict works on such files as they are; to train, say where labels are with "
        "--label-from; seqmix pretrain learns without"
    )
    say(out, f"-> {dataset.path}  ({after})")

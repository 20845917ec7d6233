"""What the commands share: their common options, and how they report what goes wrong."""

from __future__ import annotations

from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more on what is done.")]
Format = Annotated[
    str, typer.Option("--input-format", help="auto (by content), fasta, fastq, genbank, embl, csv, tsv, jsonl or text.")
]
TextColumn = Annotated[
    str | None, typer.Option("--text-column", help="Column of a table that holds the text. (default: text, sequence …)")
]
IdColumn = Annotated[str | None, typer.Option("--id-column", help="Column of a table that holds the id. (default: id, name …)")]
PairColumn = Annotated[
    str | None,
    typer.Option("--pair-column", help="Where records are pairs of texts: the column of the second. (default: no pairs)"),
]
Encoding = Annotated[str | None, typer.Option("--encoding", help="How documents and tables are encoded. (default: utf-8)")]
Device = Annotated[str, typer.Option("--device", help="auto (a GPU if there is one), cpu, cuda, cuda:1 or mps.")]
Threads = Annotated[
    int | None, typer.Option("--threads", help="Threads on the CPU. (default: OMP_NUM_THREADS, or one for each core)")
]
Precision = Annotated[str, typer.Option("--precision", help="fp32, bf16 or fp16 (GPU only).")]
LabelFrom = Annotated[
    str | None,
    typer.Option(
        "--label-from",
        help="Where labels are: header:KEY, header-regex:RE, table:FILE, column:NAME, file (its stem) or folder. (default: found by looking)",
    ),
]


TrialThreads = Annotated[
    int | None,
    typer.Option("--threads", help="Threads of each training. (default: those there are, shared out among --jobs)"),
]
Jobs = Annotated[int, typer.Option("--jobs", help="Trainings side by side.")]
MixerSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.OPTION=VALUE",
        help="Any setting, for all mixers, or as MIXER:TABLE.OPTION=VALUE for one; repeat for more.",
    ),
]


def names(text: str | None) -> list[str] | None:
    """ "paramixer, softmax" as ["paramixer", "softmax"]; None: not given."""
    return [name.strip() for name in text.split(",")] if text is not None else None

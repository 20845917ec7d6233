"""`predict()`: any input that `prepare` reads, or sequences in memory, in; one prediction a record, in input order, out.

The vocabulary, the policy for unknown characters and the truncation are the model's own. In constant memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seqmix.config.options import taking
from seqmix.data.in_memory import memory_records
from seqmix.data.inputs import find_sources
from seqmix.data.options import ReadOptions
from seqmix.data.reading import RecordReader
from seqmix.data.records import Record
from seqmix.errors import ConfigError, command, param
from seqmix.models.predict_options import PredictOptions, predict_options
from seqmix.models.predictor import Prediction, Tally
from seqmix.reporting.progress import count_of, with_bar
from seqmix.run import Run, find_run
from seqmix.system.arguments import typed


@typed("inputs", "sequences")
@taking(PredictOptions)
def predict(
    inputs: Sequence[str | Path] | str | Path | None = None,
    run: Run | str | Path | None = None,
    *,
    sequences: Iterable[Any] | None = None,
    read: ReadOptions | None = None,
    tally: Tally | None = None,
    on_batch: Callable[[int], object] | None = None,
    progress: bool = False,
    **given: Any,
) -> Iterator[Prediction]:
    """Classify records: yield a `Prediction` for each, in input order.

    Options, model and the first records are checked before this returns, the rest as it is asked for.

    Args:
        inputs: files or folders, as `prepare` takes them; "-" is standard input.
        run: a run or its folder; None for the newest under runs/.
        sequences: instead of `inputs`, sequences in memory, as `Run.predict` takes them.
        read: formats and columns; None to read as the training data were read.
        tally: filled with counts on the way.
        on_batch: called with the number of records done after each batch.
        progress: whether to draw a progress bar.
        given

    Raises:
        RunError: the run cannot be used.
        InputError: a record cannot be read, or is longer than the model takes.
        ConfigError: an option has a value that is not allowed.

    Examples:
        >>> for prediction in seqmix.predict("new.fa", run):
        ...     print(prediction.id, prediction.label)
        >>> [prediction.label for prediction in seqmix.predict(sequences=["ACGTTGCA", "GGCATTAC"])]
    """
    if (inputs is None) == (sequences is None):
        raise ConfigError(
            f"{command('predict')} takes files as {param('inputs')}, or sequences in memory as {param('sequences')}: "
            f"give {'one of them' if inputs is None else 'only one of them'}"
        )
    options = predict_options(given)
    run = find_run(run)
    read = read or run.read_options
    records: Iterable[Record]
    share = None
    if sequences is not None:
        records = memory_records(sequences, read, paired=run.paired)
    else:
        sources = find_sources([] if inputs is None else inputs, own_formats=read.format == "auto", in_memory="sequences")
        records = reader = RecordReader(sources, read, labels=False)
        share = reader.share_read
    if progress:
        records = with_bar(records, "predicting", "records", count_of(sequences), share)
    return run.predictor(options.device).predict(records, options, tally=tally, on_batch=on_batch)


def reading_options(run: Run, **changes: Any) -> ReadOptions:
    """Return how the run's training data were read, with `changes` on top; those that are None change nothing."""
    return replace(run.read_options, **{name: value for name, value in changes.items() if value is not None})

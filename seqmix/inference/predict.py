"""`predict()`: classify the records of any input that `prepare` reads, or sequences in memory, in input order.

The vocabulary, the policy for unknown characters and the truncation are those of the model. Memory use is constant.
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
from seqmix.data.readers.opening import BrokenOffError
from seqmix.data.reading import RecordReader
from seqmix.data.records import Record
from seqmix.ensembles.find import find_run
from seqmix.errors import ConfigError, advice, command, param, unmarked
from seqmix.models.predict_options import PredictOptions, predict_options
from seqmix.models.prediction import Prediction, Tally
from seqmix.reporting.progress import count_of, with_bar
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.system.notes import note


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

    Options, model and the first records are checked before this returns; other records are checked as they are requested.

    Args:
        inputs: files or folders, as in `prepare`; "-" for standard input.
        run: a run or its folder; None for the newest run under runs/.
        sequences: sequences in memory instead of `inputs`, as in `Run.predict`.
        read: formats and columns; None to read like the training data.
        tally: receives counts of records and characters.
        on_batch: called after each batch with the number of its records.
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
    run.check_answers()
    run.label_objective.check_threshold(options.threshold)
    told = tally is not None
    tally = tally if tally is not None else Tally()
    read = read or run.read_options
    records: Iterable[Record]
    share = None
    if sequences is not None:
        records, tally.files = memory_records(sequences, read, paired=run.paired, vocabulary=run.vocabulary), 0
    else:
        sources = find_sources([] if inputs is None else inputs, read=read, labels=False, in_memory="sequences")
        reader = RecordReader(
            sources, read, labels=False, like=run.read_options, keep_unreadable=options.on_error != "stop", model=run.vocabulary
        )
        records = _noted(reader, tally, options, told=told)
        share, tally.files = reader.share_read, len(sources)
    if progress:
        records = with_bar(records, "predicting", "records", count_of(sequences), share)
    return run.predictor_for(options).predict(records, options, tally=tally, on_batch=on_batch)


def _noted(reader: RecordReader, tally: Tally, options: PredictOptions, *, told: bool) -> Iterator[Record]:
    """Yield the records of files; at the end, add to the tally what was found out about the files.

    Args:
        reader: reads them.
        tally: the tally.
        options: the options of prediction.
        told: whether the caller has the tally; otherwise a note says that a file breaks off.
    """
    try:
        yield from reader
    except BrokenOffError as error:
        if options.on_error == "stop" and error.records:
            error.text += advice(f"{param('on_error', 'skip')} keeps their predictions")
        raise
    tally.notes += reader.notes()
    tally.broken_off += reader.broken_off
    for why in () if told else reader.broken_off:
        note(unmarked(why))


def reading_options(run: Run, **changes: Any) -> ReadOptions:
    """Return the options to read new data like the run's training data, with `changes`; None leaves an option unchanged."""
    return replace(run.read_options, **{name: value for name, value in changes.items() if value is not None})

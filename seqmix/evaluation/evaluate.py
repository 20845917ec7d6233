"""Evaluation of a run on a split of its data set, or on new labelled files: each record once, from probabilities."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqmix.data.labels.source import file_stem
from seqmix.data.options import ReadOptions
from seqmix.data.prepare import as_list
from seqmix.ensembles.find import find_run
from seqmix.ensembles.members import Ensemble
from seqmix.errors import ConfigError, param
from seqmix.evaluation.against import check_comparable, check_same_records, compared_runs
from seqmix.evaluation.baselines import scores_of
from seqmix.evaluation.best_simple import Simple, simple_of_run
from seqmix.evaluation.by_length import scores_by_length
from seqmix.evaluation.calibrated import calibration_figures
from seqmix.evaluation.circumstances import circumstances, data_facts
from seqmix.evaluation.nearness import with_nearness
from seqmix.evaluation.new_files import reading_of_new_files
from seqmix.evaluation.predictions_file import predictions_name, refuse_foreign, write_predictions_file
from seqmix.evaluation.result import Evaluation
from seqmix.evaluation.sample import Sample, moved_dataset, new_files, own_split
from seqmix.evaluation.shown_records import first_pictures, worst_records
from seqmix.evaluation.verdict import Answers, judged
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import LabelObjective
from seqmix.objectives.metrics import Floats
from seqmix.reporting.progress import progress_bar
from seqmix.reporting.text import counted
from seqmix.run import EVALUATION, Run
from seqmix.system.arguments import typed
from seqmix.system.devices import check_device
from seqmix.system.files import refuse_link, write_whole
from seqmix.system.leftovers import scratch_folder
from seqmix.system.locks import locked
from seqmix.system.overwriting import refuse_input
from seqmix.system.ranges import check_numbers

if TYPE_CHECKING:
    from seqmix.models.predictor import Predictor

FEWER_RESAMPLES = 200  # for intervals of other methods and of bins by length, which follow from a standard error
_SCORES, _REPORT = "evaluation.json", "report.html"  # the files that are written, beside the predictions


@typed()
def evaluate(
    run: Run | str | Path | None = None,
    *,
    split: str = "test",
    data: Sequence[str | Path] | str | Path = (),
    output: str | Path | None = None,
    label_from: str | None = None,
    class_files: Mapping[str, Sequence[str | Path] | str | Path] | None = None,
    skip_unlabelled: bool = False,
    read: ReadOptions | None = None,
    baselines: bool = True,
    against: Run | str | Path | None = None,
    calibration: bool = True,
    device: str = "auto",
    precision: str = "fp32",
    threads: int | None = None,
    resamples: int = 1000,
    on_start: Callable[[int], object] | None = None,
    on_batch: Callable[[int], object] | None = None,
    progress: bool = False,
) -> Evaluation:
    """Evaluate a run and write `evaluation.json`, `report.html` and the predictions, `predictions-test.tsv`.

    Args:
        run: a run or its folder; the newest under runs/ if None.
        split: "train", "val" or "test" of the data set it was trained on.
        data: new labelled files to evaluate on instead; or the folder of the data set, if it has moved.
        output: folder for the three files; if None, the run's, or `eval-<name of the first file>` in it for new files.
        label_from: label source of new files; that of the training data if None.
        class_files: instead of `data`, the new file, or a list of them, of each class.
        skip_unlabelled: leave out records of new files that have no label.
        read: formats and columns of new files; None to read like the training data.
        baselines: whether to fit and score baselines, which needs the training data.
        against: another run, or its folder, to compare with on the same records.
        calibration: whether probabilities are calibrated, if the run has a calibration.
        device: as in `TrainingConfig`.
        precision: as in `TrainingConfig`.
        threads: CPU threads, as in `train`.
        resamples: number of bootstrap samples for the intervals.
        on_start: called with the number of records.
        on_batch: called after each batch with the number of records done.
        progress: whether to draw a progress bar.

    Returns:
        The scores, and everything that the report shows.

    Raises:
        RunError: the run cannot be used.
        DatasetError: its data set is missing, damaged or has changed.
        InputError: a new file cannot be read or has labels that the model does not know.
        ConfigError: there is no such split, or a sequence is too long for the model.
    """
    check_numbers(threads=threads, resamples=resamples)
    check_device(device, precision)
    run, other = find_run(run), None if against is None else find_run(against)
    run.check_answers()
    data = [data] if isinstance(data, str | Path) else list(data)
    by_class = {name: as_list(files) for name, files in (class_files or {}).items()}
    if by_class and (data or label_from):
        raise ConfigError(
            f"{param('class_files')} names the classes of all new files: leave out {param('data')} and {param('label_from')}"
        )
    if (label_from or skip_unlabelled or read) and not (data or by_class):
        raise ConfigError(
            f"{param('label_from')}, {param('skip_unlabelled')} and other options of reading are for new files: "
            f"name them with {param('data')}"
        )
    files = data or list(chain(*by_class.values()))
    if other:
        check_comparable(run, other, files)
    page, scores, table = evaluation_files(run, files, output, split)
    folder = page.parent
    for path in (page, scores, table):
        refuse_input(path, files)
    refuse_foreign(table)
    begun = time.monotonic()
    if output is None and folder != run.path:
        refuse_link(folder)
    with (
        locked(folder, EVALUATION, "evaluating", make=True) as lock,
        scratch_folder() as scratch,
    ):
        moved = moved_dataset(data)

        def records_for(one: Run) -> Sample:
            if not (by_class or (data and not moved)):
                return own_split(one, split, moved)
            options = reading_of_new_files(
                one, data, read, label_from=label_from, by_class=bool(by_class), skip_unlabelled=skip_unlabelled
            )
            return new_files(one, data, by_class, options, scratch / ("data" if one is run else "other"), baselines)

        sample = with_nearness(records_for(run), scratch)
        if other:
            check_same_records(run, sample, other, beside := records_for(other))
        from seqmix.evaluation.report import write_report
        from seqmix.system.devices import thread_count

        if on_start:
            on_start(len(sample.indices))
        with thread_count(threads), progress_bar("evaluating", "records", len(sample.indices), shown=progress) as bar:

            def report(count: int) -> None:
                bar.update(count)
                if on_batch:
                    on_batch(count)

            predictions, raw, branches = _predict(run, sample, device, precision, report, calibration)
            model, made = _model_in_words(run, device), circumstances(str(run.predictor(device).device), precision)
            if other:
                others = _predict(other, beside, device, precision, None, calibration)[0], _model_in_words(other, device)
        simple = simple_of_run(run, sample.trained, sample.dataset, sample.indices, fit=baselines)
        result = _result(run, sample, model, predictions, branches, simple, resamples)
        if other:
            answers = sample.answers(run.label_objective, predictions, resamples)
            result = replace(result, against=compared_runs(answers, run, other, *others))
        result = replace(result, **calibration_figures(run, sample.labels, predictions, raw, wanted=calibration))
        lock.check()
        write_predictions_file(
            table,
            run.label_objective,
            sample.dataset,
            sample.indices,
            predictions,
            separator=run.read_options.label_separator or ",",
            nearness=sample.nearness,
            groups=sample.groups,
        )
        write_whole(scores, result.to_json())
        write_report(result, run, page, made.ended(time.monotonic() - begun))
    return result


def evaluation_files(run: Run, data: Sequence[str | Path], output: str | Path | None, split: str) -> tuple[Path, Path, Path]:
    """Return the files that `evaluate` writes: the page, the scores and the predictions. New files are a test set."""
    folder = evaluation_folder(run, data, output)
    of = "test" if data and not moved_dataset(data) else split
    return folder / _REPORT, folder / _SCORES, folder / predictions_name(of)


def evaluation_folder(run: Run, data: Sequence[str | Path], output: str | Path | None) -> Path:
    """Return where `evaluate` writes: the run's folder for its own data, a folder in it for new files."""
    if output:
        return Path(output)
    if not data or moved_dataset(data):
        return run.path
    return run.path / f"eval-{'stdin' if str(data[0]) == '-' else file_stem(Path(data[0]), whole=True)}"


def _predict(
    run: Run,
    sample: Sample,
    device: str,
    precision: str,
    on_batch: Callable[[int], object] | None,
    calibrated: bool = True,
) -> tuple[Floats, Floats, dict[str, dict[str, Any]]]:
    """Return predictions for a sample, those without calibration, and `Evaluation.branches` with their "predictions"."""
    from seqmix.models.batched import branch_outputs
    from seqmix.models.branches import LEXICAL, MIXING, Branches

    dataset, predictor = sample.dataset, run.predictor(device)
    model, objective = predictor.model, predictor.objective
    lengths = dataset.cut_lengths(predictor.data.max_length)[sample.indices]
    if not predictor.accepts(int(lengths.max())):
        raise ConfigError(
            f"{dataset.path}: a sequence has {counted(int(lengths.max()), dataset.vocabulary.noun)}, the model takes at most "
            f"{predictor.max_length:,}"
        )
    if isinstance(run, Ensemble):
        predictions, raw = predictor.both_of_dataset(
            dataset, sample.indices, on_batch, precision=precision, calibrated=calibrated
        )
        return _answered(sample, predictor, predictions, precision), raw, {}
    outputs = branch_outputs(
        model,
        objective,
        lambda i: dataset.truncated(int(sample.indices[i]), predictor.data),
        lengths,
        device=predictor.device,
        precision=precision,
        window=predictor.data.window,
        on_batch=on_batch,
    )
    predictions, raw = predictor.both(outputs, calibrated=calibrated)
    predictions = _answered(sample, predictor, predictions, precision)
    if not isinstance(model, Branches) or model.mixing is None:
        return predictions, raw, {}
    spec, mixer = model.lexical.spec, run.config.model.mixer
    facts = {LEXICAL: (spec.noun, spec.title, 1 - model.weight), MIXING: (mixer, mixer, model.weight)}
    alone = {branch: objective.predictions(outputs[branch]) for branch in facts}
    return (
        predictions,
        raw,
        {
            branch: {
                "name": name,
                "title": title,
                "weight": round(weight, 4),
                "scores": objective.point_scores(alone[branch], sample.labels),
                "predictions": alone[branch],
            }
            for branch, (name, title, weight) in facts.items()
        },
    )


def _answered(sample: Sample, predictor: Predictor, predictions: Floats, precision: str) -> Floats:
    """Return predictions for a sample; raise an error if there is none for a record."""
    from seqmix.models.unanswered import no_answer, unanswered

    if len(failed := unanswered(predictions)):
        number = int(sample.indices[failed[0]])
        name = f"{sample.source}: record '{sample.dataset.ids()[number]}'"
        error = no_answer(name, sample.dataset.truncated(number, predictor.data), predictor.vocabulary, precision)
        error.text += f" ({counted(len(failed), 'record')} of {len(predictions):,})"
        raise error
    return predictions


def _model_in_words(run: Run, device: str) -> str:
    """Return what `Evaluation.model` holds."""
    if isinstance(run, Ensemble):
        return run.title
    from seqmix.models.branches import Branches

    model = run.predictor(device).model
    return model.lexical.spec.title if isinstance(model, Branches) and model.mixing is None else run.title


def _result(
    run: Run,
    sample: Sample,
    model: str,
    predictions: Floats,
    branches: dict[str, dict[str, Any]],
    simple: Simple,
    resamples: int,
) -> Evaluation:
    objective, labels = run.label_objective, sample.labels
    answers = sample.answers(objective, predictions, resamples)
    alone, few = {name: branch.pop("predictions") for name, branch in branches.items()}, min(resamples, FEWER_RESAMPLES)
    return Evaluation(
        run=str(run.path),
        source=sample.source,
        task=objective.kind,
        model=model,
        records=len(labels),
        classes=list(objective.classes),
        scores=answers.scores,
        columns=list(objective.compared),
        branches=branches,
        baselines=scores_of(simple.methods, objective, labels),
        intervals={
            name: objective.scores(found, labels, few, groups=answers.groups)
            for name, found in (alone | {method.name: method.predictions for method in simple.methods}).items()
        },
        pictures=first_pictures(objective, sample.dataset, sample.indices, predictions),
        history=run.history(),
        notes=[*sample.notes, *_grouped(sample, answers), *_absent(objective, labels), *unlearned_notes(run)],
        worst=worst_records(objective, sample.dataset, sample.indices, predictions, sample.nearness),
        by_length=scores_by_length(objective, predictions, labels, sample.dataset.lengths[sample.indices], few, answers.groups),
        data=data_facts(sample.dataset, sample.nearness, own=sample.own),
        **vars(objective.details(predictions, labels)),
        **judged(answers, simple),
        predictions=predictions,
    )


def _grouped(sample: Sample, answers: Answers) -> list[str]:
    """Return a note if intervals are over groups."""
    if answers.groups is None:
        return []
    by = (sample.dataset.info.get("groups") or {}).get("by")
    groups = f"{counted(len(np.unique(answers.groups)), 'group')} of {counted(len(answers.labels), 'record')}"
    return [f"intervals and p-values are over {groups}{f' (by {by})' if by else ''}, as records of a group are related"]


def unlearned_notes(run: Run) -> list[str]:
    """Return a note if the model has learned nothing."""
    if not run.learned_nothing:
        return []
    model = "model" if run.config.model.lexical == "none" else "mixing branch"
    constant = run.objective.constant
    return [f"the {model} has learned nothing: on validation it does not beat the {constant} by more than chance"]


def _absent(objective: LabelObjective, labels: Labels) -> list[str]:
    """Return a note if classes have no records."""
    missing = [name for name, count in objective.count(labels).items() if not count]
    return [f"no record of {', '.join(missing)}: scores are over the classes that occur"] if missing else []

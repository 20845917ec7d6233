"""The spectral study of Chen et al. (2021, Skyformer, section 4.5 and figure 1), for all installed attention mixers.

`bench_approximation` measures two things:

1. For every mixer that approximates an attention (`AttentionMixer.feature_options`), how far its output is from the exact
   output (`AttentionMixer.exact`): ``|approximate - exact|_2 / |exact|_2`` with the spectral norm of the (L, E) output of
   each head, for each number of features and each length. Skyformer is compared with kernelized attention, which it is
   meant to approximate; the paper compares its algorithm with softmax attention. Queries, keys and values are standard
   normal, or those of a trained model on records of its test split. Inputs and both attentions are float32, as in use;
   norms are computed in float64. Mixers are in `eval()` mode, with parameters as they are initialised.
2. How stable training with each attention mixer is: see `seqmix.bench.stability`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from seqmix.bench.approximation_result import ApproximationResult, ErrorPoint, ErrorSeries
from seqmix.bench.attention_inputs import GaussianInputs, Heads, Inputs, RunInputs, attention_mixers
from seqmix.bench.request import check_all
from seqmix.bench.stability import (
    BATCH_SIZE,
    LENGTH,
    SEEDS,
    SETTINGS,
    STEPS,
    Instability,
    TrainingBatches,
    model_config,
    training_taus,
)
from seqmix.data.dataset import Dataset
from seqmix.errors import ConfigError, DatasetError, SeqmixError, command
from seqmix.evaluation.training_data import training_data
from seqmix.mixers import AttentionMixer, build_mixer, mixer_class
from seqmix.reporting.text import short
from seqmix.run import Run
from seqmix.system.arguments import typed
from seqmix.system.devices import thread_count
from seqmix.system.environment import environment
from seqmix.system.ranges import check_numbers

FEATURES = (16, 32, 64, 128, 256)
LENGTHS = (256, 1024, 4096)
REPEATS = 3


@typed()
def bench_approximation(
    mixers: Sequence[str] | None = None,
    features: Sequence[int] = FEATURES,
    lengths: Sequence[int] = LENGTHS,
    *,
    run: str | Path | Run | None = None,
    data: str | Path | Dataset | None = None,
    repeats: int = REPEATS,
    steps: int = STEPS,
    seeds: int = SEEDS,
    threads: int | None = None,
    on_start: Callable[[int], object] | None = None,
    on_done: Callable[[], object] | None = None,
) -> ApproximationResult:
    """Measure how well attention is approximated, and how stable training with each attention mixer is.

    Args:
        mixers: names of attention mixers; None for all installed ones. The stability of softmax is always measured.
        features: numbers of features; sorted, and duplicates dropped.
        lengths: lengths in tokens, at least 16; sorted, and duplicates dropped.
        run: a run with an attention mixer, whose queries, keys and values are measured as well. Lengths that too few of its
            test records reach are left out, with a note.
        data: the data set to train on when measuring stability; None for the run's data set or, without a run, random DNA.
            With a run, the folder that its data set has moved to.
        repeats: draws of queries, keys and values, and of the approximations' random numbers.
        steps: training steps over which stability is measured.
        seeds: trainings over which stability is measured.
        threads: threads on the CPU; None for OMP_NUM_THREADS, or one for each core.
        on_start: called with the number of measurements to come.
        on_done: called after each measurement.

    Returns:
        The results; after an interruption (KeyboardInterrupt), what was measured until then.

    Raises:
        ConfigError: an option is not allowed.
        RunError: the run cannot be used.
        DatasetError: the data set cannot be used.
    """
    _check(mixers, features, lengths, {"repeats": repeats, "steps": steps, "seeds": seeds, "threads": threads})
    chosen = list(dict.fromkeys(mixers or attention_mixers()))
    opened = Run.open(run) if isinstance(run, str | Path) else run
    dataset = _dataset(opened, data)
    sources: list[Inputs] = [GaussianInputs()]
    if opened is not None and dataset is not None:
        sources.append(RunInputs(opened, dataset))
    result = ApproximationResult(
        settings={
            "mixers": chosen,
            "features": sorted(set(features)),
            "lengths": sorted(set(lengths)),
            "repeats": repeats,
            "inputs": {source.name: source.description for source in sources},
            "instability": {
                "data": str(dataset.path) if dataset else "random DNA",
                "steps": steps,
                "seeds": seeds,
                "length": LENGTH,
                "batch_size": BATCH_SIZE,
            },
        },
        environment={},
    )
    cut = opened.config.data.max_length if opened is not None else 0
    if 0 < cut < max(lengths):
        result.notes.append(f"run inputs: records were cut to {cut:,} characters in training; longer lengths use more of them")
    with thread_count(threads), torch.random.fork_rng(devices=[]):
        result.environment = environment()
        _measure(result, sources, dataset, on_start or (lambda _: None), on_done or (lambda: None))
    return result


def _check(
    mixers: Sequence[str] | None, features: Sequence[int], lengths: Sequence[int], numbers: dict[str, int | None]
) -> None:
    """Raise a `ConfigError` for options that are not allowed, before anything is measured."""
    for name in mixers or ():
        if not issubclass(mixer_class(name), AttentionMixer):
            raise ConfigError(f"the mixer '{name}' is not an attention mixer; available: {', '.join(attention_mixers())}")
    check_all("features", features)
    check_all("lengths", lengths)
    check_numbers(**numbers)


def _dataset(run: Run | None, data: str | Path | Dataset | None) -> Dataset | None:
    if run is not None:
        dataset: Dataset | None = training_data(run, data.path if isinstance(data, Dataset) else Path(data) if data else None)
    else:
        dataset = Dataset.open(data) if isinstance(data, str | Path) else data
    if dataset is not None and dataset.n_sequences == 2:
        raise DatasetError(f"{dataset.path}: this measurement needs single texts or sequences, not pairs")
    if run is None and dataset is not None and not (dataset.labelled and len(dataset.indices("train"))):
        raise DatasetError(
            f"{dataset.path}: there are no labelled training records to train with; run {command('prepare')} again with labels"
        )
    return dataset


def _measure(
    result: ApproximationResult,
    sources: Sequence[Inputs],
    dataset: Dataset | None,
    on_start: Callable[[int], object],
    on_done: Callable[[], object],
) -> None:
    """Measure everything, in order, and add it to `result`."""
    chosen, lengths = result.settings["mixers"], result.settings["lengths"]
    approximate = [name for name in chosen if _attention(name).feature_options(1) is not None]
    trained = list(dict.fromkeys(("softmax", *chosen)))
    on_start(len(sources) * len(lengths) * len(approximate) + len(SETTINGS) * len(trained))
    try:
        for source in sources:
            for length in lengths:
                if lacking := source.lacking(length, result.settings["repeats"]):
                    result.notes.append(f"{source.name} inputs: {short(length)} is left out: {lacking}")
                    continue
                try:
                    drawn = [source.draw(length, number) for number in range(result.settings["repeats"])]
                except SeqmixError as error:
                    result.notes.append(f"{source.name} inputs: {short(length)} is left out: {error}")
                    continue
                for name in approximate:
                    _add_errors(result, name, source, drawn)
                    on_done()
        for setting in SETTINGS:
            for name in trained:
                _add_instability(result, name, setting, dataset)
                on_done()
    except KeyboardInterrupt:
        if not (result.errors or result.instabilities):
            raise
        result.interrupted = True
    if not (result.errors or result.instabilities):
        raise SeqmixError(f"nothing could be measured: {'; '.join(result.notes)}")


def _attention(name: str) -> type[AttentionMixer]:
    found = mixer_class(name)
    assert issubclass(found, AttentionMixer)
    return found


def _add_errors(result: ApproximationResult, name: str, source: Inputs, drawn: Sequence[Heads]) -> None:
    """Add the errors of a mixer for each number of features; where the mixer fails, add a note."""
    length = drawn[0][0].shape[2]
    mask = torch.ones(1, length, dtype=torch.bool)
    series = ErrorSeries(mixer=name, inputs=source.name, length=length)
    exact: list[Tensor] = []
    failed: dict[int, str] = {}
    for n in result.settings["features"]:
        point = ErrorPoint(features=n)
        try:
            for number, (q, k, v) in enumerate(drawn):
                torch.manual_seed(number)
                options = {"n_heads": source.n_heads} | (_attention(name).feature_options(n) or {})
                mixer = build_mixer(name, source.n_heads * source.head_width, length, options).eval()
                assert isinstance(mixer, AttentionMixer)
                with torch.inference_mode():
                    if number == len(exact):
                        exact.append(mixer.exact(q, k, v, mask))
                    point.draws.append(relative_error(mixer.attend(q, k, v, mask), exact[number]))
        except (SeqmixError, ValueError, RuntimeError) as error:
            failed[n] = _first_line(error)
            continue
        if not series.points:
            result.errors.append(series)
        series.points.append(point)
    if failed:
        numbers, reason = ", ".join(map(str, failed)), next(iter(failed.values()))
        result.notes.append(f"{name}: {short(length)} with {numbers} features is left out ({source.name} inputs): {reason}")


def _add_instability(result: ApproximationResult, name: str, setting: str, dataset: Dataset | None) -> None:
    """Add the instability of a mixer in one setting, seed by seed; where training fails, stop and add a note."""
    try:
        found = Instability(mixer=name, setting=setting, options=model_config(name, LENGTH, setting).mixer_options)
        for seed in range(result.settings["instability"]["seeds"]):
            steps = result.settings["instability"]["steps"]
            task = TrainingBatches(dataset, seed, steps=steps, length=LENGTH, batch_size=BATCH_SIZE)
            logits, features = training_taus(name, task, setting, steps)
            found.logits.append(logits)
            found.features.append(features)
            if len(found.logits) == 1:
                result.instabilities.append(found)
    except (SeqmixError, ValueError, RuntimeError) as error:
        result.notes.append(f"{name}: instability was not measured ({setting}): {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def relative_error(approximate: Tensor, exact: Tensor) -> float:
    """Return ``|approximate - exact|_2 / |exact|_2`` of `(B, H, L, E)`, averaged over heads and sequences.

    Raises:
        SeqmixError: the error is not a finite number.
    """
    approximate, exact = approximate.double(), exact.double()
    found = (spectral_norm(approximate - exact) / spectral_norm(exact)).mean()
    if not bool(found.isfinite()):
        raise SeqmixError("the output has numbers that are not finite, or only zeros")
    return float(found)


def spectral_norm(matrices: Tensor) -> Tensor:
    """Return the largest singular value of each matrix `(..., L, E)`: the root of the `(E, E)` Gram matrix's."""
    if not bool(matrices.isfinite().all()):
        return torch.full(matrices.shape[:-2], torch.nan, dtype=matrices.dtype)
    squares: Tensor = torch.linalg.eigvalsh(matrices.mT @ matrices)
    return squares[..., -1].clamp_min(0.0).sqrt()

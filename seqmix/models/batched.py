"""A model's answers for many records, batch by batch: the one loop that validation, evaluation and prediction share.

The mixing branch can answer long records in windows. A window is then what a batch is made of, so that memory does not depend
on the length of a record, and the answer for a record is the mean of its windows' answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqmix.data.batching import collate, interleave, plan_batches
from seqmix.data.transforms import window_starts
from seqmix.data.vocabulary import Tokens
from seqmix.errors import SeqmixError
from seqmix.models.branches import MIXING, Branch, Model, branches_of, combined
from seqmix.models.members import Members
from seqmix.models.pooled_features import PooledFeatures
from seqmix.objectives.base import Objective
from seqmix.system.devices import autocast
from seqmix.system.memory import is_out_of_memory, release_memory


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in `eval()` and without gradients, and afterwards as it was."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def predict_batches(
    model: Model | Branch,
    objective: Objective,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    *,
    device: torch.device,
    precision: str = "fp32",
    tokens_per_batch: int = 65536,
    batch_size: int = 0,
    window: int = 0,
    on_batch: Callable[[int], object] | None = None,
) -> NDArray[np.float64]:
    """The model's answers `(n, C)` (see `Objective.predictions`) for n records, in their order, whatever the batches are.

    Args:
        model: on `device`.
        objective: what the model has learned.
        records: gives the sequences of the i-th record.
        lengths: tokens of each record, `(n,)`; of a pair, those of the longer.
        device: the device to compute on.
        precision: as in `TrainingConfig`.
        tokens_per_batch: most tokens in a batch, padding included.
        batch_size: records (or windows) in a batch; 0 for as many as `tokens_per_batch` allows.
        window: length of the windows that cover a longer record, in which the mixing branch sees it (of a pair, windows of both
            sequences side by side); 0 for whole records.
        on_batch: called with the number of records done after each batch.
    """
    if not len(lengths):
        return np.empty((0, 0))
    found = branch_outputs(
        model,
        objective,
        records,
        lengths,
        device=device,
        precision=precision,
        tokens_per_batch=tokens_per_batch,
        batch_size=batch_size,
        window=window,
        on_batch=on_batch,
    )
    return objective.predictions(combined(model, found))


def branch_outputs(
    model: Model | Branch,
    objective: Objective,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    *,
    window: int = 0,
    on_batch: Callable[[int], object] | None = None,
    **options: Any,
) -> dict[str, Tensor]:
    """Return the outputs `(n, n_outputs)` of each branch of a model, by name; arguments as in `predict_batches`."""
    found = {}
    for name, part in (parts := branches_of(model)).items():
        last = name == list(parts)[-1]  # takes by far the longest
        report = on_batch if last and on_batch else lambda _: None
        size = window if name == MIXING else 0
        if isinstance(part, Members):
            found[name] = part.combine(
                member_outputs(part, objective, records, lengths, window=size, on_batch=report, **options)
            )
        else:
            found[name] = _of_records(part, objective, records, lengths, size, report, **options)
    return found


def member_outputs(
    model: Members,
    objective: Objective,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    *,
    window: int = 0,
    on_batch: Callable[[int], object] = lambda _: None,
    **options: Any,
) -> list[Tensor]:
    """Return the outputs `(n, n_outputs)` of each member of a mixing branch; arguments as in `predict_batches`."""
    reports = [*(lambda _: None for _ in model.members[1:]), on_batch]
    return [
        _of_records(member, objective, records, lengths, window, report, **options)
        for member, report in zip(model.members, reports, strict=True)
    ]


def _sized(on_batch: Callable[[int], object]) -> Callable[[NDArray[np.int64]], object]:
    """Return a function that calls `on_batch` with the size of a batch."""
    return lambda batch: on_batch(len(batch))


def _of_records(
    model: Branch,
    objective: Objective,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    window: int,
    on_batch: Callable[[int], object],
    **options: Any,
) -> Tensor:
    """Return the outputs of one branch for each record, `(n, n_outputs)`, with windows the means of theirs.

    The mean is of outputs in `Objective.averaged_form`.
    """
    if not window:
        return outputs_of(model, records, lengths, _sized(on_batch), **options)
    counts = -(-lengths // window)
    firsts = counts.cumsum() - counts
    owner = np.repeat(np.arange(len(lengths)), counts)
    number = np.arange(len(owner)) - firsts[owner]
    missing = counts.copy()

    def view(position: int) -> list[Tokens]:
        place = int(owner[position])
        return [window_of(tokens, window, int(counts[place]), int(number[position])) for tokens in records(place)]

    def report(batch: NDArray[np.int64]) -> None:
        np.subtract.at(missing, owner[batch], 1)
        on_batch(int((missing[np.unique(owner[batch])] == 0).sum()))

    found = objective.averaged_form(outputs_of(model, view, np.minimum(lengths, window)[owner], report, **options))
    sums = np.add.reduceat(found.numpy(), firsts)
    return torch.from_numpy(sums / counts[:, None])


def window_of(tokens: Tokens, window: int, count: int, number: int) -> Tokens:
    """Return window `number`, from 0, of the `count` that a sequence is seen in; the sequence itself if that is one."""
    if count == 1:
        return tokens
    start = window_starts(len(tokens), window, count)[number]
    return tokens[start : start + window]


def outputs_of(
    model: Branch | PooledFeatures,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    on_batch: Callable[[NDArray[np.int64]], object],
    *,
    device: torch.device,
    precision: str = "fp32",
    tokens_per_batch: int = 65536,
    batch_size: int = 0,
) -> Tensor:
    """Return the outputs `(n, n_outputs)` of one branch or part for whole records; arguments as in `predict_batches`.

    Args:
        on_batch: called with the positions of the records of each batch.
    """
    result: Tensor | None = None

    def classify(positions: NDArray[np.int64]) -> Tensor:
        rows = interleave([records(int(i)) for i in positions])
        batch = collate(rows, cls=model.pooling == "cls", pin=device.type == "cuda").to(device)
        try:
            outputs: Tensor = model(batch.ids, batch.mask).float().cpu()
            return outputs
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(positions) == 1:
                raise SeqmixError(
                    f"memory ran out with a single record of {int(batch.mask.sum()):,} tokens; cut it, or use a machine "
                    "with more"
                ) from error
        release_memory(device)
        return torch.cat([classify(half) for half in np.array_split(positions, 2)])

    with evaluating(model), autocast(device, precision):
        for positions in plan_batches(
            lengths * (2 if model.paired else 1), tokens_per_batch=tokens_per_batch, batch_size=batch_size
        ):
            found = classify(positions)
            if result is None:
                result = found.new_empty((len(lengths), found.shape[1]))
            result[torch.from_numpy(positions)] = found
            on_batch(positions)
    assert result is not None
    return result

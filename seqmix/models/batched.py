"""A model's answers for many records, batch by batch: the one loop that validation, evaluation and prediction share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqmix.data.batching import collate, interleave, plan_batches
from seqmix.data.vocabulary import Tokens
from seqmix.errors import SeqmixError
from seqmix.models.branches import MIXING, Branches, Model, parts_of
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.lexical import LexicalClassifier
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
    model: Model,
    objective: Objective,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    *,
    device: torch.device,
    precision: str = "fp32",
    tokens_per_batch: int = 65536,
    batch_size: int = 0,
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
        batch_size: records in a batch; 0 for as many as `tokens_per_batch` allows.
        on_batch: called with the number of records done after each batch.
    """
    if not len(lengths):
        return np.empty((0, 0))
    found = branch_outputs(
        model,
        records,
        lengths,
        device=device,
        precision=precision,
        tokens_per_batch=tokens_per_batch,
        batch_size=batch_size,
        on_batch=on_batch,
    )
    return objective.predictions(model.combine(found) if isinstance(model, Branches) else found[MIXING])


def branch_outputs(
    model: Model,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    *,
    on_batch: Callable[[int], object] | None = None,
    **options: Any,
) -> dict[str, Tensor]:
    """Return the outputs `(n, n_outputs)` of each branch of a model, by name; arguments as in `predict_batches`."""
    found = {}
    for name, part in (parts := parts_of(model)).items():
        last = name == list(parts)[-1]  # takes by far the longest
        found[name] = _outputs(part, records, lengths, on_batch=on_batch if last else None, **options)
    return found


def _outputs(
    model: LexicalClassifier | SequenceClassifier,
    records: Callable[[int], Sequence[Tokens]],
    lengths: NDArray[np.int64],
    *,
    device: torch.device,
    precision: str = "fp32",
    tokens_per_batch: int = 65536,
    batch_size: int = 0,
    on_batch: Callable[[int], object] | None = None,
) -> Tensor:
    """Return the outputs `(n, n_outputs)` of one branch."""
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
            if on_batch:
                on_batch(len(positions))
    assert result is not None
    return result

"""The simple methods that a run is compared with, and the best of them, which is fitted once and stored in the run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqmix.data.dataset import Dataset
from seqmix.errors import SeqmixError
from seqmix.evaluation.baselines import SimpleMethod, best_simple, lexical_method, simple_methods
from seqmix.run import Run


@dataclass(frozen=True, slots=True)
class Simple:
    """Simple methods that were fitted to the training data of a run.

    Attributes:
        methods: those beside the model; its lexical branch is not among them.
        best: the best of them and the lexical branch, chosen on validation; None if there is none.
        is_model: whether the best one is the model itself, which is a lexical one alone.
    """

    methods: Sequence[SimpleMethod] = ()
    best: SimpleMethod | None = None
    is_model: bool = False


def simple_of_run(
    run: Run, trained: Dataset | None, dataset: Dataset, indices: NDArray[np.int64], *, fit: bool = True
) -> Simple:
    """Return the simple methods for a run, and store the best one in its folder unless it is there, or in the model.

    Args:
        run: the run.
        trained: the data set that it was trained on; None if not available.
        dataset: the data set to predict.
        indices: its records to predict, `(n,)`.
        fit: whether to fit any; otherwise the lexical branch is the only one, if there is one.
    """
    from seqmix.models.lexical import LexicalClassifier
    from seqmix.models.stored_baseline import own_lexical, save_baseline, stored_baseline

    own = own_lexical(run)
    branch = lexical_method("", own, trained, dataset, indices, run.config.data) if own else None
    if not fit or trained is None:
        return Simple(best=branch, is_model=not run.has_mixer)
    stored = stored_baseline(run)
    lexical = stored if stored and isinstance(stored.lexical, LexicalClassifier) else None
    methods = simple_methods(trained, run.config.data, dataset, indices, lexical=own is None, stored=lexical)
    best = best_simple([*methods, branch] if branch else methods)
    if best and best.model and best.model is not own and stored is None:
        with suppress(SeqmixError, OSError):  # a folder that cannot be written to: it is fitted again next time
            save_baseline(run, best.model)
    return Simple(methods, best, is_model=best is branch is not None and not run.has_mixer)

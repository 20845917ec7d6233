"""The base of the estimators: parameters, `fit` by `prepare` and `train`, and a fitted model that does not need a folder.

A fitted estimator holds its configuration, the description of its data and its weights as numpy arrays. It can be copied,
pickled and sent to other processes, even after the folders in which it was trained are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, column_or_1d, validate_data

from seqmix.data.in_memory import memory_records
from seqmix.data.options import ReadOptions
from seqmix.data.prepare import prepare
from seqmix.errors import InputError, SeqmixError, param, shown
from seqmix.models.branches import packed
from seqmix.models.predict_options import PredictOptions
from seqmix.models.predictor import Prediction, Predictor
from seqmix.run import Run
from seqmix.system.leftovers import scratch_folder
from seqmix.training.train import train

_SEEDS = 2**31 - 1


class EstimatorError(InputError, ValueError):
    """An input or parameter of an estimator that cannot be used; also a ValueError, as scikit-learn's tools expect."""


class EstimatorTypeError(InputError, TypeError):
    """A value of the wrong type; also a TypeError, as scikit-learn's tools expect."""


class SequenceEstimator(BaseEstimator):
    """Base of `SeqmixClassifier` and `SeqmixRegressor`: a sequence model as a scikit-learn estimator.

    Args:
        mixer: name of the mixer, one of `available_mixers()`, or "none" for the lexical branch alone; None as in `train`.
        alphabet: symbols of the sequences, as in `prepare`; "auto" to detect them.
        unknown: what to do with characters outside the alphabet, as in `prepare`.
        max_length: cut longer sequences to this many characters; None to keep them whole.
        truncate: which part of a longer sequence to keep.
        lexical: the lexical branch, as in `train`.
        protocol: Paramixer's protocol, as in `train`.
        pooling: how positions are pooled, as in `train`.
        kmer: characters of a k-mer token, as in `train`.
        epochs: most passes over the training sequences, as in `train`.
        budget: most time for training, in seconds or as "5m", as in `train`.
        max_steps: most optimiser steps, as in `train`.
        batch_size: sequences in a batch, as in `train`.
        tokens_per_batch: most tokens in a batch, as in `train`.
        lr: peak learning rate.
        recipe: name of a recipe, as in `train`.
        config: all other settings, as in `train`.
        validation_fraction: share of the sequences, from 0 to below 1, to choose the best weights on.
        random_state: seed of the split, the weights and the order; with an int, `fit` is reproducible to the bit on a CPU.
        device: where to compute, as in `train`.
        precision: floating point numbers of the model, as in `train`.
        threads: threads on the CPU, as in `train`.
        folder: folder to keep the data set (data/) and the run (run/) in, which the next `fit` replaces; None to keep
            neither.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Add the parameters to the docstring of an estimator."""
        super().__init_subclass__(**options)
        parameters = (SequenceEstimator.__doc__ or "").partition("\n\n    Args:")[2]
        head, attributes, rest = (cls.__doc__ or "").partition("\n    Attributes:")
        cls.__doc__ = f"{head.rstrip()}\n\n    Args:{parameters.rstrip()}\n{attributes}{rest}"

    def __init__(
        self,
        mixer: str | None = None,
        *,
        alphabet: str = "auto",
        unknown: str | None = None,
        max_length: int | None = None,
        truncate: str = "start",
        lexical: str | None = None,
        protocol: str | None = None,
        pooling: str | None = None,
        kmer: int | None = None,
        epochs: int | None = None,
        budget: float | str | None = None,
        max_steps: int | None = None,
        batch_size: int | None = None,
        tokens_per_batch: int | str | None = None,
        lr: float | None = None,
        recipe: str | None = None,
        config: Any = None,
        validation_fraction: float = 0.2,
        random_state: Any = None,
        device: str = "auto",
        precision: str = "fp32",
        threads: int | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.mixer = mixer
        self.alphabet = alphabet
        self.unknown = unknown
        self.max_length = max_length
        self.truncate = truncate
        self.lexical = lexical
        self.protocol = protocol
        self.pooling = pooling
        self.kmer = kmer
        self.epochs = epochs
        self.budget = budget
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.tokens_per_batch = tokens_per_batch
        self.lr = lr
        self.recipe = recipe
        self.config = config
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.device = device
        self.precision = precision
        self.threads = threads
        self.folder = folder

    def __sklearn_tags__(self) -> Any:
        """Return the tags for scikit-learn: sequences are texts, or rows of numbers."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return everything but the model on its device, which is built again when it is needed."""
        return {name: value for name, value in super().__getstate__().items() if name != "_predictor"}

    def _train(self, sequences: Sequence[Any], labels: Sequence[str], **options: Any) -> Self:
        """Prepare the sequences, train on them, and keep the model."""
        share = self.validation_fraction
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise EstimatorError(f"{param('validation_fraction')} must be from 0 to below 1: got {share!r}")
        if len(sequences) < 2:
            raise EstimatorError(
                f"there is nothing to learn from {len(sequences)} sample: n_samples = 1, at least 2 are needed"
            )
        seed = self.random_state
        if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
            seed = check_random_state(seed).randint(_SEEDS)
        records = ((str(i), sequence, label) for i, (sequence, label) in enumerate(zip(sequences, labels, strict=True)))
        with self._place() as folder:
            data = prepare(
                records=records,
                output=folder / "data",
                alphabet=self.alphabet,
                unknown=self.unknown,
                max_length=self.max_length,
                truncate=self.truncate,
                split=f"{1 - share},{share},0",
                seed=int(seed),
                overwrite=True,
                **options,
            )
            run = train(
                data,
                folder / "run",
                mixer=self.mixer,
                lexical=self.lexical,
                protocol=self.protocol,
                pooling=self.pooling,
                kmer=self.kmer,
                epochs=self.epochs,
                budget=self.budget,
                max_steps=self.max_steps,
                batch_size=self.batch_size,
                tokens_per_batch=self.tokens_per_batch,
                lr=self.lr,
                recipe=self.recipe,
                config=self.config,
                seed=int(seed),
                device=self.device,
                precision=self.precision,
                threads=self.threads,
                overwrite=True,
            )
            weights, self.branches_ = packed(run.load_model())
            self.weights_ = {name: tensor.numpy().copy() for name, tensor in weights.items()}
            self.calibration_ = run.calibration
            self.config_, self.info_, self.history_ = run.config, run.info, run.history()
        self.__dict__.pop("_predictor", None)
        self._model()
        return self

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """Yield the folder to work in: `folder`, which is kept, or a temporary one."""
        if self.folder is not None:
            yield Path(self.folder)
            return
        with scratch_folder() as folder:
            yield folder

    def _predictions(self, X: Any) -> list[Prediction]:
        check_is_fitted(self)
        with seqmix_errors():
            sequences = self._sequences(X)
            model = self._model()
            records = memory_records(sequences, ReadOptions(), paired=False, vocabulary=model.vocabulary)
            options = PredictOptions(precision=self.precision, threads=self.threads)
            return list(model.predict(records, options, advise=False))

    def _model(self) -> Predictor:
        """Return the fitted model on its device, cached for the next call."""
        import torch

        if "_predictor" not in self.__dict__:
            weights = {name: torch.from_numpy(array) for name, array in self.weights_.items()}
            stored = getattr(self, "branches_", {})  # estimators that version 0.1.0 pickled have none
            model = Run(Path(), self.config_, self.info_).restored_model(weights, stored)
            calibration = getattr(self, "calibration_", None)  # nor this
            self._predictor = Predictor.of(model, self.config_, self.info_, self.device, calibration=calibration)
        return self._predictor

    def _sequences(self, X: Any, *, reset: bool = False) -> Sequence[Any]:
        """Return texts as a list, or numbers as an array `(n, L)` with the checks of scikit-learn."""
        if isinstance(X, str | bytes) or X is None:
            raise EstimatorError(f"X must be a list of sequences: got {shown(X)}")
        if issparse(X):
            return validate_data(self, X, reset=reset)  # raises the error that scikit-learn expects
        column = X.iloc[:, 0] if getattr(X, "ndim", 0) == 2 and hasattr(X, "iloc") and X.shape[1] == 1 else X
        if isinstance(column, np.ndarray) and column.ndim == 2 and column.shape[1] == 1 and column.dtype.kind in "UO":
            column = column[:, 0]
        given = list(column) if isinstance(column, Iterable) and not hasattr(column, "columns") else []
        if given and all(isinstance(item, str | bytes) for item in given):
            return given
        if isinstance(X, list) and given and all(isinstance(item, np.ndarray) and item.ndim for item in given):
            return given  # series of numbers, which may differ in length
        return validate_data(self, X, reset=reset, dtype=np.float32)


@contextmanager
def seqmix_errors() -> Iterator[None]:
    """Turn errors into a SeqmixError, as seqmix promises, that is also a ValueError or TypeError, as scikit-learn expects."""
    try:
        yield
    except (EstimatorError, EstimatorTypeError):
        raise
    except SeqmixError as error:
        raise EstimatorError(error.text) from error
    except ValueError as error:
        raise EstimatorError(str(error)) from error
    except TypeError as error:
        raise EstimatorTypeError(str(error)) from error


def checked_targets(y: Any, sequences: Sequence[Any], name: str) -> NDArray[Any]:
    """Return y as an array `(n,)`, with the checks of scikit-learn."""
    if y is None:
        raise EstimatorError(f"{name} requires y to be passed, but the target y is None")
    targets = column_or_1d(y, warn=True)
    if targets.dtype.kind in "fc":
        check_array(targets, ensure_2d=False, input_name="y")
    check_consistent_length(sequences, targets)
    return targets

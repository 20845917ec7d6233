"""seqmix: classify very long sequences on ordinary hardware.

FASTA and text in, character-indexed tensors, Paramixer, Skyformer and attention classifiers trained and evaluated
honestly, predictions out. All that the command line does, a few lines of Python do::

    import seqmix

    seqmix.prepare(["mouse.fa.gz", "turtle.fa.gz"], "data")
    run = seqmix.train("data", mixer="paramixer", protocol="chord")
    print(seqmix.evaluate(run).scores["accuracy"])
    for prediction in seqmix.predict("new.fa", run=run):
        print(prediction.id, prediction.label)

Sequences in memory do as well::

    data = seqmix.prepare(records=[("m1", "ACGTTGCA", "mouse"), ("t1", "GGCATTAC", "turtle")], output="data", alphabet="dna")
    run.predict_proba(["ACGTTGCA", "GGCATTAC"])  # (N, C), columns in run.classes
    seqmix.SeqmixClassifier(mixer="skyformer", epochs=3).fit(sequences, labels).predict(sequences)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seqmix.version import __version__

# Names are fetched when first used, so that `import seqmix` (and `seqmix --help`) does not wait for torch.
_HOMES = {
    "Config": "config",
    "DataCheck": "data.checking.result",
    "DataConfig": "config",
    "Dataset": "data.dataset",
    "Ensemble": "ensembles.members",
    "Evaluation": "evaluation.result",
    "ModelConfig": "config",
    "Prediction": "models.prediction",
    "PrepareOptions": "data.options",
    "ReadOptions": "data.options",
    "Run": "run",
    "SeqmixClassifier": "estimators.classifier",
    "SeqmixError": "errors",
    "SeqmixRegressor": "estimators.regressor",
    "SequenceClassifier": "models.classifier",
    "TrainingConfig": "config",
    "available_mixers": "mixers",
    "bench_approximation": "bench.approximation",
    "bench_mixers": "bench.mixers",
    "build_model": "models.classifier",
    "check": "data.checking.check",
    "compare": "experiments.comparison.compare",
    "evaluate": "evaluation.evaluate",
    "crossval": "experiments.crossval.crossval",
    "ensemble": "ensembles.ensemble",
    "generate": "data.synthetic.generate",
    "learning_curve": "experiments.learning_curve.learning_curve",
    "predict": "inference.predict",
    "prepare": "data.prepare",
    "pretrain": "training.pretrain",
    "reproduce": "experiments.reproduction.reproduce",
    "reproduce_scalability": "experiments.scalability.reproduce",
    "train": "training.train",
}

__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from seqmix.bench.approximation import bench_approximation as bench_approximation
    from seqmix.bench.mixers import bench_mixers as bench_mixers
    from seqmix.config import Config as Config
    from seqmix.config import DataConfig as DataConfig
    from seqmix.config import ModelConfig as ModelConfig
    from seqmix.config import TrainingConfig as TrainingConfig
    from seqmix.data.checking.check import check as check
    from seqmix.data.checking.result import DataCheck as DataCheck
    from seqmix.data.dataset import Dataset as Dataset
    from seqmix.data.options import PrepareOptions as PrepareOptions
    from seqmix.data.options import ReadOptions as ReadOptions
    from seqmix.data.prepare import prepare as prepare
    from seqmix.data.synthetic.generate import generate as generate
    from seqmix.ensembles.ensemble import ensemble as ensemble
    from seqmix.ensembles.members import Ensemble as Ensemble
    from seqmix.errors import SeqmixError as SeqmixError
    from seqmix.estimators.classifier import SeqmixClassifier as SeqmixClassifier
    from seqmix.estimators.regressor import SeqmixRegressor as SeqmixRegressor
    from seqmix.evaluation.evaluate import evaluate as evaluate
    from seqmix.evaluation.result import Evaluation as Evaluation
    from seqmix.experiments.comparison.compare import compare as compare
    from seqmix.experiments.crossval.crossval import crossval as crossval
    from seqmix.experiments.learning_curve.learning_curve import learning_curve as learning_curve
    from seqmix.experiments.reproduction.reproduce import reproduce as reproduce
    from seqmix.experiments.scalability.reproduce import reproduce_scalability as reproduce_scalability
    from seqmix.inference.predict import predict as predict
    from seqmix.mixers import available_mixers as available_mixers
    from seqmix.models.classifier import SequenceClassifier as SequenceClassifier
    from seqmix.models.classifier import build_model as build_model
    from seqmix.models.prediction import Prediction as Prediction
    from seqmix.run import Run as Run
    from seqmix.training.pretrain import pretrain as pretrain
    from seqmix.training.train import train as train


_MODULES = ("config", "errors", "functional", "interop", "mixers", "run")  # documented paths, imported when first used


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"seqmix.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"seqmix.{name}")
    raise AttributeError(f"module 'seqmix' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)

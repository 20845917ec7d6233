"""The model of a run: built from its configuration, written to `model.safetensors`, and read again if it belongs there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqmix.calibration.maps import Calibration
from seqmix.calibration.seen import Seen
from seqmix.calibration.stored import load_calibration, load_seen
from seqmix.config.model import NO_MIXER
from seqmix.data.dataset_json import opened_vocabulary
from seqmix.data.vocabulary import Vocabulary
from seqmix.errors import RunError, command, param
from seqmix.models.run_identity import STARTED_WITH, RunIdentity
from seqmix.system.files import write_whole
from seqmix.system.tensor_file import pack, unpack
from seqmix.system.training_files import TrainingFiles

if TYPE_CHECKING:
    from torch import Tensor

    from seqmix.models.branches import Model
    from seqmix.models.members import MixingBranch


class StoredModel(RunIdentity, TrainingFiles, ABC):
    """A model that is described by a configuration and by its training data, with the files of its training.

    Attributes:
        path: the run folder.
        config: the resolved configuration.
        info: the `dataset.json` of the training data.
    """

    @classmethod
    @abstractmethod
    def open(cls, path: str | Path) -> StoredModel:
        """Open a run folder."""

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the model's input."""
        return opened_vocabulary(self.path / "dataset.json", self.info, trained=True)

    @property
    def has_mixer(self) -> bool:
        """Whether the model has a mixing branch, rather than a lexical one alone."""
        return self.config.model.mixer != NO_MIXER

    @property
    def command(self) -> str:
        """The command that started the run, for a message."""
        return command("train" if self.learns_labels else "pretrain")

    @property
    def paired(self) -> bool:
        """Whether records are pairs of sequences."""
        return bool(self.info.get("paired"))

    @property
    def calibration(self) -> Calibration:
        """The calibration of its probabilities; `method` is "none" if they are not calibrated.

        Raises:
            RunError: `calibration.json` is damaged, or belongs to other weights.
        """
        return load_calibration(self.path, self.label_objective)

    @property
    def calibrated_by(self) -> str:
        """How probabilities are calibrated, in words; "" if they are not."""
        return self.calibration.title

    @property
    def seen(self) -> Seen | None:
        """What it has seen of its training and validation records; None of runs that do not say, as those of before.

        Raises:
            RunError: `seen.json` is damaged, or belongs to other weights.
        """
        return load_seen(self.path, 2 if self.paired else 1)

    def build_model(self) -> MixingBranch:
        """Return the mixing branch with the run's configuration and random weights.

        Raises:
            RunError: the run has no mixer.
        """
        from seqmix.models.inputs import InputSpec
        from seqmix.models.mixing import new_mixing_branch

        if not self.has_mixer:
            raise RunError(f"{self.path}: this run has no mixer: its model is the lexical one alone")
        inputs = InputSpec.of(self.vocabulary, paired=self.paired)
        return new_mixing_branch(self.config, inputs, self.objective, self.vocabulary.unknown_id)

    @cached_property
    def n_parameters(self) -> int:
        """The number of parameters of the mixing branch, which are trained."""
        from seqmix.models.classifier import count_parameters, without_memory

        if not self.has_mixer:
            return 0
        return count_parameters(without_memory(self.build_model))

    def save_model(self, model: Model) -> None:
        """Write `model.safetensors`."""
        from seqmix.models.branches import packed

        tensors, facts = packed(model)
        self.check_held()
        write_whole(
            self.path / "model.safetensors",
            pack(tensors, {"description": self.description, STARTED_WITH: self.started_with, **facts}),
        )

    def load_model(self) -> Model:
        """Return the trained model, in `eval()`, on the CPU: `Branches` if it has a lexical branch.

        Raises:
            RunError: the weights are missing, damaged, or do not fit the configuration.
        """
        path = self.path / "model.safetensors"
        tensors, facts = self.weights()
        try:
            model = self.restored_model(tensors, facts)
        except (RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise RunError(f"{path}: the weights do not fit config.toml; one of the two was changed") from error
        return model

    def check_trained(self) -> None:
        """Refuse a run that has no trained model yet.

        Raises:
            RunError: it has none.
        """
        if not (self.path / "model.safetensors").is_file():
            raise RunError(
                f"{self.path}: this run has no trained model yet; finish it with {self.command} and {param('resume', True)}"
            )

    def weights(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return what `save_model` wrote: the weights, and the facts stored with them.

        Raises:
            RunError: they are missing, damaged, not finite, or do not fit the configuration.
        """
        self.check_trained()
        path = self.path / "model.safetensors"
        tensors, facts = unpack(path)
        self.check_described(facts, path)
        try:
            self.check_started(facts, path)
        except RunError:  # unless another training has replaced the run since it was opened
            self.open(self.path).check_started(facts, path)
        if odd := next((name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())), None):
            raise RunError(f"{path}: the weights '{odd}' are not finite numbers; the file was changed: train again")
        return tensors, facts

    def restored_model(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Model:
        """Return the model that `seqmix.models.branches.packed` serialised, in `eval()`.

        Raises:
            Exception: of various kinds, if it does not fit the configuration.
        """
        from seqmix.models.branches import unpacked

        mixing = self.build_model() if self.has_mixer else None
        return unpacked(tensors, facts, mixing, self.vocabulary, self.objective, paired=self.paired).eval()

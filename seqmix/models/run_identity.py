"""Which run a file of a run folder belongs to: what is stored in the file of its run, and whether that is still so.

`model.safetensors`, `last/state.safetensors` and `last/lexical.safetensors` each store the settings that decided on them, and
the checksum of the data. A file of another run, or a `config.toml` that was edited since, is refused with the name of what
differs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqmix.config import Config
from seqmix.data.dataset_json import fingerprint
from seqmix.errors import RunError, shown
from seqmix.objectives.learned import Learned
from seqmix.system.files import file_checksum

_INIT = "training.init"
STARTED_WITH = "started_with"  # what a file stores of the run that it belongs to, see `RunIdentity.started_with`


class RunIdentity(Learned):
    """A configuration and the description of the data that it was trained on.

    Attributes:
        path: the run folder.
        config: the resolved configuration.
        info: the `dataset.json` of the training data.
    """

    path: Path
    config: Config

    @property
    def dataset_fingerprint(self) -> str:
        """The checksum of the training data set."""
        return fingerprint(self.info)

    @property
    def description(self) -> dict[str, Any]:
        """Everything besides the weights that predictions depend on."""
        tables = self.config.to_tables()
        del tables["training"], tables["data"]["path"]
        facts = {name: self.info[name] for name in ("task", "paired", "target") if self.info.get(name)}
        return {**_by_option(tables), **facts, "classes": list(self.objective.classes), "vocabulary": self.info["vocabulary"]}

    @property
    def started_with(self) -> dict[str, Any]:
        """The settings of the run that decide on its weights, apart from the device, and the checksum of its data."""
        tables = self.config.to_tables()
        del tables["training"]["device"], tables["training"]["save_every"], tables["data"]["path"]
        del tables["training"]["calibration"]  # which comes after the weights
        return json.loads(json.dumps({**_by_option(tables), "the data set": self.dataset_fingerprint}))

    def check_started(self, facts: Mapping[str, Any], path: Path) -> None:
        """Refuse a file of another run, or a configuration that was changed since the file was written.

        Args:
            facts: what is stored in the file; of version 0.1.0, it does not say which run it belongs to.
            path: the file.

        Raises:
            RunError: the file belongs to another run.
        """
        if (stored := facts.get(STARTED_WITH)) is None:
            return
        own = self.started_with
        # What the file does not name is an option that came later: a run of before had what is its default now.
        stored = (_by_option(Config().to_tables()) | stored) if isinstance(stored, dict) and stored else {}
        differing = [name for name in own if stored.get(name) != own[name]]
        if _INIT in differing and stored.get(_INIT) and own[_INIT]:  # a folder may have been moved
            differing.remove(_INIT)
            self._check_moved(stored[_INIT])
        if differing:
            name = differing[0]
            values = f" ({shown(stored.get(name))}, not {shown(own[name])})" if "." in name else ""
            file = "config.toml" if "." in name else "dataset.json"
            raise RunError(
                f"{path}: {name} differs from that in {file}{values}: one of the two was changed, or belongs to "
                "another run; restore it, or start a new run"
            )

    def _check_moved(self, before: Any) -> None:
        """Raise a `RunError` unless the weights that the run was started from are in the folder that config.toml names now."""
        training = self.config.training
        weights = Path(training.init, "model.safetensors")
        if not weights.is_file() or file_checksum(weights) != training.init_checksum:
            raise RunError(
                f"{self.path / 'config.toml'}: {_INIT} is '{training.init}' now, and the run was started from the weights in "
                f"'{before}', which are not there; write the folder that they were moved to, or the old one, which need not "
                "exist any more"
            )

    def check_described(self, facts: Mapping[str, Any], path: Path) -> None:
        """Refuse weights whose predictions would depend on a setting that was changed since they were trained.

        Args:
            facts: what is stored with the weights.
            path: the file.

        Raises:
            RunError: a setting was changed.
        """
        own = self.description
        stored = facts.get("description", {})
        for name, value in stored.items() if isinstance(stored, dict) else [("description", stored)]:
            if own.get(name) != value:
                file = "config.toml" if "." in name else "dataset.json"
                raise RunError(f"{path}: the weights were trained with another {name} than {file} has; the file was changed")


def _by_option(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of tables by the names of their options, such as "training.seed"."""
    return {f"{table}.{name}": value for table, values in tables.items() for name, value in values.items()}

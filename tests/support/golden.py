"""Outputs and gradients of the published implementations."""

import json
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).parent.parent / "golden"


def load(name):
    with np.load(GOLDEN / f"{name}.npz") as stored:
        arrays = {key: stored[key] for key in stored.files if key != "config"}
        config = json.loads(str(stored["config"])) if "config" in stored.files else {}
    return {key: torch.from_numpy(np.asarray(value)) for key, value in arrays.items()}, config

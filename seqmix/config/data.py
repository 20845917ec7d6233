"""The [data] table."""

from __future__ import annotations

from dataclasses import dataclass

from seqmix.config.options import check, documented, option
from seqmix.errors import param
from seqmix.system.ranges import MOST_POSITIONS

TRUNCATIONS = ("start", "end", "middle")
SPLITS = ("train", "val", "test")
SPLIT_NAMES = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "eval": 1, "test": 2, "testing": 2}
DATA = "Data"  # panel of `--help`


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class DataConfig:
    """The training data."""

    path: str = option("seqmix-data", "The folder of the data set.")
    max_length: int = option(
        0,
        "Cut sequences to this many characters; 0 for as prepared.",
        at_least=0,
        at_most=MOST_POSITIONS,
        allowed=f"from 0 (as prepared) to {MOST_POSITIONS:,}",
        flag=True,
        panel=DATA,
        shown="as prepared",
    )
    truncate: str = option("start", "Which part of a longer sequence to keep.", choices=TRUNCATIONS)
    window: int = option(
        0,
        "Predict a longer sequence in windows of this many characters, evenly spaced so that they cover it, and average the "
        "answers (log-probabilities; of several labels, log-odds; of a regression, values); 0 for the whole sequence at once.",
        at_least=0,
        at_most=MOST_POSITIONS,
    )

    def __post_init__(self) -> None:
        check(self, "data.", spelled=param)

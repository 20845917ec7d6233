"""Counts of records that are unlike those of training, and whether they are more than chance would have."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from seqmix.reporting.text import counted

UNUSUAL = 0.95  # novelty above which a record counts as unusual
_CHANCE = 0.005  # probability at which a number of records is no longer put down to chance, for each of two numbers


@dataclass(slots=True)
class Unusual:
    """Counts of records by their novelty.

    Attributes:
        validated: number of validation records that they are compared with.
        records: number of records.
        above: number of those whose novelty is above 0.95.
        beyond: number of those that are more unusual than all validation records.
        by: number of those above by what they are unusual by, as `Novelty` names it.
    """

    validated: int = 0
    records: int = 0
    above: int = 0
    beyond: int = 0
    by: Counter[str] = field(default_factory=Counter)

    def count(self, novelty: float, by: str) -> None:
        """Count a record."""
        self.records += 1
        if novelty > UNUSUAL:
            self.above += 1
            self.beyond += novelty >= 1.0
            self.by[by] += 1

    @property
    def many(self) -> bool:
        """Whether more records are unusual than chance explains.

        Of m records drawn as the n validation records, the number that lie above the r-th smallest of these has a
        beta-binomial distribution, with parameters n - r + 1 and r.
        """
        from scipy.stats import betabinom

        n, m = self.validated, self.records
        if not (n and self.above):
            return False
        rank = min(n, math.floor(UNUSUAL * n) + 1)
        return bool(
            betabinom.sf(self.above - 1, m, n - rank + 1, rank) < _CHANCE or betabinom.sf(self.beyond - 1, m, 1, n) < _CHANCE
        )

    def lines(self, noun: str) -> list[str]:
        """Return what a user should know: at most one line.

        Args:
            noun: what a token is called.
        """
        if not self.many:
            return []
        named = {
            "shorter": "shorter than every training record",
            "longer": "longer than every training record",
            "length": "of an unusual length",
            "unknown": f"with more unknown {noun}s",
            "composition": "of another composition",
            "common": "with other k-mers or n-grams",
            "values": "with other numbers",
        }
        reasons = ", ".join(f"{count:,} {named.get(by, by)}" for by, count in self.by.most_common())
        verb = "is" if self.above == 1 else "are"
        return [
            f"{self.above:,} of {counted(self.records, 'record')} {verb} more unusual than 95 % of the validation records "
            f"({reasons}), which is more than chance: the answers for such records may be wrong; see the column 'novelty'"
        ]

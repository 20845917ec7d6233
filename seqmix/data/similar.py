"""Splits by similarity: records that share many k-mers (texts: shingles), and chains of such records, are in one split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seqmix.config.data import SPLITS
from seqmix.data.relatives.clusters import Clusters, clusters_of, joined, similar_clusters
from seqmix.data.relatives.shared import nearest
from seqmix.data.relatives.sketches import Sketches, sketch
from seqmix.data.splits.assign import components
from seqmix.data.token_file import map_tokens
from seqmix.data.vocabulary import Reals
from seqmix.data.writer import WrittenRecords
from seqmix.errors import InputError, advice, param
from seqmix.objectives.base import Labels
from seqmix.objectives.labelled import EncodedLabels, LabelObjective
from seqmix.reporting.text import counted
from seqmix.system.printable import quoted

_HIGHER = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98)  # shares that are tried where the clusters are too large
_SMALL, _SMALLER = 0.5, 0.85  # parts of the records that a split should have, below which it is too small, or is noted
_ROUNDS = 20
_NAMED = 3  # classes

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Made:
    """Splits that were made of components.

    Attributes:
        split: `(n,)` 0 train, 1 validation, 2 test.
        fractions: of the records that were dealt out, which each split should have; 0 for splits that are given.
        dealt: which records were dealt out, `(n,)`.
        origin: what chance decided, in words; "" if all splits were given.
        notes: what a user should know.
    """

    split: NDArray[np.int8]
    fractions: tuple[float, float, float]
    dealt: NDArray[np.bool_]
    origin: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Similar:
    """Records that are kept together where they are similar.

    Attributes:
        sketches: of the n records.
        least: share of common k-mers from which on two records are similar.
        keys: what else keeps records together, as `components` takes it.
    """

    sketches: Sketches
    least: float
    keys: Sequence[Numbers]

    @classmethod
    def of(cls, written: WrittenRecords, keys: Sequence[Numbers], least: float) -> Similar:
        """Look at the records of the first pass.

        Raises:
            InputError: they are numbers or images.
        """
        tokens = map_tokens(written.folder / "tokens.npy")
        offsets = np.concatenate(([0], np.cumsum(written.lengths)))
        sketches = sketch(tokens, offsets, written.n_sequences, written.encoder)
        if sketches is None:
            what = "numbers" if isinstance(written.encoder, Reals) else "images or other bytes"
            raise InputError(
                f"{param('split_by', 'similarity')} compares k-mers or words, and these records are {what}"
                + advice(f"state what belongs together with {param('group_from', 'column:NAME')}", "divide them at random")
            )
        return cls(sketches, least, keys)

    def divide(self, make: Callable[[Numbers], Made]) -> tuple[Made, Numbers]:
        """Return the splits that a function makes of components, and the components, `(n,)`.

        Where there are too many pairs to look at all, records that are near after all in another split are joined, and
        the records are divided again.

        Args:
            make: makes splits, given components.

        Raises:
            InputError: a component is too large for the splits.
        """
        made, members = self._divided(make, similar_clusters(self.sketches, self.least), self.least)
        if short := _too_small(made):
            largest = int(np.bincount(members[made.dealt]).max())
            raise InputError(
                f"the records cannot be divided by similarity {self.least:g}: {largest:,} of {int(made.dealt.sum()):,} are "
                f"connected by near relatives, so that {short}" + advice(*self._ways_out(make))
            )
        return made, members

    def _divided(self, make: Callable[[Numbers], Made], clusters: Clusters, least: float) -> tuple[Made, Numbers]:
        members = components([*self.keys, clusters.of])
        made = make(members)
        for _ in range(0 if clusters.exact else _ROUNDS):
            if _too_small(made):  # and joining more of them makes it smaller
                break
            found = nearest(self.sketches, made.split > 0, made.split == 0)
            near = np.flatnonzero(found.containment >= least)
            near = near[members[near] != members[found.record[near]]]
            if not len(near):
                break
            members = joined(members, near, found.record[near])
            made = make(members)
        return made, members

    def _ways_out(self, make: Callable[[Numbers], Made]) -> list[str]:
        """Return what can be done where the components are too large: the lowest similarity that works, if there is one."""
        higher = [least for least in _HIGHER if least > self.least]
        for least, clusters in zip(higher, clusters_of(self.sketches, higher) if higher else (), strict=True):
            made, members = self._divided(make, clusters, least)
            if not _too_small(made, _SMALLER):
                sizes = np.unique(members, return_counts=True)[1]
                way = param("split_by", f"similarity={least:g}")
                return [f"use {way}, which makes {len(sizes):,} clusters, the largest of {sizes.max():,}"]
        return [f"state what belongs together with {param('group_from', 'column:NAME')}", "divide them at random"]

    def notes(self, made: Made, keep: NDArray[np.bool_], members: Numbers, encoded: EncodedLabels) -> list[str]:
        """Return what came out, and which classes are in too few clusters.

        Args:
            made: the splits.
            keep: which records stay in the data set, `(n,)`.
            members: the components, `(n,)`.
            encoded: the labels.
        """
        split, sizes = made.split, np.unique(members, return_counts=True)[1]
        what = f"split by similarity {self.least:g} ({self.sketches.unit}): {counted(len(sizes), 'cluster')}, the largest of "
        what += counted(int(sizes.max(initial=0)), "record")
        labels, objective = encoded.labels[keep], encoded.objective
        parts = [split[keep] == s for s in range(len(SPLITS))]
        strata = np.unique(encoded.strata[keep], return_inverse=True)[1]
        counts = np.array(
            [
                [*objective.count(labels[part]).values()]
                if objective.has_classes
                else np.bincount(strata[part], minlength=int(strata.max(initial=0)) + 1)
                for part in parts
            ]
        )
        if encoded.objective.labelled:
            of = "classes" if objective.has_classes else "tenths of the targets"
            what += (
                f"; the shares of the {of} in the splits differ by up to {_deviation(counts, parts)} points from those of all"
            )
        if short := _too_small(made, _SMALLER):
            what += f"; {short}, as no cluster is divided"
        few = self._few_clusters(objective, labels, members[keep], counts, parts) if objective.has_classes else []
        return [what, *few]

    def _few_clusters(
        self,
        objective: LabelObjective,
        labels: Labels,
        members: Numbers,
        counts: Numbers,
        parts: Sequence[NDArray[np.bool_]],
    ) -> list[str]:
        """Return a note on classes that are missing in a split, as their records are in too few clusters."""
        wanted = [s for s, part in enumerate(parts) if part.any()]
        missing = (counts[wanted] == 0).any(0) & (counts.sum(0) > 0)
        few = {}
        for number in np.flatnonzero(missing).tolist() if objective.classes else ():
            clusters = len(np.unique(members[objective.members(labels, number)]))
            if clusters < len(wanted):
                few[objective.classes[number]] = clusters
        if not few:
            return []
        shown = ", ".join(f"{quoted(name)} {number}" for name, number in [*few.items()][:_NAMED]) + ", …" * (len(few) > _NAMED)
        higher = next((f": --split-by similarity={least:g} has smaller ones" for least in _HIGHER if least > self.least), "")
        return [
            f"{len(few):,} of {len(objective.classes):,} classes are in fewer clusters of similar records than splits "
            f"({shown}), and no cluster is divided: such a class is missing in a split{higher}"
        ]


def _deviation(counts: Numbers, parts: Sequence[NDArray[np.bool_]]) -> str:
    """Return by how many points the share of a class in a split is from that in all records, at most.

    Args:
        counts: records of each class in each split, `(3, C)`.
        parts: which records are in each split.
    """
    sizes = np.array([max(1, int(part.sum())) for part in parts])
    everywhere = counts.sum(0) / max(1, sum(int(part.sum()) for part in parts))
    used = [s for s, part in enumerate(parts) if part.any()]
    return f"{100 * np.abs(counts / sizes[:, None] - everywhere)[used].max(initial=0.0):.1f}"


def _too_small(made: Made, least: float = _SMALL) -> str:
    """Return in words which split has less than a part of the records that it should have; "" if none has."""
    sizes = np.bincount(made.split[made.dealt], minlength=len(SPLITS))
    shares = sizes / max(1, sizes.sum())
    short = [
        f"the {name} split has {100 * share:.3g} % instead of {100 * wanted:.3g} %"
        for name, share, wanted in zip(SPLITS, shares, made.fractions, strict=True)
        if share < least * wanted
    ]
    return short[0] if short else ""

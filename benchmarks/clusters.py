"""What do ways of keeping similar records together reach? ``python benchmarks/clusters.py DATA... [--share 0.5]``

DATA are prepared data sets. Each is divided 60/20/20 anew, by single records, by the connected components of all pairs that
share enough k-mers (as `prepare --split-by similarity` does), and by greedy clusters (longest record first, each record with
the first representative that it is similar to, as CD-HIT does). Printed are the clusters, the sizes of the splits, and the
share of the test records that have at least SHARE of their k-mers in common with a training record.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from seqmix.data.dataset import Dataset
from seqmix.data.relatives.clusters import similar_clusters
from seqmix.data.relatives.shared import nearest
from seqmix.data.relatives.sketches import Sketches, sketch
from seqmix.data.splits.balance import balanced_split
from seqmix.data.token_file import map_tokens

FRACTIONS = (0.6, 0.2, 0.2)


def greedy_clusters(sketches: Sketches, lengths: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    """Return the number of the representative of each record, `(n,)`."""
    shape = (int(sketches.kmers.max(initial=-1)) + 1, sketches.n)
    having = csr_matrix((np.ones(len(sketches.kmers), dtype=np.int32), (sketches.kmers, sketches.records)), shape=shape)
    asking, sizes = having.T.tocsr(), sketches.sizes
    representative = np.full(sketches.n, -1)
    for record in np.argsort(-lengths, kind="stable"):
        if representative[record] < 0:
            shared = np.asarray(having[asking[record].indices].sum(0)).reshape(-1)
            near = (shared >= least * np.minimum(sizes, sizes[record])) & (shared > 0) & (representative < 0)
            representative[near] = representative[record] = record
    return representative


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--share", type=float, default=0.5)
    given = parser.parse_args()
    sizes = "  train    val   test"
    print(f"{'data':24s} {'kept together':12s} {'clusters':>8s} {'largest':>8s} {sizes} {'near':>6s}")
    for path in given.data:
        data = Dataset.open(path, verify=False)
        sketches = sketch(map_tokens(path / "tokens.npy"), data.offsets, data.n_sequences, data.vocabulary)
        assert sketches is not None, "numbers and images have no k-mers"
        ways = {
            "records": np.arange(len(data)),
            "components": similar_clusters(sketches, given.share).of,
            "greedy": greedy_clusters(sketches, data.lengths, given.share),
        }
        for name, members in ways.items():
            split = balanced_split(data.label_objective.strata(data.labels), members, FRACTIONS, 0)
            found = nearest(sketches, split == 2, split == 0).containment[split == 2]
            near = f"{100 * (found >= given.share).mean():.0f} %" if len(found) else "-"
            clusters = np.unique(members, return_counts=True)[1]
            sizes = " ".join(f"{100 * (split == s).mean():4.0f} %" for s in range(3))
            print(f"{path.name:24s} {name:12s} {len(clusters):8,} {clusters.max():8,} {sizes} {near:>6s}", flush=True)


if __name__ == "__main__":
    main()

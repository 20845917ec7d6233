"""Near relatives: time and memory on hard input, and agreement with MMseqs2.

    python benchmarks/relatives.py hard
    python benchmarks/relatives.py mmseqs DATA [EVERY]

`hard` sketches records that could make the work or the memory explode, each set in a process of its own, and prints CPU
seconds of the sketches, of the nearest relatives (`prepare`) and of all pairs (`--split-by similarity`), and the peak memory.

`mmseqs` needs the program `mmseqs` (Debian: apt-get install mmseqs2). The test records of a data set of DNA (every EVERY-th)
are cut into fragments of 200 letters, since an alignment of spliced transcripts covers a part of them only. MMseqs2 aligns the
fragments to the training records. A fragment that is aligned with identity p over the share c of its letters has about
``c p^21`` of its 21-mers in common with the training record; the mean over the fragments is compared with the nearness of
seqmix.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import seqmix
from seqmix.data.relatives.nearness import NEAR, measure
from seqmix.data.relatives.shared import nearest, similar_pairs
from seqmix.data.relatives.sketches import sketch
from seqmix.data.vocabulary import make_vocabulary

_FRAGMENT, _SHORTEST, _K = 200, 40, 21
_CHANCE = np.random.default_rng(0)


def letters(count: int) -> Any:
    """Return random nucleotides as tokens."""
    return _CHANCE.integers(2, 6, count).astype(np.uint8)


def mutated(tokens: Any, share: float) -> Any:
    """Return tokens of which a share is drawn anew."""
    changed = tokens.copy()
    chosen = _CHANCE.random(len(tokens)) < share
    changed[chosen] = letters(int(chosen.sum()))
    return changed


def with_repeat(repeat: Any) -> Any:
    """Return random nucleotides around a copy of a repeat, 5 % of which is changed."""
    return np.concatenate((letters(800), mutated(repeat, 0.05), letters(800)))


def hard_sets() -> dict[str, Any]:
    """Return functions that make the sets, by name."""
    one, long, repeat = letters(1500), letters(30_000), letters(300)
    return {
        "100,000 equal records": lambda: [one[:300]] * 100_000,
        "100,000 records, 1 % of letters changed": lambda: [mutated(one, 0.01) for _ in range(100_000)],
        "2,000 genomes, 0.2 % changed": lambda: [mutated(long, 0.002) for _ in range(2_000)],
        "50,000 records with a repeat": lambda: [with_repeat(repeat) for _ in range(50_000)],
        "100,000 homopolymers": lambda: [np.full(200, 2 + i % 4, np.uint8) for i in range(100_000)],
        "10,000 records, one of 10^7 letters": lambda: [letters(10_000_000), *(letters(300) for _ in range(10_000))],
        "1,000,000 random records": lambda: [letters(150) for _ in range(1_000_000)],
    }


def hard(name: str) -> str:
    """Return a line with the figures of a set."""
    parts = hard_sets()[name]()
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
    tokens, asked = np.concatenate(parts), np.arange(len(parts)) % 5 >= 3
    del parts
    clock = [time.process_time()]
    sketches = sketch(tokens, offsets, 1, make_vocabulary("dna"))
    assert sketches is not None
    clock.append(time.process_time())
    found = nearest(sketches, asked, ~asked)
    clock.append(time.process_time())
    pairs = similar_pairs(sketches, NEAR)
    clock.append(time.process_time())
    times = " ".join(f"{seconds:5.2f}" for seconds in np.diff(clock))
    near = np.nanmean(found.containment[asked] >= NEAR)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return f"{name:42} {len(tokens):11,} {sketches.rate:6.3f}  {times}  {near:5.3f} {len(pairs):10,}  {peak:.2f} GB"


def fragments(dataset: seqmix.Dataset, numbers: Any, path: Path) -> dict[int, int]:
    """Write the fragments of records as FASTA; return the letters of each record that are in one."""
    total: dict[int, int] = defaultdict(int)
    with path.open("w") as out:
        for i in map(int, numbers):
            text = dataset[i].text
            for start in range(0, len(text), _FRAGMENT):
                part = text[start : start + _FRAGMENT]
                if len(part) >= _SHORTEST:
                    total[i] += len(part)
                    out.write(f">{i}_{start}_{len(part)}\n{part}\n")
    return total


def aligned(dataset: seqmix.Dataset, numbers: Any, folder: Path) -> Iterator[tuple[int, float]]:
    """Yield records and the share of the 21-mers that, by the alignments, their nearest training record has."""
    total = fragments(dataset, numbers, folder / "test.fa")
    with (folder / "train.fa").open("w") as out:
        out.writelines(f">{i}\n{dataset[int(i)].text}\n" for i in dataset.indices("train"))
    columns = [
        "--format-output",
        "query,target,fident,qcov",
        "--search-type",
        "3",
        "--threads",
        "1",
        "--max-seqs",
        "1000",
        "-k",
        "13",
    ]
    names = [str(folder / name) for name in ("test.fa", "train.fa", "found.tsv", "tmp")]
    subprocess.run(["mmseqs", "easy-search", *names, *columns, "-v", "1"], check=True)
    best: dict[tuple[int, str], dict[str, float]] = defaultdict(dict)
    for line in (folder / "found.tsv").open():
        query, target, identity, coverage = line.split()
        record, start, length = query.split("_")
        of_pair = best[int(record), target]
        of_pair[start] = max(of_pair.get(start, 0.0), float(identity) ** _K * float(coverage) * int(length))
    share: dict[int, float] = defaultdict(float)
    for (record, _), of_pair in best.items():
        share[record] = max(share[record], sum(of_pair.values()) / total[record])
    return ((i, share[i]) for i in map(int, numbers))


def compare(folder: str, every: int) -> None:
    """Print how far the nearness of a data set's test records agrees with the alignments of MMseqs2."""
    dataset = seqmix.Dataset.open(folder)
    found = measure(dataset.all_tokens, dataset.offsets, dataset.n_sequences, dataset.vocabulary, dataset.split)
    assert found is not None
    numbers = dataset.indices("test")[::every]
    with tempfile.TemporaryDirectory() as scratch:
        expected = np.array([share for _, share in aligned(dataset, numbers, Path(scratch))])
    ours = found.nearest.containment[numbers]
    both = (ours >= NEAR) == (expected >= NEAR)
    shares = f"near {np.mean(ours >= NEAR):.3f}, by MMseqs2 {np.mean(expected >= NEAR):.3f}, the same for {both.mean():.3f}"
    difference = f"correlation {np.corrcoef(ours, expected)[0, 1]:.3f}, mean difference {np.abs(ours - expected).mean():.3f}"
    print(f"{len(numbers)} test records: {shares}; {difference}")


def main() -> None:
    if sys.argv[1] == "mmseqs":
        compare(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    elif len(sys.argv) > 2:
        print(hard(sys.argv[2]))
    else:
        print(f"{'records':42} {'letters':>11} {'rate':>6}  sketch near  pairs   near      pairs  peak")
        for name in hard_sets():
            subprocess.run([sys.executable, __file__, "hard", name], check=True)


if __name__ == "__main__":
    main()

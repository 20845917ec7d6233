"""Speed of `seqmix prepare` on plain FASTA, compared with a loop over characters with a dictionary.

    python benchmarks/prepare.py [MEGABYTES]

Both sides parse the same file, map each base to an index and write the indices to disk, alternately, on one core. `prepare`
also finds duplicates, reverse complements and near relatives, splits, computes checksums of input and output, and writes a
whole data set. It is timed without labels, and with labels and groups from the headers. Prints the medians and the ratio of
the loop to the first; exits with 1 below 60 MB/s of FASTA.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from Bio.SeqIO.FastaIO import SimpleFastaParser

import seqmix

TARGET = 60.0  # MB/s
REPEATS = 5


def write_transcripts(path: Path, megabytes: int) -> None:
    """Write FASTA that looks like cDNA: Ensembl-like headers, lines of 60 bases, lengths of a few hundred to some thousand."""
    rng = random.Random(0)
    bases = np.frombuffer(b"ACGT", dtype=np.uint8)
    generator = np.random.default_rng(0)
    with path.open("wb") as file:
        number = 0
        while file.tell() < megabytes * 1_000_000:
            number += 1
            length = min(20_000, max(200, int(rng.lognormvariate(7.4, 0.7))))
            sequence = bases[generator.integers(0, 4, length)].tobytes()
            kind = rng.choice(("protein_coding", "lncRNA"))
            file.write(
                f">ENST{number:011d}.1 cdna chromosome:X:1:2:1 gene:ENSG{number // 3:011d}.1 gene_biotype:{kind}\n".encode()
            )
            file.writelines(sequence[i : i + 60] + b"\n" for i in range(0, length, 60))


def dictionary_loop(source: Path, folder: Path) -> None:
    """Preprocess in the usual way: a dictionary look-up for each character."""
    index = {"A": 2, "C": 3, "G": 4, "T": 5, "N": 6}
    with source.open() as lines, (folder / "loop.bin").open("wb") as out:
        for _, sequence in SimpleFastaParser(lines):
            out.write(np.array([index[base] for base in sequence], dtype=np.uint8).tobytes())


def main() -> int:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = folder / "transcripts.fa"
        write_transcripts(source, megabytes)
        size = source.stat().st_size / 1e6
        labelled = seqmix.ReadOptions(label_from="header:gene_biotype", group_from="header:gene")
        seqmix.prepare(source, folder / "warm-up", read=labelled)
        times: dict[str, list[float]] = {"prepare": [], "labelled": [], "loop": []}
        for i in range(REPEATS):
            clock = [time.process_time()]  # CPU time of all threads: what one core would take
            seqmix.prepare(source, folder / f"plain-{i}")
            clock.append(time.process_time())
            seqmix.prepare(source, folder / f"labelled-{i}", read=labelled)
            clock.append(time.process_time())
            dictionary_loop(source, folder)
            clock.append(time.process_time())
            for name, seconds in zip(times, np.diff(clock), strict=True):
                times[name].append(float(seconds))
        speed = {name: size / statistics.median(values) for name, values in times.items()}
        ratio = statistics.median(b / a for a, b in zip(times["prepare"], times["loop"], strict=True))
    print(
        f"{size:.0f} MB of FASTA; prepare {speed['prepare']:.0f} MB/s, with labels and groups {speed['labelled']:.0f} MB/s, "
        f"dictionary loop {speed['loop']:.0f} MB/s"
    )
    print(f"ratio {ratio:.1f}")
    return 0 if speed["prepare"] >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.consistency --changes 5000 [--seed 0]`: change data sets and runs, and print each kind of finding once."""

import argparse
import sys
import tempfile
from collections import Counter
from itertools import islice
from pathlib import Path

from tests.consistency.run import changes, subjects


def main() -> int:
    """Return 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.consistency", description=__doc__)
    parser.add_argument("--changes", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0, help="the first change; with --changes 1 it is made alone")
    given = parser.parse_args()
    kinds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        for seed, text in islice(changes(given.seed, subjects(Path(folder)), scratch, counts), given.changes):
            if not text:
                continue
            kind = "\n".join(text.strip().splitlines()[-3:])
            kinds[kind] += 1
            if kinds[kind] == 1:
                sys.stdout.write(f"--- seed {seed}\n{text}".encode("utf-8", "backslashreplace").decode() + "\n")
                sys.stdout.flush()
    sys.stdout.write(f"{', '.join(f'{name}: {count:,}' for name, count in counts.items())}\n")
    sys.stdout.write(f"{kinds.total()} findings of {len(kinds)} kinds\n")
    return bool(kinds)


if __name__ == "__main__":
    sys.exit(main())

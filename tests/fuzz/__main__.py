"""`python -m tests.fuzz --minutes 30 [--seed 0]`: try damaged inputs and print each kind of finding once."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import findings


def main() -> int:
    """Return 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0, help="the first of the inputs; with --most 1 it is tried alone")
    parser.add_argument("--most", type=int, help="how many inputs are tried at most")
    given = parser.parse_args()
    kinds: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed, text in findings(given.seed, 60 * given.minutes, Path(folder), most=given.most):
            kind = "\n".join(text.strip().splitlines()[-3:])
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] == 1:
                sys.stdout.write(f"--- seed {seed}\n{text}".encode("utf-8", "backslashreplace").decode() + "\n")
                sys.stdout.flush()
    sys.stdout.write(f"{sum(kinds.values())} findings of {len(kinds)} kinds\n")
    return bool(kinds)


if __name__ == "__main__":
    sys.exit(main())

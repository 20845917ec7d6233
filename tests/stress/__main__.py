"""`python -m tests.stress --processes 8 --rounds 20`: let processes get in each other's way, and count how they end."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.stress.rounds import ROUNDS, stressing


def main() -> int:
    """Return 1 if anything was lost, mixed or left behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__)
    parser.add_argument("--processes", type=int, default=8, help="how many start at the same moment")
    parser.add_argument("--rounds", type=int, default=20, help="how often each kind of round is repeated")
    parser.add_argument("--only", help="names of kinds of rounds, separated by commas")
    given = parser.parse_args()
    began = time.monotonic()
    chosen = [play for play in ROUNDS if not given.only or play.__name__ in given.only.split(",")]
    with tempfile.TemporaryDirectory() as folder, stressing(Path(folder), given.processes) as stress:
        for play in chosen:
            for _ in range(given.rounds):
                play(stress)
            kind, counts = list(stress.counts.items())[-1]
            sys.stdout.write(f"{kind:20} {', '.join(f'{value:,} {name}' for name, value in counts.items())}\n")
            sys.stdout.flush()
        sys.stdout.write("".join(f"FAULT {fault}\n" for fault in stress.faults))
        done = sum(counts["processes"] for counts in stress.counts.values())
        sys.stdout.write(f"{len(stress.faults)} faults, {done:,} processes, {time.monotonic() - began:.0f} s\n")
    return bool(stress.faults)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.kills [--points 24] [--seed 0]`: kill every command at many of its steps, and print what came of it."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.kills.killing import all_cases, outcomes
from tests.kills.launching import Launcher


def main() -> int:
    """Return 1 if something was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--points", type=int, default=24, help="most kills of each command")
    parser.add_argument("--seed", type=int, default=0, help="chooses the steps")
    parser.add_argument("--only", default="", help="part of the name of the commands to kill")
    given = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name, Launcher(Path(name)) as launcher:
        folder = Path(name).resolve()
        for number, case in enumerate(all_cases(folder, launcher)):
            if given.only not in case.name:
                continue
            found = list(outcomes(case, folder / f"case{number}", launcher, given.points, given.seed))
            under, said = Counter(one.under for one in found), Counter(one.said or "nothing" for one in found)
            same = sum(one.same for one in found)
            _say(f"{case.name}: {len(found)} kills")
            _say(f"  under the name: {_counts(under)}")
            _say(f"  {sum(one.hidden > 0 for one in found)} left hidden names; the next command said: {_counts(said)}")
            _say(f"  {same} ended bit-identical; {sum(bool(one.left) for one in found)} with a name left over")
            for one in found:
                if one.wrong:
                    wrong += 1
                    _say(f"  WRONG at step {one.point}: {one.wrong}")
    _say(f"{wrong} kills went wrong")
    return bool(wrong)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in counts.most_common())


if __name__ == "__main__":
    sys.exit(main())

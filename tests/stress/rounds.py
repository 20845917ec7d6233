"""Rounds in which many processes want the same name at once, and what must hold afterwards.

Every process has an input or a seed of its own, and what each would make alone is made first. Afterwards, each result that is
there is to the byte one of those, every process ended with a result of its own or with an error in a line, and nothing that
was there before, and no temporary file, is touched or left.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import seqmix
from seqmix.run import Run
from seqmix.system.locks import LOCK_ENDING
from tests.support import random_dna, write_fasta

_TRAIN = ["--mixer", "conv", "--max-length", "60", "--max-steps", "2", "--device", "cpu"]
_TRAIN += ["--set", "model.lexical=none", "--set", "model.d_model=8", "--set", "model.blocks=1", "-q"]
_TRAIN += ["--set", "training.validate_every=2"]  # weights are stored once, at the end
_GENERATE = ["generate", "adding", "--length", "16", "--train", "40", "--val", "5", "--test", "5", "-q"]


class Stress:
    """The inputs, the results of each process alone, and a process that starts the commands.

    Args:
        folder: an empty folder.
        processes: how many processes are started at once.
    """

    def __init__(self, folder: Path, processes: int) -> None:
        self.folder, self.processes = folder, processes
        self.counts: dict[str, Counter[str]] = {}
        self.faults: list[str] = []
        self._launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.stress.launcher"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End the process that starts the commands."""
        self._launcher.communicate()

    def together(self, folder: Path, commands: list[list[str]]) -> list[tuple[int, str]]:
        """Run commands at once; return how each ended and what it wrote to standard error."""
        assert self._launcher.stdin and self._launcher.stdout
        self._launcher.stdin.write(json.dumps([[str(folder), command] for command in commands]) + "\n")
        self._launcher.stdin.flush()
        return [(code, said) for code, said in json.loads(self._launcher.stdout.readline())]

    def alone(self, folder: Path, command: list[str]) -> None:
        """Run a command that must succeed."""
        [(code, said)] = self.together(folder, [command])
        assert code == 0, (command, said)

    def prepare_alone(self) -> None:
        """Make the inputs, and what each process makes alone."""
        random_numbers = random.Random(0)
        for number in range(self.processes):
            for kind, weights in (("at", (3, 1, 1, 3)), ("gc", (1, 3, 3, 1))):
                records = [(f"{kind}{number}-{i}", random_dna(60, random_numbers, weights)) for i in range(12)]
                write_fasta(self.folder / f"{kind}{number}.fa", records)
            self.alone(self.folder, self.prepare(number, "-o", f"data{number}"))
            self.alone(self.folder, [*_GENERATE, "--seed", str(number), "-o", f"made{number}"])
            self.alone(self.folder, self.train(number, "-o", f"run{number}"))
        for number in range(self.processes):
            self.alone(self.folder, self.predict(number, "-o", f"rows{number}.tsv"))

    def prepare(self, number: int, *more: str) -> list[str]:
        """Return the command that prepares the data of a process."""
        return ["prepare", str(self.folder / f"at{number}.fa"), str(self.folder / f"gc{number}.fa"), "-q", *more]

    def train(self, number: int, *more: str) -> list[str]:
        """Return the command that trains with the seed of a process; all train on the same data."""
        return ["train", str(self.folder / "data0"), *_TRAIN, "--seed", str(number), *more]

    def predict(self, number: int, *more: str) -> list[str]:
        """Return the command that predicts the records of a process."""
        return ["predict", str(self.folder / f"at{number}.fa"), "--run", str(self.folder / "run0"), "-q", *more]

    def fault(self, kind: str, text: str) -> None:
        """Note what went wrong."""
        self.faults.append(f"{kind}: {text}")

    @contextmanager
    def round(self, kind: str) -> Iterator[Path]:
        """Yield an empty folder, and check after the block that nothing temporary is left in it."""
        place = self.folder / "round"
        place.mkdir()
        try:
            yield place
        except Exception as error:
            self.fault(kind, f"{type(error).__name__}: {error}")
        left = [str(p.relative_to(place)) for p in place.rglob("*") if p.name.endswith((".partial", ".replaced", LOCK_ENDING))]
        if left:
            self.fault(kind, f"left behind: {left}")
        shutil.rmtree(place)

    def count(self, kind: str, ends: list[tuple[int, str]], results: int, *, one_each: bool) -> None:
        """Count how the processes of a round ended.

        Args:
            kind: the kind of round.
            ends: how each process ended.
            results: how many results there are.
            one_each: whether each success has a result of its own, and may not have replaced another's.
        """
        done = sum(code == 0 for code, _ in ends)
        errors = sum(code == 1 and len(said.strip().splitlines()) == 1 for code, said in ends)
        counts = self.counts.setdefault(kind, Counter())
        counts.update(rounds=1, processes=len(ends), done=done, errors=errors, results=results)
        if done + errors != len(ends):
            bad = [said[-300:] for code, said in ends if code not in (0, 1) or (code and len(said.strip().splitlines()) != 1)]
            self.fault(kind, f"{done} done and {errors} errors of {len(ends)}: {bad}")
        if not done or (one_each and results != done):
            self.fault(kind, f"{results} results of {done} processes that say they are done: {[said for _, said in ends]}")

    def kept(self, kind: str, ends: list[tuple[int, str]], place: Path, name: str, check: Callable[[Path], None]) -> None:
        """Check that every result that was kept beside the name that another took is whole, and was named."""
        found = [path for path in place.iterdir() if path.name != name]
        told = [path for path in found if any(f"kept as {path.name}" in said for _, said in ends)]
        if told != found:
            self.fault(kind, f"{[path.name for path in found]} were kept, and the processes named {told}")
        for path in found:
            check(path)
        self.counts[kind]["kept"] += len(found)

    def same_folder(self, kind: str, found: Path, names: list[str], number: int, like: str) -> None:
        """Check that files of a folder are those that a process makes alone."""
        for name in names:
            if not (found / name).is_file():
                self.fault(kind, f"{found.name}/{name} is missing")
            elif (found / name).read_bytes() != (self.folder / f"{like}{number}" / name).read_bytes():
                self.fault(kind, f"{found.name}/{name} is not that of process {number}")

    def same_run(self, kind: str, path: Path) -> None:
        """Check that weights and configuration of a run belong together and are those of a process."""
        run = Run.open(path)
        number = run.config.training.seed
        losses = [[line["train_loss"] for line in each.history()] for each in (run, Run.open(self.folder / f"run{number}"))]
        if losses[0] != losses[1]:
            self.fault(kind, f"{path.name}: its log has the losses {losses[0]}, not {losses[1]}")
        self.same_folder(kind, path, ["model.safetensors", "last/state.safetensors", "config.toml"], number, "run")

    def same_data(self, kind: str, path: Path, like: str) -> None:
        """Check that a data set is that of one process."""
        dataset = seqmix.Dataset.open(path)
        alone = [seqmix.Dataset.open(self.folder / f"{like}{number}").fingerprint for number in range(self.processes)]
        if dataset.fingerprint not in alone:
            self.fault(kind, f"the data set of {dataset.ids()[0]} is none that a process makes")
            return
        number = alone.index(dataset.fingerprint)
        self.same_folder(kind, path, [p.name for p in (self.folder / f"{like}{number}").iterdir()], number, like)


def new_runs(stress: Stress) -> None:
    """All train without naming a folder: each has one of its own."""
    kind = "train, new numbers"
    with stress.round(kind) as place:
        ends = stress.together(place, [stress.train(number) for number in range(stress.processes)])
        runs = sorted((place / "runs").iterdir())
        stress.count(kind, ends, len(runs), one_each=True)
        if [run.name[:4] for run in runs] != [f"{n:03}-" for n in range(1, stress.processes + 1)]:
            stress.fault(kind, f"runs {[run.name for run in runs]}: {[said for _, said in ends]}")
        for run in runs:
            stress.same_run(kind, run)


def one_run(stress: Stress) -> None:
    """All train in one folder: one does, the others say that it exists."""
    kind = "train, one name"
    with stress.round(kind) as place:
        ends = stress.together(place, [stress.train(number, "-o", "run") for number in range(stress.processes)])
        stress.count(kind, ends, len(list(place.iterdir())), one_each=True)
        stress.same_run(kind, place / "run")


def replaced_run(stress: Stress) -> None:
    """All replace a run: the last to do so has it, and nobody writes into the run of another."""
    kind = "train --overwrite"
    with stress.round(kind) as place:
        shutil.copytree(stress.folder / "run0", place / "run")
        ends = stress.together(place, [stress.train(number, "-o", "run", "--overwrite") for number in range(stress.processes)])
        stress.count(kind, ends, len(list(place.iterdir())), one_each=False)
        stress.same_run(kind, place / "run")


def resumed_run(stress: Stress) -> None:
    """All resume a run that was not begun: one trains it, the others name it or find it finished; some predict with it."""
    kind = "train --resume"
    with stress.round(kind) as place:
        shutil.copytree(stress.folder / "run1", place / "run")
        for path in [place / "run/model.safetensors", place / "run/metrics.jsonl", place / "run/last/state.safetensors"]:
            path.unlink()
        resume = ["train", str(stress.folder / "data0"), "--resume", "-o", "run", "-q"]
        ends = stress.together(place, [resume] * stress.processes)
        stress.count(kind, ends, 1, one_each=False)
        stress.same_run(kind, place / "run")


def one_data_set(stress: Stress) -> None:
    """All prepare one data set: one does, the others say that it exists."""
    _one_folder(stress, "prepare", "data", stress.prepare, ())


def replaced_data_set(stress: Stress) -> None:
    """All replace a data set: who comes later than another that began at the same time says so."""
    _one_folder(stress, "prepare --overwrite", "data", stress.prepare, ("--overwrite",))


def one_generated(stress: Stress) -> None:
    """All generate one data set."""
    _one_folder(stress, "generate", "made", lambda number, *more: [*_GENERATE, "--seed", str(number), *more], ())


def _one_folder(stress: Stress, kind: str, like: str, command: Callable[..., list[str]], more: tuple[str, ...]) -> None:
    with stress.round(kind) as place:
        if more:
            shutil.copytree(stress.folder / f"{like}0", place / "data")
        ends = stress.together(place, [command(number, "-o", "data", *more) for number in range(stress.processes)])
        stress.count(kind, ends, int((place / "data").is_dir()), one_each=not more)
        stress.kept(kind, ends, place, "data", lambda path: stress.same_data(kind, path, like))
        stress.same_data(kind, place / "data", like)


def one_table(stress: Stress) -> None:
    """All write their predictions to one file: no rows are mixed or torn."""
    _one_table(stress, "predict", ())


def replaced_table(stress: Stress) -> None:
    """All replace one file of predictions."""
    _one_table(stress, "predict --overwrite", ("--overwrite",))


def _one_table(stress: Stress, kind: str, more: tuple[str, ...]) -> None:
    with stress.round(kind) as place:
        if more:
            (place / "rows.tsv").write_text("before\n")
        ends = stress.together(place, [stress.predict(number, "-o", "rows.tsv", *more) for number in range(stress.processes)])
        stress.count(kind, ends, int((place / "rows.tsv").is_file()), one_each=not more)
        alone = [(stress.folder / f"rows{number}.tsv").read_bytes() for number in range(stress.processes)]

        def check(path: Path) -> None:
            if path.read_bytes() not in alone:
                stress.fault(kind, f"the rows of {path.name} are not those of one process")

        stress.kept(kind, ends, place, "rows.tsv", check)
        check(place / "rows.tsv")


def _without_novelty(path: Path) -> list[list[str]]:
    """Return the rows of a file of predictions but for their novelty: what it is measured by is stored after the weights."""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [row[: rows[0].index("novelty")] if "novelty" in rows[0] else row for row in rows]


def read_meanwhile(stress: Stress) -> None:
    """One replaces a run while the others predict with it: with the old weights or the new ones, or not yet."""
    kind = "predict meanwhile"
    with stress.round(kind) as place:
        shutil.copytree(stress.folder / "run0", place / "run")
        commands = [stress.train(1, "-o", "run", "--overwrite")]
        predict = ["predict", str(stress.folder / "at0.fa"), "--run", "run", "-q", "-o"]
        commands += [[*predict, f"rows{number}.tsv"] for number in range(1, stress.processes)]
        ends = stress.together(place, commands)
        stress.count(kind, ends, len(list(place.iterdir())), one_each=True)
        stress.same_run(kind, place / "run")
        stress.alone(place, [*predict, "new.tsv"])
        whole = [_without_novelty(path) for path in (stress.folder / "rows0.tsv", place / "new.tsv")]
        for path in place.glob("rows*.tsv"):
            if _without_novelty(path) not in whole:
                stress.fault(kind, f"{path.name} has rows of neither model")


def one_evaluation(stress: Stress) -> None:
    """All evaluate one run on different splits: scores and page are of one process."""
    kind = "eval"
    with stress.round(kind) as place:
        shutil.copytree(stress.folder / "run0", place / "run")
        splits = [("train", "val", "test")[number % 3] for number in range(stress.processes)]
        ends = stress.together(place, [["eval", "run", "--split", split, "--no-baselines", "-q"] for split in splits])
        stress.count(kind, ends, 1, one_each=False)
        source = json.loads((place / "run/evaluation.json").read_text())["source"]
        if source not in (place / "run/report.html").read_text():
            stress.fault(kind, f"evaluation.json is of the {source}, report.html is not")


def all_at_once(stress: Stress) -> None:
    """Train, prepare, generate and predict at once in one folder, where nobody is in the way of another."""
    kind = "all at once"
    with stress.round(kind) as place:
        commands: list[list[str]] = []
        for number in range(stress.processes):
            four = [
                stress.train(number),
                stress.prepare(number, "-o", f"data{number}"),
                [*_GENERATE, "--seed", str(number), "-o", f"made{number}"],
                stress.predict(number, "-o", f"rows{number}.tsv"),
            ]
            commands.append(four[number % 4])
        ends = stress.together(place, commands)
        results = [p for p in place.iterdir() if p.name != "runs"] + list((place / "runs").iterdir())
        stress.count(kind, ends, len(results), one_each=True)
        for path in results:
            if path.suffix == ".tsv":
                if path.read_bytes() != (stress.folder / path.name).read_bytes():
                    stress.fault(kind, f"{path.name} has other rows")
            elif path.parent.name == "runs":
                stress.same_run(kind, path)
            else:
                stress.same_data(kind, path, path.name[:4])


ROUNDS: tuple[Callable[[Stress], None], ...] = (
    new_runs,
    one_run,
    replaced_run,
    resumed_run,
    one_data_set,
    replaced_data_set,
    one_generated,
    one_table,
    replaced_table,
    read_meanwhile,
    one_evaluation,
    all_at_once,
)
SHORT = tuple(play for play in ROUNDS if play not in (one_generated, replaced_table, one_evaluation))


@contextmanager
def stressing(folder: Path, processes: int) -> Iterator[Stress]:
    """Yield a `Stress` whose inputs are ready."""
    stress = Stress(folder, processes)
    try:
        stress.prepare_alone()
        yield stress
    finally:
        stress.close()

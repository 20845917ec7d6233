"""Kill a command at one of its steps, give it again, and compare the end with that of a command that was left in peace."""

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seqmix.data.dataset import Dataset
from seqmix.errors import SeqmixError
from seqmix.run import Run
from tests.kills.launching import Ended, Launcher
from tests.support import random_dna, write_fasta

_PLAIN = Path(__file__).parent.parent / "training" / "plain.toml"
_SIZES = ["--epochs", "2", "--tokens-per-batch", "1024", "--save-every", "2", "--config", _PLAIN, "--mixer", "conv"]
_TRAIN = [*_SIZES, "--set", "model.d_model=8", "--set", "model.dropout=0.2", "--set", "training.patience=0"]
_GENERATE = ["generate", "adding", "--length", "64", "--val", "9", "--test", "9"]
Content = dict[str, object]


@dataclass
class Case:
    """A command that is killed.

    Attributes:
        name: what it is called.
        output: the name that it writes to.
        command: its arguments, without the output.
        content: returns what is under the name, to be compared; raises a `SeqmixError` if it is damaged.
        old: the command that made what is there before; None if there is nothing.
        overwrite: whether the command says that it replaces that.
        resume: the arguments to go on with where something else than before is under the name; None for the same again.
        exchange: whether two folders can be exchanged at once.
        steady: whether nothing but the old and the new content may be under the name.
    """

    name: str
    output: str
    command: list[object]
    content: Callable[[Path], Content]
    old: list[object] | None = None
    overwrite: bool = True
    resume: list[object] | None = None
    exchange: bool = True
    steady: bool = True

    def arguments(self, output: Path, command: list[object] | None = None) -> list[object]:
        """Return the arguments that write to `output`."""
        where = [output] if self.command[0] == "eval" else ["-o", output]
        return [*(command or self.command), *where, *(["--overwrite"] if self.overwrite and not command else [])]


@dataclass
class Outcome:
    """What a kill led to.

    Attributes:
        case: name of the case.
        point: the step before which the command was killed.
        under: what was under the name: "old", "new", "between", "nothing" or "damaged".
        hidden: number of hidden names that were left behind.
        said: what the next command said: "removed", "put back", "exists" and the like; "" for nothing.
        same: whether the end is that of a command that was left in peace, to the bit.
        left: hidden names that are there at the end.
        wrong: what is not as promised; "" if all is.
    """

    case: str
    point: int
    under: str
    hidden: int
    said: str
    same: bool
    left: list[str]
    wrong: str = ""


def all_cases(folder: Path, launcher: Launcher) -> list[Case]:
    """Return the cases, after making what they read in a folder."""
    rng = random.Random(0)
    for name, lengths in (("first", (30, 60)), ("second", (50, 90))):
        (folder / name).mkdir()
        for label, weights in (("at", (3, 1, 1, 3)), ("gc", (1, 3, 3, 1))):
            records = [(f"{label}{i}", random_dna(rng.randint(*lengths), rng, weights)) for i in range(40)]
            write_fasta(folder / name / f"{label}.fa", records)
    first, second, data, run = (folder / name for name in ("first", "second", "data", "run"))
    for arguments in (["prepare", second, "-o", data], ["train", data, "-o", run, *_TRAIN]):
        done = launcher.run([*arguments, "-q"], folder)
        assert done.code == 0, done.said
    prepare = Case("prepare", "data", ["prepare", second], _dataset, overwrite=False)
    over = replace(prepare, name="prepare --overwrite", old=["prepare", first], overwrite=True)
    train = Case("train", "run", ["train", data, *_TRAIN], _run, None, False, ["train", "--resume"], steady=False)
    again = replace(train, name="train --overwrite", old=[*train.command, "--seed", "1"], overwrite=True)
    predict = ["predict", second / "at.fa", "--run", run]
    return [
        over,
        replace(over, name="prepare --overwrite, no exchange", exchange=False),
        Case("generate --overwrite", "data", [*_GENERATE, "--train", "30"], _dataset, [*_GENERATE, "--train", "9"]),
        Case("predict --overwrite", "out.tsv", predict, _file, ["predict", first / "gc.fa", "--run", run]),
        Case("eval", "run", ["eval", "--no-baselines"], _evaluation, ["copy", run], overwrite=False, steady=False),
        train,
        again,
        replace(again, name="train --overwrite, no exchange", exchange=False),
        prepare,
        replace(prepare, name="generate", command=[*_GENERATE, "--train", "30"]),
        Case("predict to .gz", "out.tsv.gz", predict, _file, overwrite=False),
    ]


class Killing:
    """One case, ready to be killed at any of its steps.

    Attributes:
        steps: how many there are.
    """

    def __init__(self, case: Case, folder: Path, launcher: Launcher) -> None:
        folder.mkdir()
        self.case, self._work, self._launcher = case, folder / "work", launcher
        self._before, self._reference = folder / "before", folder / "reference"
        self._before.mkdir()
        if case.old:
            self._make(case.old, self._before / case.output)
        self._restore()
        undisturbed = self._run(case.arguments(self._output))
        assert undisturbed.code == 0, undisturbed.said
        self._work.rename(self._reference)
        self.steps = undisturbed.steps
        self._old = case.content(self._before / case.output) if case.old else None
        self._new = case.content(self._reference / case.output)
        assert self._old != self._new

    @property
    def _output(self) -> Path:
        return self._work / self.case.output

    def _make(self, command: list[object], output: Path) -> None:
        if command[0] == "copy":
            shutil.copytree(str(command[1]), output)
            command = ["eval", "--no-baselines", "--split", "val"]
        done = self._launcher.run([*self.case.arguments(output, command), "-q"], output.parent)
        assert done.code == 0, done.said

    def _restore(self) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._before, self._work)

    def _run(self, arguments: list[object], point: int = 0) -> Ended:
        return self._launcher.run(arguments, self._work, point=point, exchange=self.case.exchange)

    def kill(self, point: int) -> Outcome:
        """Kill the command before a step, give it again, and return what came of it."""
        self._restore()
        case = self.case
        killed = self._run(case.arguments(self._output), point)
        assert killed.code == -9, killed.said
        under, hidden = self._under(), self._hidden()
        go_on = case.arguments(self._output, case.resume if under in ("between", "new") else None)
        ended = self._run(go_on)
        said = [word for word in ("removed", "put back", "exists") if f"{word}" in ended.said]
        outcome = Outcome(case.name, point, under, len(hidden), ", ".join(said), self._under() == "new", self._hidden())
        return replace(outcome, wrong=self._what_is_wrong(outcome, ended))

    def ask(self, point: int, number: int) -> str:
        """Ask the command to end before a step, by a signal; return what is wrong afterwards, "" if nothing is."""
        self._restore()
        case = self.case
        ended = self._launcher.run(case.arguments(self._output), self._work, point=point, number=number, exchange=case.exchange)
        allowed = ("old", "new") if case.old else ("nothing", "new")
        if ended.code not in (130, 0) or "Traceback" in ended.said:
            return f"step {point}: code {ended.code}: {ended.said}"
        under, hidden = self._under(), self._hidden()
        if under not in allowed or hidden or (ended.code == 0 and under != "new"):
            return f"step {point}: code {ended.code}, {under}, {hidden}"
        return ""

    def _hidden(self) -> list[str]:
        return sorted(path.name for path in self._work.rglob(".*"))

    def _under(self) -> str:
        """Return what is under the name."""
        if not self._output.exists():
            return "nothing"
        try:
            found = self.case.content(self._output)
        except (SeqmixError, OSError, ValueError) as error:
            return f"damaged: {error}"
        return "old" if found == self._old else "new" if found == self._new else "between"

    def _what_is_wrong(self, outcome: Outcome, ended: Ended) -> str:
        case, under = self.case, outcome.under
        finished = under == "new" and not case.overwrite and "exists" in outcome.said  # nothing was left to do
        if ended.code and not finished:
            return f"the next command failed: {ended.said}"
        if under.startswith("damaged") or (under == "between" and case.steady):
            return f"under the name: {under}"
        if under == "nothing" and case.old and case.exchange:
            return "nothing is under the name"
        if under == "nothing" and case.old and "put back" not in outcome.said:
            return "the next command does not say what it puts back"
        if outcome.hidden and not outcome.said:
            return "the next command does not say what it removes"
        if not outcome.same:
            return "the end is not that of a command that was left in peace"
        return f"left over: {', '.join(outcome.left)}" if outcome.left and not finished else ""


def outcomes(case: Case, folder: Path, launcher: Launcher, most: int, seed: int) -> Iterator[Outcome]:
    """Yield what comes of kills at some steps of a case, the last of them among these."""
    killing = Killing(case, folder, launcher)
    points = set(random.Random(f"{seed} {case.name}").sample(range(1, killing.steps + 1), min(most, killing.steps)))
    for point in sorted(points):
        yield killing.kill(point)


def _dataset(path: Path) -> Content:
    Dataset.open(path)
    return {file.name: file.read_bytes() for file in path.iterdir()}


def _file(path: Path) -> Content:
    return {path.name: path.read_bytes()}


def _run(path: Path) -> Content:
    run = Run.open(path)
    run.load_state()
    files = {name: path / name for name in ("config.toml", "model.safetensors", "last/state.safetensors")}
    log = [{k: v for k, v in line.items() if k not in ("seconds", "tokens_per_second")} for line in run.history()]
    return {"log": log} | {name: file.read_bytes() for name, file in files.items() if file.exists()}


_CIRCUMSTANCES = re.compile(rb"<tr[^>]*>\s*<th[^>]*>(time|ended|command)\b.*?</tr>", re.DOTALL)  # of each evaluation its own


def _evaluation(path: Path) -> Content:
    json.loads((path / "evaluation.json").read_text())
    Run.open(path).load_model()
    found = {file.name: file.read_bytes() for file in path.glob("*.*") if file.name != "metrics.jsonl"}
    return found | {"report.html": _CIRCUMSTANCES.sub(b"", found["report.html"])}

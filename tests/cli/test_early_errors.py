"""Mistakes in options are found before torch is loaded, which takes seconds."""

import json
import os
import subprocess
import sys

import pytest
from typer.main import get_command

from seqmix.cli import app
from tests.support import ROOT
from tests.test_architecture import leaves

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
CODE = """
import contextlib, io, json, sys
from seqmix.cli import app
found = []
for words in json.load(sys.stdin):
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        try:
            app(words)
        except SystemExit as end:
            found.append((end.code, "torch" in sys.modules, errors.getvalue()))
json.dump(found, open("found.json", "w"))
"""

# Arguments, and a part of the message.
MISTAKES = {
    "predict FILE --run nowhere": "no such run folder",
    "predict missing.fa --run RUN": "no such file",
    "predict FILE --run RUN -o there.csv": "exists",
    "predict FILE --run RUN -o p.txt": "the ending must say",
    "predict FILE --run RUN -o none/p.csv": "none/p.csv: cannot be written",
    "predict FILE --run RUN --top 9": "--top must be",
    "predict FILE --run RUN --threshold 0.5": "--threshold is for multilabel",
    "predict FILE --run RUN --on-error ignore": "--on-error",
    "predict FILE --run RUN --device gpu -o q.csv": "device 'gpu' is not available",
    "eval nowhere": "no such run folder",
    "eval RUN --data missing.fa": "no such file",
    "eval RUN --class atrich": "--class must be NAME=FILE",
    "eval RUN --threads 0": "--threads must be from 1 to 1,024: got 0",
    "eval RUN --device gpu": "device 'gpu' is not available",
    "prepare missing.fa": "no such file",
    "prepare FILE -o DATA": "exists",
    "train nowhere": "no data set here",
    "train FILE": "this is not a data set",
    "train DATA -o RUN": "continue it with --resume",
    "train DATA -o DATA": "is not a run folder",
    "train DATA --mixer parmixer": "did you mean 'paramixer'?",
    "train DATA --mixer paramixer --set mixer.n_link=3": "did you mean 'n_links'?",
    "train DATA --mixer paramixer --set mixer.n_links=many": "mixer.n_links must be a whole number",
    "train DATA --set mixer.memory=0": "mixer.memory must be from 2 to",
    "train DATA --mixer skyformer --set mixer.n_heads=3": "mixer.n_heads must divide model.d_model = 32: got 3",
    "train DATA --mixer softmax --set model.second={d_model=9}": "mixer.n_heads must divide model.d_model = 9",
    "train DATA --mixer paramixer --protocol cdil --set mixer.n_links=4": "odd and from 1 to 1,025 with mixer.protocol = cdil",
    "train DATA --mixer s4d --set mixer.dt_min=0.5": "mixer.dt_min must be at most mixer.dt_max = 0.1: got 0.5",
    "pretrain DATA --mixer conv --set mixer.kernel_size=4": "mixer.kernel_size must be odd and from 3 to 99,999: got 4",
    "train DATA --set model.blockss=3": "did you mean 'blocks'?",
    "train DATA --set nothing=3": "--set takes table.option=value",
    "train DATA --epochs -3": "--epochs (training.epochs) must be from 1 to 1,000,000,000 (or 0, with",
    "train DATA --lr fast": "training.lr must be a number above 0",
    "train DATA --recipe nothing": "there is no recipe 'nothing'",
    "train DATA --config missing.toml": "cannot be read",
    "train DATA --batch-size 3 --tokens-per-batch 100": "cannot be combined",
    "train DATA --resume --overwrite": "cannot be combined",
    "train DATA --resume -o nowhere": "no such run folder",
    "train DATA --resume -o RUN --lr 0.5": "cannot be resumed with",
    "train DATA --device gpu": "device 'gpu' is not available",
    "train DATA --device cpu --precision fp16": "fp16 needs a CUDA GPU",
    "train DATA --threads 0": "--threads must be from 1 to 1,024: got 0",
    "train DATA --init nowhere": "no such run folder",
    "train DATA --init RUN --mixer conv": "leave the option out",
    "train DATA --mixer none --kmer 3": "drop one of them",
    "train DATA --lexical ngrams": "needs texts",
    "train DATA --kmer 12": "16,777,216 k-mers",
    "train DATA --pooling cls --set model.stride=4": "pools the CLS token",
    "train DATA --set model.stride=4 --set model.frames=3": "must divide",
    "train DATA --mixer softmax --set model.block=published --set model.d_feedforward=0": "has a feed-forward layer",
    "train DATA --pooling flat --set model.max_length=20": "model.max_length is 20",
    "train DATA --set training.mask=0.1": "is for seqmix pretrain",
    "pretrain nowhere": "no data set here",
    "pretrain DATA --mixer none": "choose a mixer",
    "pretrain DATA --set training.label_smoothing=0.1": "does not look at labels",
    "pretrain DATA --resume -o RUN": "was started with seqmix train",
    "compare nowhere": "no data set here",
    "compare DATA --mixers conv,parmixer": "did you mean 'paramixer'?",
    "compare DATA --set mixer.nothing=2": "no option 'nothing'",
    "compare DATA --mixers conv,performer --set performer:mixer.n_features=1000000000": "from 1 to 65,536: got 1000000000",
    "compare DATA --seeds 0": "--seeds must be from 1 to 1,000: got 0",
    "compare DATA --device gpu": "device 'gpu' is not available",
    "compare DATA --budget never": "is not a duration",
    "bench mixers --mixers parmixer": "did you mean 'paramixer'?",
    "bench mixers --device gpu": "device 'gpu' is not available",
    "bench mixers --lengths 3": "is not a whole number from 16",
    "bench approximation --features none": "is not a number of features",
    "bench approximation --run nowhere": "no such run folder",
    "reproduce lra --tasks nothing": "there is no task 'nothing'",
    "reproduce lra --set mixer.nothing=3": "no option 'nothing'",
    "reproduce lra --methods linformer --set mixer.n_features=0": "mixer.n_features must be from 1 to 65,536: got 0",
    "reproduce scalability --set paramixer:mixer.d_hidden=0": "mixer.d_hidden must be from 1 to 1,000,000: got 0",
    "reproduce scalability --set model.d_model=31": "mixer.n_heads must divide model.d_model = 31: got 2",
    "reproduce genome --methods nothing": "there is no method 'nothing'",
    "reproduce scalability --mixers parmixer": "did you mean 'paramixer'?",
    "generate nothing": "there is no task 'nothing'",
    "recipes nothing": "there is no recipe 'nothing'",
}

COMMANDS = {
    "prepare": "prepare FILE",
    "train": "train DATA",
    "pretrain": "pretrain DATA",
    "eval": "eval RUN",
    "predict": "predict FILE --run RUN",
    "check": "check DATA",
    "compare": "compare DATA",
    "crossval": "crossval DATA",
    "learning-curve": "learning-curve DATA",
    "ensemble": "ensemble RUN",
    "generate": "generate motifs",
    "reproduce lra": "reproduce lra",
    "reproduce genome": "reproduce genome",
    "reproduce scalability": "reproduce scalability",
    "bench mixers": "bench mixers",
    "bench approximation": "bench approximation",
}
AS_TEXT = ("--budget", "--lr", "--tokens-per-batch", "--length", "--lengths", "--features")  # numbers that flags take as text


def absurd():
    """Yield arguments with an absurd number, and the option that the message must name."""
    for name, command in leaves(get_command(app)):
        for one in command.params:
            flag = one.opts[0]
            if one.param_type_name == "option" and (one.display_type(None) in ("<int>", "<float>") or flag in AS_TEXT):
                task = "listops" if "listops: " in (one.help or "") and flag != "--length" else "motifs"
                yield (
                    f"{COMMANDS[name].replace('motifs', task)} {flag} {10**31}",
                    "not a number of features" if flag == "--features" else flag,
                )
    for option in ("model.blocks", "model.kmer", "model.d_model", "model.hashed_words", "model.words", "data.window"):
        yield f"train DATA --set {option}={10**7 if option == 'model.blocks' else 10**9 * 10**4}", option
    yield f"train DATA --set training.seed={'9' * 5000}", "training.seed"
    yield "train DATA --set training.lr=1e400", "--lr"
    yield "train DATA --seed 1e31", "--seed"
    yield "generate adding --train 1000000000000", "--train"


MISTAKES |= dict(absurd())


@pytest.fixture(scope="module")
def outcomes(trained, dataset, two_class_files, tmp_path_factory):
    """What each mistake led to: the exit code, whether torch was loaded, and what was printed; all in one process."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "there.csv").write_text("")
    places = {"FILE": two_class_files[0], "RUN": trained.path, "DATA": dataset.path}
    given = json.dumps([[str(places.get(word, word)) for word in arguments.split()] for arguments in MISTAKES])
    subprocess.run([sys.executable, "-c", CODE], input=given, text=True, cwd=folder, env=ENVIRONMENT, check=True)
    assert sorted(path.name for path in folder.iterdir()) == ["found.json", "there.csv"]
    return dict(zip(MISTAKES, json.loads((folder / "found.json").read_text()), strict=True))


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.items(), ids=lambda text: text[:80])
def test_mistake_is_found_without_torch(arguments, message, outcomes):
    code, torch, printed = outcomes[arguments]
    assert message in " ".join(printed.split())
    assert code in (1, 2)
    assert not torch

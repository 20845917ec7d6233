"""The Python API as its documentation shows it, and what it says of arguments that make no sense."""

import inspect
import shutil
import subprocess
import sys

import numpy as np
import pandas
import pytest

import seqmix
from seqmix import SeqmixClassifier
from seqmix.errors import SeqmixError
from seqmix.models.predictor import Prediction
from tests.support.preparing import dna

RECORDS = [(f"{label}{i}", dna(30, f"{label}{i}"), label) for i in range(12) for label in ("mouse", "turtle")]
TINY = {"model": {"d_model": 8, "words": 0}, "training.tokens_per_batch": 512, "training.patience": 0}


def test_the_lines_of_the_documentation_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = seqmix.prepare(records=RECORDS, alphabet="dna")
    assert data.path.name == "seqmix-data" and data.classes == ["mouse", "turtle"]
    frame = pandas.DataFrame(RECORDS, columns=["id", "sequence", "label"])
    assert seqmix.prepare(records=frame, output="from-frame", alphabet="dna").fingerprint == data.fingerprint

    run = seqmix.train(data, mixer="conv", epochs=1, config=TINY)
    config = seqmix.Config.from_tables(run.config.to_tables())
    assert seqmix.train(data, config=config, output="again").config == run.config

    sequences = ["ACGTACGT", "GGTAGGTA"]
    found = run.predict(sequences)
    assert [type(one) for one in found] == [Prediction, Prediction]
    for given in (
        list(zip("ab", sequences, strict=True)),
        pandas.Series(sequences),
        np.array(sequences),
        iter(sequences),
    ):
        assert [one.label for one in run.predict(given)] == [one.label for one in found]
    assert [one.label for one in seqmix.predict(sequences=sequences)] == [one.label for one in found]
    assert run.predict_proba(sequences).shape == (2, len(run.classes))

    texts, labels = [text for _, text, _ in RECORDS], [label for _, _, label in RECORDS]
    model = SeqmixClassifier(mixer="skyformer", epochs=3, config=TINY | {"mixer.n_landmarks": 8})
    assert model.fit(texts, labels).predict_proba(texts).shape == (24, 2)


ODD = [None, 0, -1, 1.5, True, "", b"x", [], {}, {"a"}, [None], "x" * 400, "a\0b", object(), np.zeros(3), pandas.DataFrame()]
IDS = [f"{type(value).__name__}-{number}" for number, value in enumerate(ODD)]
CALLS = {
    "prepare": (
        lambda fixed: {"records": RECORDS, "output": fixed / "d", "overwrite": True},
        "inputs records output options read",
    ),
    "predict": (lambda fixed: {"sequences": ["ACGT"]}, "run sequences read device threads threshold batch_size tally"),
    "evaluate": (lambda fixed: {"baselines": False, "resamples": 1, "output": fixed}, "run split data output device threads"),
    "train": (lambda fixed: {"data": fixed / "gone"}, "output config recipe settings epochs lr device threads on_event"),
    "compare": (lambda fixed: {"data": fixed / "gone"}, "output mixers seeds budget config settings device threads jobs"),
    "generate": (
        lambda fixed: {"task": "adding", "output": fixed / "g", "train": 4, "overwrite": True},
        "task output train seed",
    ),
}


@pytest.mark.parametrize("value", ODD, ids=IDS)
@pytest.mark.parametrize("name", CALLS)
def test_odd_arguments_are_seqmix_errors_or_work(name, value, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, parameters = CALLS[name]
    run = seqmix.Run.open(shutil.copytree(trained.path, tmp_path / "run")) if name == "evaluate" else trained
    for parameter in parameters.split():
        options = {"run": run} if name in ("predict", "evaluate") else {}
        try:
            found = getattr(seqmix, name)(**options | make(tmp_path) | {parameter: value})
            list(found if inspect.isgenerator(found) or hasattr(found, "__next__") else ())
        except SeqmixError as error:
            assert "\n" not in str(error)


def test_the_error_for_a_wrong_type_names_the_parameter_and_what_is_allowed(trained):
    with pytest.raises(SeqmixError, match=r"threads must be a whole number or None: got 'two'"):
        seqmix.evaluate(trained, threads="two")
    with pytest.raises(SeqmixError, match=r"mixers must be a list of strings or None: got 'conv'"):
        seqmix.compare("data", mixers="conv")
    with pytest.raises(SeqmixError, match=r"lengths must be a list of whole numbers: got \['x'\]"):
        seqmix.bench_mixers(lengths=["x"])
    with pytest.raises(SeqmixError, match=r"classes must be a list: got 'odd'"):
        seqmix.prepare(records=["ACGT"], classes="odd")
    with pytest.raises(SeqmixError, match=r"output cannot be the path 'xxx.*: File name too long"):
        seqmix.train("data", output="x" * 400)


@pytest.mark.parametrize("name", ["mixer", "epochs", "budget", "max_steps", "lr"])
@pytest.mark.parametrize("value", [np.zeros(3), pandas.DataFrame(), ["a"], {"a": 1}], ids=lambda value: type(value).__name__)
def test_option_of_the_wrong_type_is_named(dataset, tmp_path, name, value):
    with pytest.raises(seqmix.SeqmixError, match=rf"\b{name} must be"):
        seqmix.train(dataset, tmp_path / "run", **{name: value})


def test_numbers_of_numpy_are_numbers(dataset, tmp_path):
    run = seqmix.train(
        dataset,
        tmp_path / "run",
        max_steps=np.int64(1),
        lr=np.float32(0.5),
        config={"model.d_model": np.int32(4), "model.words": np.int64(0), "mixer.d_hidden": np.int64(4)},
    )
    training, model = run.config.training, run.config.model
    assert (training.max_steps, training.lr, model.d_model, model.mixer_options["d_hidden"]) == (1, 0.5, 4, 4)


def test_mapping_states_settings_on_top_of_the_recipe(dataset, tmp_path):
    given = {"model.d_model": 4, "mixer.d_hidden": 4, "training": {"max_steps": 1, "budget": "5m", "tokens_per_batch": "512"}}
    run = seqmix.train(dataset, tmp_path / "run", config=given)
    training, model = run.config.training, run.config.model
    assert (model.d_model, training.max_steps, training.budget, training.tokens_per_batch) == (4, 1, 300, 512)
    assert model.lexical == "kmers"  # from the recipe that DNA is trained with


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads must be from 1 to 1,024"),
        ({"config": {5: 8}}, "config takes keys such as 'training.lr'"),
        ({"config": {"d_model": 8}}, "config takes keys such as 'training.lr'"),
        ({"settings": {"d_model": 8}}, "settings takes keys such as 'training.lr'"),
        ({"mixer_options": 5}, "mixer_options must be a mapping: got 5"),
        ({"budget": "5q"}, "budget: '5q' is not a duration"),
    ],
    ids=lambda value: "".join(value) if isinstance(value, dict) else "",
)
def test_refused_training_leaves_no_folder(dataset, tmp_path, options, message):
    with pytest.raises(seqmix.SeqmixError, match=message):
        seqmix.train(dataset, tmp_path / "run", **options)
    assert not list(tmp_path.iterdir())


def test_config_of_the_wrong_parts_is_refused():
    with pytest.raises(seqmix.SeqmixError, match="model must be a ModelConfig: got 5"):
        seqmix.Config(model=5)


def test_documented_modules_are_attributes():
    code = "import seqmix; seqmix.interop.from_published, seqmix.functional.circular_mix, seqmix.mixers.Paramixer"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Files that do not belong together are refused when a training is resumed or its model is used."""

import json
import shutil
import tomllib

import pytest
import tomli_w
import torch

import seqmix
from seqmix.run import Run
from seqmix.system.tensor_file import pack, unpack
from seqmix.training.events import StepEnd
from tests.support import train_tiny
from tests.support.kinds import KINDS
from tests.support.preparing import message_of, prepare, write_jsonl

STATE, LEXICAL = "last/state.safetensors", "last/lexical.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set, a finished run, and runs that were stopped in their second epoch, with other classes and other settings."""
    folder = tmp_path_factory.mktemp("runs")
    rows = KINDS["classification"].rows(40)
    (folder / "in").mkdir()
    data = prepare(write_jsonl(folder / "in" / "a.jsonl", rows), folder / "data")
    renamed = [row | {"label": row["label"].upper()} for row in rows]
    other = prepare(write_jsonl(folder / "in" / "b.jsonl", renamed), folder / "other")
    three = [row | {"label": "abc"[i % 3]} for i, row in enumerate(rows)]
    more = prepare(write_jsonl(folder / "in" / "c.jsonl", three), folder / "three")
    train_tiny(data, folder / "finished", epochs=2)
    begun(data, folder / "begun")
    begun(other, folder / "other-classes")
    begun(more, folder / "three-classes")
    begun(data, folder / "other-seed", seed=1)
    begun(data, folder / "wider", "model.d_model=12")
    begun(data, folder / "other-steps", "model.lexical=none", batch_size=5)
    return folder


def begun(data, folder, *settings, **options):
    class Stop(Exception):  # noqa: N818
        pass

    def stop(event):
        if isinstance(event, StepEnd) and event.epoch == 2:
            raise Stop

    given = {"epochs": 3, "batch_size": 8, "tokens_per_batch": None, "on_event": stop} | options
    with pytest.raises(Stop):
        train_tiny(data, folder, "model.lexical=auto", "training.save_every=1", *settings, **given)


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the run that was stopped."""
    return shutil.copytree(made / "begun", tmp_path / "copy")


def resume(folder):
    return seqmix.train(output=folder, resume=True)


def rewrite(folder, name, change, *, old=True):
    """Change a file of tensors and compute its checksum again; as version 0.1.0 wrote it, it does not say whose it is."""
    tensors, facts = unpack(folder / name)
    if old:
        facts.pop("started_with")
    change(tensors, facts)
    (folder / name).write_bytes(pack(tensors, facts))


def test_files_of_one_run_are_accepted(made, copy):
    assert resume(copy).load_state()[1]["state"]["finished"]
    assert resume(shutil.copytree(made / "finished", copy.with_name("finished"))).history()


def test_files_of_earlier_versions_need_not_say_whose_they_are(copy):
    for name in (STATE, LEXICAL, "model.safetensors"):
        rewrite(copy, name, lambda tensors, facts: None)
    assert resume(copy).load_state()[1]["state"]["finished"]


def without_options(folder, *names):
    """Make the files of a run what they were before these options of training existed."""
    tables = tomllib.loads((folder / "config.toml").read_text())
    for name in names:
        del tables["training"][name]
    (folder / "config.toml").write_text(tomli_w.dumps(tables))

    def remove(tensors, facts):
        for name in names:
            del facts["started_with"][f"training.{name}"]

    for file in (STATE, LEXICAL, "model.safetensors"):
        rewrite(folder, file, remove, old=False)


def test_files_from_before_an_option_existed_have_its_default(copy):
    without_options(copy, "clip", "tokens_at_once")
    assert resume(copy).load_state()[1]["state"]["finished"]


def test_an_option_that_files_do_not_know_cannot_be_added_to_the_configuration(copy):
    without_options(copy, "clip")
    tables = tomllib.loads((copy / "config.toml").read_text())
    tables["training"]["clip"] = 7.0
    (copy / "config.toml").write_text(tomli_w.dumps(tables))
    assert "training.clip" in message_of(resume, copy)


@pytest.mark.parametrize("other", ["other-classes", "three-classes", "other-seed", "wider"])
@pytest.mark.parametrize("name", [STATE, LEXICAL, "config.toml", "dataset.json", "model.safetensors"])
def test_a_file_of_another_run_is_refused(made, copy, other, name):
    same = (made / other / name).read_bytes() == (copy / name).read_bytes()
    shutil.copy(made / other / name, copy / name)
    if same:
        return
    message = message_of(resume, copy) if name != "model.safetensors" else message_of(Run.open(copy).load_model)
    assert str(copy) in message


@pytest.mark.parametrize(("option", "value"), [("lr", 0.5), ("seed", 3), ("epochs", 7), ("label_smoothing", 0.2)])
def test_a_configuration_that_was_edited_is_refused(copy, option, value):
    tables = tomllib.loads((copy / "config.toml").read_text())
    tables["training"][option] = value
    (copy / "config.toml").write_text(tomli_w.dumps(tables))
    assert f"training.{option}" in message_of(resume, copy)
    assert f"training.{option}" in message_of(Run.open(copy).load_model)


def test_an_edited_size_is_refused_before_memory_is_taken(copy):
    tables = tomllib.loads((copy / "config.toml").read_text())
    tables["model"]["d_model"] = 65536
    tables["model"]["d_feedforward"] = 65536
    (copy / "config.toml").write_text(tomli_w.dumps(tables))
    assert "model.d_" in message_of(resume, copy)


def test_device_and_place_of_the_data_may_be_edited(made, copy):
    tables = tomllib.loads((copy / "config.toml").read_text())
    tables["training"]["device"], tables["data"]["path"] = "cpu", str(made / "in" / ".." / "data")
    (copy / "config.toml").write_text(tomli_w.dumps(tables))
    assert resume(copy).load_state()[1]["state"]["finished"]


@pytest.mark.parametrize("of", ["begun", "finished"])
def test_a_state_without_the_weights_that_it_counts_is_refused(made, of, tmp_path):
    copy = shutil.copytree(made / of, tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    assert "model.safetensors" in message_of(resume, copy)


def lines(change):
    def rewritten(text):
        found = [json.loads(line) for line in text.splitlines()]
        change(found)
        return "".join(json.dumps(line) + "\n" for line in found)

    return rewritten


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: "[]\n" + text,
        lambda text: "[" * 100_000 + "\n" + text,
        lambda text: "\udcff\n" + text,
        lines(lambda found: found[0].update(step=1)),
        lines(lambda found: found[0].update(step=-1)),
        lines(lambda found: found[0].update(step=True)),
        lines(lambda found: found[0].update(best=found[0]["step"])),
        lines(lambda found: found[0].update(best=False)),
        lines(lambda found: found[0].update(lr="high")),
        lines(lambda found: found[0].update(lr=float("inf"))),
        lines(lambda found: found[0].pop("step")),
        lines(lambda found: found.insert(0, {"epoch": 1, "step": 1, "best": True})),
    ],
)
def test_a_log_that_is_not_that_of_the_state_is_refused(copy, change):
    log = copy / "metrics.jsonl"
    log.write_bytes(change(log.read_text()).encode("utf-8", "surrogateescape"))
    assert "metrics.jsonl" in message_of(resume, copy)


def test_a_log_of_another_run_is_refused(made, copy):
    shutil.copy(made / "other-steps" / "metrics.jsonl", copy)
    assert "metrics.jsonl" in message_of(resume, copy)


def test_a_log_that_went_on_after_the_state_is_cut(copy):
    """A crash between the two leaves a line more."""
    log = copy / "metrics.jsonl"
    log.write_text(log.read_text() + '{"epoch": 2, "step": 6, "best": true}\n')
    assert [line["epoch"] for line in resume(copy).history()] == [1, 2, 3]


def first(tensors, prefix):
    return next(name for name in tensors if name.startswith(prefix))


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, facts: tensors.pop("random.cpu"),
        lambda tensors, facts: tensors.update({"random.cpu": torch.zeros(3)}),
        lambda tensors, facts: tensors.pop(first(tensors, "model.")),
        lambda tensors, facts: tensors.update({first(tensors, "model."): torch.zeros(2, 2, 2)}),
        lambda tensors, facts: [tensors.pop(name) for name in list(tensors) if name.startswith("model.")],
        lambda tensors, facts: tensors.update({"optimizer.0.exp_avg": torch.zeros(3)}),
        lambda tensors, facts: tensors.pop("optimizer.0.exp_avg_sq"),
        lambda tensors, facts: tensors.update({"optimizer.9999.step": torch.zeros(())}),
        lambda tensors, facts: tensors.update({"optimizer.x": torch.zeros(())}),
        lambda tensors, facts: facts.pop("state"),
        lambda tensors, facts: facts.pop("scaler"),
        lambda tensors, facts: facts.update(state=None),
        lambda tensors, facts: facts["state"].update(epoch=-1),
        lambda tensors, facts: facts["state"].update(step="3"),
        lambda tensors, facts: facts["state"].update(step=True),
        lambda tensors, facts: facts["state"].update(pieces=0),
        lambda tensors, facts: facts["state"].update(hidden=[2.0]),
        lambda tensors, facts: facts["state"].update(hidden=[0.1] * 5),
        lambda tensors, facts: facts["state"].update(mood="good"),
        lambda tensors, facts: facts["state"].update(best_step=10**9),
    ],
)
def test_a_state_that_does_not_fit_is_refused(copy, change):
    rewrite(copy, STATE, change)
    assert str(copy) in message_of(resume, copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, facts: facts["spec"].update(k=10**9),
        lambda tensors, facts: facts["spec"].update(k=facts["spec"]["k"] + 1),
        lambda tensors, facts: facts["spec"].update(letters=20),
        lambda tensors, facts: facts["spec"].update(weighting="heavy"),
        lambda tensors, facts: facts["spec"].update(paired=True),
        lambda tensors, facts: facts["spec"].update(features="ngrams"),
        lambda tensors, facts: facts["spec"].update(mood="good"),
        lambda tensors, facts: facts.pop("spec"),
        lambda tensors, facts: facts.update(scores=3),
        lambda tensors, facts: tensors.update(bias=torch.zeros(3)),
        lambda tensors, facts: tensors.update(validation=torch.zeros(1, 2)),
        lambda tensors, facts: tensors.pop("validation"),
        lambda tensors, facts: tensors.pop("weight"),
    ],
)
def test_a_lexical_branch_that_does_not_fit_is_refused(copy, change):
    rewrite(copy, LEXICAL, change)
    assert LEXICAL in message_of(resume, copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, facts: tensors.update({first(tensors, "head."): torch.zeros(7)}),
        lambda tensors, facts: tensors.pop("lexical.bias"),
        lambda tensors, facts: tensors.update({"lexical.weight": torch.zeros(4, 2)}),
        lambda tensors, facts: facts["branches"].update(weight=2),
        lambda tensors, facts: facts["branches"].update(weight="half"),
        lambda tensors, facts: facts["branches"]["lexical"].update(k=10**9),
        lambda tensors, facts: facts["branches"].pop("lexical"),
        lambda tensors, facts: facts.update(branches=[1]),
        lambda tensors, facts: facts.update(description=[1]),
        lambda tensors, facts: facts.update(started_with=[1]),
    ],
)
def test_weights_that_do_not_fit_are_refused(copy, change):
    rewrite(copy, "model.safetensors", change)
    assert "model.safetensors" in message_of(Run.open(copy).load_model)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"encoding": "utf-8"', '"encoding": "klingon"'),
        ('"delimiter": null', '"delimeter": null'),
        ('"read": {', '"read": {"x": 1,'),
    ],
)
def test_options_of_reading_that_do_not_exist_are_refused(copy, before, after):
    path = copy / "dataset.json"
    info = json.loads(path.read_text())
    info.pop("checksum")
    text = json.dumps(info)
    assert before in text
    path.write_text(text.replace(before, after))
    assert "dataset.json" in message_of(Run.open, copy)

"""Pretraining on hidden tokens, and training that begins with the weights of another run."""

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import seqmix
from seqmix.data.dataset import Dataset
from seqmix.ensembles.find import find_run
from seqmix.errors import ConfigError, DatasetError, InputError, RunError
from seqmix.models.branches import mixing_weights
from seqmix.run import Run
from seqmix.training.events import LearnedNothing, StepEnd, WeightsTaken
from seqmix.training.pretrain import open_without_labels
from seqmix.training.resolve import resolve_run
from tests.support import new_model

SMALL = ("model.d_model=8", "training.patience=0")
UNITS = {"a": "ACGTTGCA", "b": "GGATCCTA"}


class DeathError(Exception):
    """What stands for a process that dies."""


def structured(label, rng):
    """A sequence of one unit, of which some copies are random."""
    return "".join(UNITS[label] if rng.random() < 0.8 else "".join(rng.choices("ACGT", k=8)) for _ in range(12))


@pytest.fixture(scope="module")
def records():
    rng = random.Random(0)
    return [(f"{label}{i}", structured(label, rng), label) for i in range(20) for label in UNITS]


@pytest.fixture(scope="module")
def labelled(records, tmp_path_factory):
    return seqmix.prepare(records=records, output=tmp_path_factory.mktemp("labelled") / "data", alphabet="dna")


@pytest.fixture(scope="module")
def unlabelled(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unlabelled") / "data"
    return seqmix.prepare(records=[(name, text) for name, text, _ in records], output=folder, alphabet="dna")


def pretrain(dataset, output, *settings, **options):
    given = {"mixer": "conv", "epochs": 4, "lr": 0.02, "tokens_per_batch": 512} | options
    return seqmix.pretrain(dataset, output, settings=[*SMALL, *settings], **given)


def train(dataset, output, *settings, **options):
    given = {"epochs": 2, "lr": 0.02, "tokens_per_batch": 512, "lexical": "none"} | options
    return seqmix.train(dataset, output, settings=["training.patience=0", *settings], **given)


@pytest.fixture(scope="module")
def pretrained(unlabelled, tmp_path_factory):
    return pretrain(unlabelled, tmp_path_factory.mktemp("pretrained") / "run")


def layers(run):
    """The weights of a run without those of the head."""
    return {name: one for name, one in mixing_weights(run.weights()[0]).items() if not name.startswith("head.")}


@pytest.mark.parametrize(
    "settings",
    [
        [],
        ["model.kmer=3", "model.stride=4"],
        ["model.kmer=3", "model.pooling=cls"],
        ["model.block=gated", "model.pooling=mean-max", "model.stride=2", "model.stem=none", "model.dropout_tokens=0.1"],
    ],
    ids=" ".join,
)
def test_structured_dna_is_predicted_better_than_by_frequency(settings, unlabelled, tmp_path):
    run = pretrain(unlabelled, tmp_path / "run", *settings, epochs=8)
    losses = [line["val_loss"] for line in run.history()]
    assert losses[-1] < losses[0]
    assert losses[-1] < 0.85 * run.objective.entropy
    assert not run.learned_nothing


def test_random_dna_is_not(tmp_path):
    rng = random.Random(0)
    records = [(str(i), "".join(rng.choices("ACGT", k=64))) for i in range(40)]
    data = seqmix.prepare(records=records, output=tmp_path / "data", alphabet="dna")
    run = pretrain(data, tmp_path / "run", epochs=3)
    assert run.learned_nothing


def test_run_is_like_any_other(pretrained, unlabelled):
    assert pretrained.config.training.select == "loss"
    assert pretrained.config.model.lexical == "none"
    assert pretrained.config.training.reverse_complement == 0.5
    assert pretrained.config.training.mask_span == 8
    assert pretrained.dataset_fingerprint == unlabelled.fingerprint
    assert (pretrained.path / "last" / "state.safetensors").is_file()
    assert {"val_accuracy", "val_bits", "val_explained", "val_loss"} <= pretrained.history()[0].keys()
    assert "pretraining on hidden tokens" in repr(seqmix.Run.open(pretrained.path))


def test_test_split_is_only_seen_without_labels(labelled, unlabelled):
    assert open_without_labels(labelled).sizes == labelled.sizes
    assert open_without_labels(unlabelled).sizes == {"train": 32, "val": 8, "test": 0}
    assert unlabelled.sizes["test"] == 8


def test_validation_hides_the_same_in_any_batch(pretrained, unlabelled):
    model = pretrained.load_model()
    ids = [torch.from_numpy(unlabelled.tokens(i).copy()) for i in range(3)]
    ids[1] = ids[1][:20]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True)
    mask = torch.arange(padded.shape[1]) < torch.tensor([[len(one)] for one in ids])
    with torch.inference_mode():
        together = model(padded, mask)
        alone = torch.cat([model(one[None], torch.ones(1, len(one), dtype=torch.bool)) for one in ids])
    assert torch.allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"kmer": 3}, {"kmer": 3, "stride": 2}, {"pooling": "cls", "kmer": 2}], ids=str)
def test_hidden_characters_have_no_effect_on_features(options):
    from seqmix.config import Config, ModelConfig
    from seqmix.models.inputs import InputSpec
    from seqmix.models.masked import MaskedModel

    torch.manual_seed(0)
    config = Config(model=ModelConfig(mixer="conv", max_length=40, d_model=8, **options)).model
    model = MaskedModel(config, InputSpec(vocab_size=7, letters=4), share=0.3, span=5, unknown=6).eval()
    mask = torch.ones(2, 40, dtype=torch.bool)
    ids = torch.randint(2, 6, (2, 40))
    if options.get("pooling") == "cls":
        ids[:, 0] = 1
    hidden = model._hidden(mask)
    assert 0.1 < hidden.float().mean() < 0.6
    changed = torch.where(hidden, torch.randint(2, 6, ids.shape), ids)

    def features(ids):
        tokens, kept = model._tokens(ids, mask)
        return model._features(tokens, kept, model._seen(hidden)[:, : tokens.shape[1]])

    with torch.inference_mode():
        first, second = features(ids), features(changed)
    assert not torch.equal(ids, changed)
    assert torch.equal(first, second)


def test_answers_are_refused_with_the_next_step(pretrained):
    for ask in (
        lambda: seqmix.evaluate(pretrained),
        lambda: list(seqmix.predict(sequences=["ACGT"], run=pretrained)),
        lambda: pretrained.predict(["ACGT"]),
    ):
        with pytest.raises(RunError, match=r"was pretrained.*seqmix\.train and init="):
            ask()


def test_labels_and_lexical_branches_are_refused(pretrained, unlabelled, tmp_path):
    for setting in ("class_weights=balanced", "sampling=balanced", "label_smoothing=0.1", "freeze=true"):
        with pytest.raises(ConfigError, match="does not look at labels"):
            pretrain(unlabelled, tmp_path / "run", f"training.{setting}", init=pretrained)
    for options in ({}, {"epochs": 2}, {"settings": ["model.lexical=kmers"]}):
        with pytest.raises(ConfigError, match=r"trains the mixing branch alone: choose a mixer$"):
            seqmix.pretrain(unlabelled, tmp_path / "run", mixer="none", **options)
    with pytest.raises(ConfigError, match="trains the mixing branch alone"):
        pretrain(unlabelled, tmp_path / "run", "model.lexical=kmers")
    numbers = seqmix.prepare(records=[(str(i), np.arange(4.0) + i) for i in range(6)], output=tmp_path / "numbers")
    with pytest.raises(DatasetError, match="holds numbers"):
        pretrain(numbers, tmp_path / "run")


@pytest.mark.parametrize("alphabet", ["protein", "chars", "words", "subwords", "bytes"])
def test_proteins_and_texts_are_pretrained_and_trained(alphabet, tmp_path):
    rng = random.Random(0)
    words = ["WKVLA", "MNPQA", "ACDEF"] if alphabet == "protein" else ["a cat ", "sat on ", "the mat "]
    rows = [(str(i), "".join(rng.choices(words, (3, i % 2, 1), k=12)), "pq"[i % 2]) for i in range(30)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", alphabet=alphabet)
    run = pretrain(data, tmp_path / "pretrained", epochs=2)
    assert run.config.training.mask_span == (3 if alphabet in ("words", "subwords") else 8)
    assert np.isfinite(run.history()[-1]["val_loss"])
    begun = train(data, tmp_path / "run", init=run, epochs=1)
    assert begun.classes == ["p", "q"]


@pytest.mark.parametrize(("settings", "span"), [([], 3), (["model.stride=8"], 8), (["model.stride=2"], 3)], ids=str)
def test_no_window_of_words_is_longer_than_a_hidden_span(settings, span, tmp_path):
    rng = random.Random(0)
    rows = [(str(i), " ".join(rng.choices(["a", "cat", "sat"], k=20))) for i in range(8)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", alphabet="words")
    assert resolve_run(data, {"mixer": "conv"}, {}, settings=settings, opened=open_without_labels)[1].training.mask_span == span


def test_pairs_are_pretrained(tmp_path):
    rng = random.Random(0)
    rows = [{"id": str(i), "text": structured("a", rng), "pair": structured("b", rng)} for i in range(10)]
    data = seqmix.prepare(records=rows, output=tmp_path / "data", alphabet="dna", pair_column="pair")
    assert np.isfinite(pretrain(data, tmp_path / "run", epochs=1).history()[-1]["val_loss"])


def test_training_begins_with_exact_weights(pretrained, labelled, tmp_path):
    events = []
    run = train(labelled, tmp_path / "run", init=pretrained, epochs=1, freeze=True, on_event=events.append)
    [taken] = [event for event in events if isinstance(event, WeightsTaken)]
    wanted = layers(pretrained)
    assert taken.pretrained
    assert taken.new_head
    assert taken.frozen
    assert taken.parameters == sum(one.numel() for one in wanted.values())
    assert run.config.model.mixer == "conv"
    assert run.config.model.d_model == 8
    assert run.config.training.init == str(pretrained.path.absolute())
    assert len(run.config.training.init_checksum) == 64
    found = layers(run)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    torch.manual_seed(run.config.training.seed)
    head = run.build_model().head.weight
    assert not torch.equal(run.load_model().head.weight, head)  # which was trained


def test_weights_change_unless_frozen(pretrained, labelled, tmp_path):
    run = train(labelled, tmp_path / "run", init=str(pretrained.path), epochs=1)
    assert any(not torch.equal(one, layers(pretrained)[name]) for name, one in layers(run).items())
    with pytest.raises(ConfigError, match="freeze=True needs weights to keep"):
        train(labelled, tmp_path / "other", freeze=True)


def test_head_is_taken_for_the_same_classes_and_new_for_others(labelled, records, tmp_path):
    first = train(labelled, tmp_path / "first", "model.d_model=8", mixer="conv", lexical="auto")
    events = []
    train(labelled, tmp_path / "same", init=first, on_event=events.append, lexical="auto")
    renamed = [(name, text, f"new-{label}") for name, text, label in records]
    other = seqmix.prepare(records=renamed, output=tmp_path / "data", alphabet="dna")
    run = train(other, tmp_path / "other", init=first, on_event=events.append)
    assert [event.new_head for event in events if isinstance(event, WeightsTaken)] == [False, True]
    assert run.classes == ["new-a", "new-b"]
    assert run.config.model.lexical == "none"


@pytest.mark.parametrize("option", ["model.d_model=16", "model.kmer=2", "model.stem=none", "model.blocks=2"])
def test_other_widths_are_refused(option, pretrained, labelled, tmp_path):
    name, _, value = option.partition("=")
    with pytest.raises(ConfigError, match=rf"^{name} = {value}: the weights of .* do not fit \(it has ") as caught:
        train(labelled, tmp_path / "run", option, init=pretrained)
    assert caught.value.option == name
    assert not (tmp_path / "run").exists()


def test_settings_that_keep_the_shapes_may_be_given(pretrained, labelled, tmp_path):
    run = train(labelled, tmp_path / "run", "model.dropout=0.3", "model.pooling=mean-max", init=pretrained, epochs=1)
    assert run.config.model.dropout == 0.3
    with pytest.raises(ConfigError, match=r"mixer = linear: the weights of .* are of conv"):
        train(labelled, tmp_path / "other", init=pretrained, mixer="linear")


def test_other_vocabularies_are_refused(pretrained, records, tmp_path):
    data = seqmix.prepare(records=records, output=tmp_path / "data", alphabet="chars")
    with pytest.raises(ConfigError, match=r"reads the alphabet dna \(5 symbols\) and .* has the alphabet chars"):
        train(data, tmp_path / "run", init=pretrained)


@pytest.mark.parametrize("alphabet", ["chars", "words", "subwords"])
def test_vocabulary_of_a_run_is_taken_for_other_texts(alphabet, tmp_path):
    rows = [(str(i), f"the {'cat' if i % 3 else 'dog'} number {i}") for i in range(20)]
    run = pretrain(seqmix.prepare(records=rows, output=tmp_path / "texts", alphabet=alphabet), tmp_path / "first", epochs=1)
    labelled = [(str(i), f"a {'bird' if i % 2 else 'the cat'} of {i} years", "xy"[i % 2]) for i in range(20)]
    other = seqmix.prepare(records=labelled, output=tmp_path / "own", alphabet=alphabet)
    with pytest.raises(ConfigError, match=r"with other symbols.*seqmix\.prepare with vocabulary_from="):
        train(other, tmp_path / "run", init=run)
    data = seqmix.prepare(records=labelled, output=tmp_path / "taken", vocabulary_from=run.path)
    assert data.vocabulary.symbols == run.vocabulary.symbols
    assert train(data, tmp_path / "run", init=run, epochs=1).vocabulary.alphabet == alphabet
    with pytest.raises(ConfigError, match="vocabulary_from brings the alphabet"):
        seqmix.prepare(records=labelled, output=tmp_path / "no", vocabulary_from=run.path, alphabet="chars")


def test_weights_are_those_that_the_run_was_created_with(pretrained, labelled, tmp_path):
    run = train(labelled, tmp_path / "run", init=pretrained, epochs=1)
    again = train(labelled, tmp_path / "again", config=run.path / "config.toml", lexical=None, epochs=None)
    assert all(torch.equal(one, layers(run)[name]) for name, one in layers(again).items())
    with pytest.raises(ConfigError, match=r"its weights are not those of training\.init_checksum"):
        train(labelled, tmp_path / "other", "training.init_checksum=00", init=pretrained)
    with pytest.raises(RunError, match="no such run folder"):
        train(labelled, tmp_path / "other", init=str(tmp_path / "none"))


@pytest.mark.parametrize("verb", [seqmix.pretrain, seqmix.train], ids=["pretrain", "train"])
def test_resume_is_bit_identical(verb, pretrained, labelled, tmp_path):
    settings = [*SMALL, "training.save_every=2", "model.dropout=0.1"]
    options = {"epochs": 3, "lr": 0.02, "tokens_per_batch": 512, "settings": settings}
    options |= {"mixer": "conv"} if verb is seqmix.pretrain else {"init": pretrained, "freeze": False, "lexical": "none"}

    def die(event):
        if isinstance(event, StepEnd) and event.step == 5:
            raise DeathError

    whole = verb(labelled, tmp_path / "whole", **options)
    with pytest.raises(DeathError):
        verb(labelled, tmp_path / "run", **options, on_event=die)
    run = verb(labelled, tmp_path / "run", resume=True, **({"init": pretrained} if verb is seqmix.train else {}))
    for name in ("model.safetensors", "last/state.safetensors"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_folder_of_the_initial_run_may_be_moved_and_its_new_place_written(pretrained, labelled, tmp_path):
    def die(event):
        if isinstance(event, StepEnd) and event.step == 2:
            raise DeathError

    first, moved = Path(shutil.copytree(pretrained.path, tmp_path / "first")), tmp_path / "moved"
    with pytest.raises(DeathError):
        train(labelled, tmp_path / "run", "training.save_every=1", init=first, epochs=2, on_event=die)
    begun = Path(shutil.copytree(tmp_path / "run", tmp_path / "begun"))
    (begun / "last" / "state.safetensors").unlink()  # before the first step
    unchanged = shutil.copytree(tmp_path / "run", tmp_path / "unchanged")
    first.rename(moved)
    for run in (tmp_path / "run", begun):
        text = (run / "config.toml").read_text()
        for place in (tmp_path / "nowhere", labelled.path):
            (run / "config.toml").write_text(text.replace(str(first), str(place)))
            with pytest.raises(RunError, match=r"training\.init in config|config\.toml: training\.init is .*write the folder"):
                seqmix.train(output=run, resume=True)
        (run / "config.toml").write_text(text.replace(str(first), str(moved)))
        assert seqmix.train(output=run, resume=True).load_state()[1]["state"]["finished"]
    assert seqmix.train(output=unchanged, resume=True).load_state()[1]["state"]["finished"]


def test_each_command_resumes_its_own_runs(pretrained, labelled, unlabelled):
    advice = r"was started with seqmix\.pretrain; continue it with: seqmix\.pretrain resume=True output='.*'; to train a "
    for data in (labelled, unlabelled.path, None):
        with pytest.raises(RunError, match=advice + r"classifier from its weights: seqmix\.train init='"):
            seqmix.train(data, pretrained.path, resume=True)


def test_newest_run_that_answers_was_not_pretrained(pretrained, labelled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(pretrained.path, "runs/002-pretrained")
    for verb in (seqmix.evaluate, lambda: list(seqmix.predict(sequences=["ACGT"]))):
        with pytest.raises(RunError, match=r"no run under runs/ has learned labels.*init='runs/002-pretrained'"):
            verb()
    run = train(labelled, "runs/001-trained", mixer="conv", epochs=1)
    os.utime("runs/001-trained/config.toml", (0, 0))
    assert Run.newest().path.name == "002-pretrained"
    assert Run.newest(answering=True).path.name == "001-trained"
    assert find_run(None).path == run.path


def test_pretrained_run_has_no_probabilities(pretrained):
    with pytest.raises(RunError, match="this run was pretrained"):
        pretrained.predict_proba(["ACGT"])


def test_setting_that_the_initial_run_brings_is_named_in_an_error(unlabelled, labelled, tmp_path):
    run = pretrain(unlabelled, tmp_path / "run", "model.stride=4", epochs=1)
    with pytest.raises(ConfigError, match=r"the run that the weights are taken from, .*run, sets model\.stride$"):
        train(labelled, tmp_path / "other", init=run, pooling="cls")


def test_pretraining_that_learns_slowly_is_not_warned_early(unlabelled, tmp_path):
    events = []
    pretrain(unlabelled, tmp_path / "run", epochs=6, lr=1e-9, on_event=events.append)
    [warning] = [event for event in events if isinstance(event, LearnedNothing)]
    assert warning.epoch == 4


def test_vocabulary_from_says_what_it_takes(records, pretrained, tmp_path):
    def prepare(folder, records=records):
        seqmix.prepare(records=records, output=tmp_path / "data", vocabulary_from=folder)

    with pytest.raises(
        DatasetError, match=r"none: vocabulary_from takes the folder of a data set or of a run: there is no such"
    ):
        prepare(tmp_path / "none")
    with pytest.raises(DatasetError, match=r"this is not one \(dataset\.json is missing\)"):
        prepare(tmp_path)
    with pytest.raises(InputError, match=r"vocabulary_from='.*run' is for dna sequences and does not take others"):
        prepare(pretrained.path, [("0", "hello", "a"), ("1", "world", "b")])


def test_features_depend_on_what_is_hidden():
    torch.manual_seed(0)
    model = new_model(mixer="conv", max_length=12, d_model=8, vocab_size=7).eval()
    ids, mask = torch.randint(2, 6, (2, 12)), torch.ones(2, 12, dtype=torch.bool)
    assert torch.equal(model._features(ids, mask), model._features(ids, mask, mask))
    assert not torch.equal(model._features(ids, mask), model._features(ids, mask, ids != 2))


def test_views_keep_the_data_set(labelled):
    before = labelled.split.copy()
    open_without_labels(labelled)
    assert Dataset.open(labelled.path).labelled
    assert (labelled.split == before).all()

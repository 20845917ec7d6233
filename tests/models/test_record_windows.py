"""Records that are trained in parts and predicted in windows: one answer for a record, whatever else is predicted."""

import random

import numpy as np
import pytest
import torch

import seqmix
from seqmix.config import Config, DataConfig, TrainingConfig
from seqmix.data.transforms import augment, window_starts
from seqmix.errors import RunError
from seqmix.models.batched import branch_outputs, predict_batches
from seqmix.models.branches import LEXICAL, MIXING, Branches
from seqmix.objectives.classification import Classification
from seqmix.objectives.multilabel import MultiLabel
from seqmix.objectives.regression import Regression
from seqmix.training.events import StepEnd
from seqmix.training.new_run import new_run
from seqmix.training.resolve import resolve
from seqmix.training.trainer import Trainer
from tests.support import new_model, random_dna
from tests.support.interrupting import assert_same_run, resumed_at

OPTIONS = {"mixer": "conv", "tokens_per_batch": 512, "epochs": 2, "lr": 0.01}
SMALL = ("model.d_model=8", "model.lexical=none", "training.patience=0", "training.crop_length=30", "data.window=30")
OBJECTIVES = [Classification(("a", "b", "c")), MultiLabel(("a", "b", "c")), Regression((), mean=5.0, scale=2.0)]


@pytest.fixture(scope="module")
def cropped(dataset, tmp_path_factory):
    """A run trained on parts of 30 letters of sequences of up to 200."""
    events = []
    output = tmp_path_factory.mktemp("cropped") / "run"
    return seqmix.train(dataset, output, settings=SMALL, on_event=events.append, save_every=1, **OPTIONS), events


def test_windows_are_evenly_spaced_and_cover_the_sequence():
    for length in (31, 59, 60, 61, 200, 1001):
        count = -(-length // 30)
        starts = window_starts(length, 30, count)
        assert starts[0] == 0 and starts[-1] == length - 30
        gaps = np.diff(starts)
        assert gaps.min() >= 1 and gaps.max() <= 30 and np.ptp(gaps) <= 1
    assert window_starts(20, 30, 3) == [0, 0, 0]


def test_part_is_seen_whole_drawn_per_epoch_and_never_longer():
    tokens = np.arange(1, 201, dtype=np.uint16)
    starts = set()
    for epoch in range(40):
        part = augment(tokens, (0, epoch, 7), crop_length=30, complement=None)
        assert len(part) == 30 and (np.diff(part) == 1).all()
        assert np.array_equal(part, augment(tokens, (0, epoch, 7), crop_length=30, complement=None))
        starts.add(int(part[0]))
    assert len(starts) > 25 and min(starts) < 30 and max(starts) > 140
    assert augment(tokens[:30], (0, 0, 7), crop_length=30, complement=None).tolist() == tokens[:30].tolist()
    assert len(augment(tokens, (0, 0, 7), crop=0.5, crop_length=150, complement=None)) <= 150


def predict(model, objective, sequences, **options):
    lengths = np.array([len(sequence) for sequence in sequences])
    return predict_batches(model, objective, lambda i: [sequences[i]], lengths, device=torch.device("cpu"), **options)


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    return [rng.integers(2, 6, length).astype(np.uint8) for length in (10, 29, 30, 31, 75, 200, 64)]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: one.kind)
def test_answer_is_the_mean_over_windows(objective, sequences):
    torch.manual_seed(0)
    model = new_model(n_classes=objective.n_outputs, vocab_size=6, mixer="conv", d_model=8, max_length=30)
    found = predict(model, objective, sequences, window=30)
    for row, sequence in zip(found, sequences, strict=True):
        count = -(-len(sequence) // 30)
        parts = [sequence[start : start + 30] for start in window_starts(len(sequence), 30, count)]
        each = predict(model, objective, parts)
        if objective.kind == "classification":
            wanted = np.exp(np.log(each).mean(0))
            wanted /= wanted.sum()
        elif objective.kind == "multilabel":
            wanted = 1 / (1 + np.exp(-np.log(each / (1 - each)).mean(0)))
        else:
            wanted = each.mean(0)
        np.testing.assert_allclose(row, wanted, rtol=1e-5, atol=1e-6)


def test_answer_in_windows_does_not_depend_on_other_records(sequences):
    torch.manual_seed(0)
    model, objective = new_model(vocab_size=6, mixer="conv", d_model=8, max_length=30), Classification(("a", "b"))
    done = []
    together = predict(model, objective, sequences, window=30, tokens_per_batch=70, on_batch=done.append)
    assert sum(done) == len(sequences) and len(done) > 5
    for row, sequence in zip(together, sequences, strict=True):
        np.testing.assert_allclose(predict(model, objective, [sequence], window=30)[0], row, rtol=0, atol=1e-6)


def test_memory_is_that_of_a_window(sequences):
    torch.manual_seed(0)
    model, seen = new_model(vocab_size=6, mixer="conv", d_model=8, max_length=30), []
    model.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    predict(model, Classification(("a", "b")), sequences, window=30, tokens_per_batch=60)
    assert max(length for _, length in seen) == 30 and max(rows * length for rows, length in seen) <= 60


def test_pairs_are_seen_in_windows_side_by_side():
    torch.manual_seed(0)
    model = new_model(vocab_size=6, mixer="conv", d_model=8, max_length=30, paired=True)
    rng, objective = np.random.default_rng(0), Classification(("a", "b"))
    first, second = rng.integers(2, 6, 90).astype(np.uint8), rng.integers(2, 6, 40).astype(np.uint8)

    def answer(pairs, **options):
        lengths = np.array([max(map(len, pair)) for pair in pairs])
        return predict_batches(model, objective, pairs.__getitem__, lengths, device=torch.device("cpu"), **options)

    parts = [[first[a : a + 30], second[b : b + 30]] for a, b in ((0, 0), (30, 5), (60, 10))]
    wanted = np.exp(np.log(answer(parts)).mean(0))
    np.testing.assert_allclose(answer([[first, second]], window=30)[0], wanted / wanted.sum(), rtol=1e-5)


def test_batches_are_planned_for_the_parts(dataset, cropped):
    _, events = cropped
    whole = int(dataset.lengths[dataset.indices("train")].sum())
    steps = [event for event in events if isinstance(event, StepEnd) and event.epoch == 1]
    assert sum(event.tokens for event in steps) == 30 * len(dataset.indices("train")) < whole / 2
    assert len(steps) == -(-len(dataset.indices("train")) // (512 // 30))


def test_validation_evaluation_and_prediction_use_the_same_windows(dataset, cropped):
    run, _ = cropped
    best = next(line for line in reversed(run.history()) if line["best"])
    evaluated = seqmix.evaluate(run, split="val", baselines=False, resamples=2)
    assert evaluated.scores["log loss"].value == pytest.approx(best["val_log loss"], abs=1e-6)
    indices = dataset.indices("val")
    texts = [dataset.vocabulary.decode(dataset.tokens(int(i))) for i in indices]
    found = run.predict_proba(texts)
    true = found[np.arange(len(indices)), dataset.labels[indices]]
    assert -np.log(true).mean() == pytest.approx(best["val_log loss"], abs=1e-6)


def test_model_that_sees_parts_is_built_for_parts(dataset, cropped, tmp_path):
    assert cropped[0].config.model.max_length == 30
    run = seqmix.train(dataset, tmp_path / "flat", pooling="flat", settings=SMALL, **OPTIONS)
    assert run.config.model.max_length == 30
    [found] = run.predict([random_dna(400, random.Random(0))])
    assert found.length == 400
    whole = resolve(dataset, {"model": {"pooling": "flat"}, "training": {"crop_length": 30}})
    assert whole.model.max_length == dataset.lengths.max(), "records are predicted whole"


def test_weights_do_not_load_with_another_window(cropped):
    run, _ = cropped
    file = run.path / "config.toml"
    before = file.read_text()
    file.write_text(before.replace("window = 30", "window = 31"))
    try:
        with pytest.raises(RunError, match=r"data\.window"):
            seqmix.Run.open(run.path).load_model()
    finally:
        file.write_text(before)


@pytest.mark.parametrize("step", [2, 5])
def test_resume_with_crops_and_windows_is_bit_identical(step, dataset, cropped, tmp_path):
    assert_same_run(resumed_at(step, dataset, tmp_path / "run", SMALL, **OPTIONS), cropped[0])


def test_crops_differ_between_records_and_epochs(dataset, tmp_path):
    config = resolve(dataset, {"training": {"crop_length": 10}, "model": {"mixer": "conv"}})
    assert isinstance(config, Config) and config.data == DataConfig() and config.training == TrainingConfig(crop_length=10)
    trainer = Trainer(new_run(dataset, config, tmp_path / "run", False).build_model(), dataset, config, torch.device("cpu"))
    index = int(dataset.indices("train")[0])
    views = []
    for epoch in range(5):
        trainer.state.epoch = epoch
        views.append(trainer.training_view(index)[0].tobytes())
    assert len(set(views)) > 2 and {len(view) for view in views} == {10}


def test_lexical_branch_sees_whole_records(dataset, tmp_path):
    """In windows or not, only the mixing branch's outputs differ; validation and evaluation agree on both together."""
    run = seqmix.train(dataset, tmp_path / "run", settings=[*SMALL, "model.lexical=auto"], **OPTIONS)
    model, indices = run.load_model(), dataset.indices("val")
    assert isinstance(model, Branches)
    arguments = (model, run.objective, lambda i: dataset.truncated(int(indices[i]), run.config.data), dataset.lengths[indices])
    whole, parts = (branch_outputs(*arguments, window=window, device=torch.device("cpu")) for window in (0, 30))
    assert torch.equal(whole[LEXICAL], parts[LEXICAL])
    assert not torch.allclose(whole[MIXING].log_softmax(1), parts[MIXING].float(), atol=1e-4)
    best = next(line for line in reversed(run.history()) if line["best"])
    evaluated = seqmix.evaluate(run, split="val", baselines=False, resamples=2)
    assert evaluated.scores["log loss"].value == pytest.approx(best["both_log loss"], abs=1e-6)

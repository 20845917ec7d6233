"""Training: that it learns, that a seed is an answer, that the test split has no part in it, and what it refuses."""

import dataclasses
import math
import random
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import seqmix
from seqmix.config import Config, TrainingConfig
from seqmix.config.tables import read_toml
from seqmix.data.batching import collate, plan_batches
from seqmix.errors import ConfigError, DatasetError, RunError, SeqmixError
from seqmix.models.batched import predict_batches
from seqmix.models.classifier import SequenceClassifier
from seqmix.recipes import read_recipe
from seqmix.reporting.text import parse_duration
from seqmix.training import batch_size
from seqmix.training import fit as fitting
from seqmix.training import resolve as settling
from seqmix.training.events import EpochEnd, Finished, MemoryShort, Started, StepEnd, TokensPerBatchChosen
from seqmix.training.trainer import Trainer, learning_rate
from tests.support import random_dna, write_fasta

SMALL = ("model.d_model=8", "model.lexical=none", "mixer.d_hidden=8", "mixer.n_factors=3")


def train(data, output, *settings, **options):
    """Run a short training of a small model, and return it with its events."""
    events = []
    small = SMALL if options.get("mixer", "paramixer") == "paramixer" else SMALL[:2]
    given = {"epochs": 1, **({} if "batch_size" in options else {"tokens_per_batch": 1024})} | options
    run = seqmix.train(data, output, settings=[*small, *settings], on_event=events.append, **given)
    return run, events


def weights(run):
    return (run.path / "model.safetensors").read_bytes()


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory):
    """Sixteen random sequences of two classes that only memorisation can distinguish, all for training."""
    folder = tmp_path_factory.mktemp("sixteen")
    rng = random.Random(0)
    records = [(f"r{i} label={'even' if i % 2 == 0 else 'odd'}", random_dna(rng.randint(17, 24), rng)) for i in range(16)]
    options = seqmix.PrepareOptions(split="1,0,0")
    return seqmix.prepare(write_fasta(folder / "all.fa", records), folder / "data", options=options)


@pytest.mark.parametrize("mixer", seqmix.available_mixers())
def test_overfits_16_samples(mixer, sixteen, tmp_path):
    few = ("mixer.n_landmarks=12",) if mixer == "skyformer" else ()
    settings = (
        "model.lexical=none",
        "model.positions=true",
        "model.d_model=24",
        "training.average=0",
        "training.schedule=constant",
        *few,
    )
    run, _ = train(sixteen, tmp_path / "run", *settings, mixer=mixer, epochs=12, batch_size=4, lr=1e-2)
    assert seqmix.evaluate(run, split="train", baselines=False, resamples=2).scores["accuracy"].value == 1.0


@pytest.mark.parametrize("pooling", ["cls", "flat"])
def test_every_pooling_learns(pooling, dataset, tmp_path):
    run, _ = train(
        dataset, tmp_path / "run", "model.d_model=16", "model.lexical=none", pooling=pooling, epochs=14, lr=5e-3, max_length=64
    )
    assert seqmix.evaluate(run, baselines=False, resamples=2).scores["accuracy"].value >= 0.85


# Batches: their size can be found by trial, and they can be computed in parts.


class Short:
    """A classifier whose forward runs out of memory above `room` tokens."""

    def __init__(self, model, room):
        self.model, self.room, self.refused = model, room, 0

    def __call__(self, ids, mask):
        if ids.numel() > self.room:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return self.model(ids, mask)


def short_of_memory(monkeypatch, room):
    genuine = Trainer.__post_init__

    def build(self):
        genuine(self)
        self.forward = Short(self.model, room)

    monkeypatch.setattr(Trainer, "__post_init__", build)


def test_out_of_memory_halves_batches_with_same_result(dataset, tmp_path, monkeypatch):
    plain, _ = train(dataset, tmp_path / "plain", "training.average=0")
    short_of_memory(monkeypatch, 400)
    halved, events = train(dataset, tmp_path / "halved", "training.average=0")
    notes = of_kind(events, MemoryShort)
    assert notes
    assert all(note.pieces & (note.pieces - 1) == 0 for note in notes)
    assert halved.load_state()[1]["state"]["pieces"] == notes[-1].pieces
    for wanted, got in zip(plain.load_model().parameters(), halved.load_model().parameters(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-4)


def test_single_sequence_out_of_memory_is_a_clear_error(dataset, tmp_path, monkeypatch):
    short_of_memory(monkeypatch, 50)
    with pytest.raises(SeqmixError, match=r"memory ran out at step 1 with a single sequence of .*max_length"):
        train(dataset, tmp_path / "run")


def test_other_errors_are_not_mistaken_for_out_of_memory(dataset, tmp_path, monkeypatch):
    def broken(self, ids, mask):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Short, "__call__", broken)
    short_of_memory(monkeypatch, 400)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(dataset, tmp_path / "run")


def test_inference_halves_batches_when_out_of_memory(trained, dataset, monkeypatch):
    chosen = dataset.indices("test")

    def arguments():
        return trained.load_model(), trained.objective, lambda i: dataset.sequences(int(chosen[i])), dataset.lengths[chosen]

    plain = predict_batches(*arguments(), device=torch.device("cpu"))
    genuine = SequenceClassifier.forward
    monkeypatch.setattr(SequenceClassifier, "forward", lambda self, ids, mask: Short(partial(genuine, self), 300)(ids, mask))
    np.testing.assert_allclose(predict_batches(*arguments(), device=torch.device("cpu")), plain, rtol=0, atol=1e-6)
    monkeypatch.setattr(SequenceClassifier, "forward", lambda self, ids, mask: Short(partial(genuine, self), 3)(ids, mask))
    with pytest.raises(SeqmixError, match="a single record"):
        predict_batches(*arguments(), device=torch.device("cpu"))


def test_tokens_per_batch_are_found_by_trial_and_kept_on_resume(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_size, "SMALLEST", 128)
    monkeypatch.setattr(batch_size, "_STEPS", 3)
    run, events = train(dataset, tmp_path / "run", tokens_per_batch="auto")
    (chosen,) = of_kind(events, TokensPerBatchChosen)
    train_tokens = dataset.lengths[dataset.indices("train")].sum()
    assert 128 <= chosen.tokens_per_batch <= train_tokens / 3
    assert chosen.tokens_per_batch & (chosen.tokens_per_batch - 1) == 0
    assert run.load_state()[1]["state"]["tokens_per_batch"] == chosen.tokens_per_batch
    plan = plan_batches(dataset.lengths[dataset.indices("train")], tokens_per_batch=chosen.tokens_per_batch, order=(0, 0))
    assert of_kind(events, StepEnd)[-1].batches == len(plan)


@pytest.mark.parametrize("room", [300, 600, 1200])
def test_tokens_per_batch_found_fit_in_memory(room, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_size, "SMALLEST", 128)
    monkeypatch.setattr(batch_size, "_STEPS", 1)
    monkeypatch.setattr(batch_size, "_FASTER", 0.0)  # only memory matters, not speed
    short_of_memory(monkeypatch, room)
    _, events = train(dataset, tmp_path / "run", tokens_per_batch="auto")
    assert room / 2 <= of_kind(events, TokensPerBatchChosen)[0].tokens_per_batch <= room
    assert not of_kind(events, MemoryShort)


def test_batch_size_trial_leaves_weights_and_random_state_alone(dataset, tmp_path):
    torch.manual_seed(0)
    run, _ = train(dataset, tmp_path / "run")
    model = run.build_model()
    trainer = Trainer(model, dataset, run.config, torch.device("cpu"))
    before, state = [p.clone() for p in model.parameters()], torch.get_rng_state()
    batch_size.choose_tokens_per_batch(trainer)
    assert all(map(torch.equal, before, model.parameters()))
    assert torch.equal(state, torch.get_rng_state())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("value", ["many", "0", "-5", "1.5", ""])
def test_tokens_per_batch_is_a_number_or_auto(value, dataset, tmp_path):
    with pytest.raises(ConfigError, match="tokens_per_batch must be a whole number from 1 to 1,000,000,000,000, or auto"):
        train(dataset, tmp_path / "run", tokens_per_batch=value)
    assert not (tmp_path / "run").exists()


def test_threads_are_set_and_restored(dataset, tmp_path):
    before = torch.get_num_threads()
    seen = []
    seqmix.train(
        dataset,
        tmp_path / "run",
        settings=SMALL,
        epochs=1,
        threads=before + 1,
        on_event=lambda _: seen.append(torch.get_num_threads()),
    )
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before
    with pytest.raises(ConfigError, match="threads must be from 1 to 1,024: got 0"):
        train(dataset, tmp_path / "other", threads=0)


# The default for DNA.


@pytest.mark.usefixtures("shipped_recipes")
def test_dna_recipe_is_the_default_for_dna(dataset, tmp_path):
    dna = read_recipe("dna")
    run = seqmix.train(dataset, tmp_path / "default", settings=["mixer.memory=8"], epochs=1)
    for table, options in dna.items():
        given = {"training": {"epochs": 1}, "model": {"lexical": "kmers"}}[table]
        assert (options | given).items() <= run.config.to_tables()[table].items()
    published = seqmix.train(
        dataset, tmp_path / "published", recipe="paramixer/genome", settings=["mixer.d_hidden=8"], epochs=1, max_length=200
    )
    assert published.config.model.lexical == "none"
    (tmp_path / "settings.toml").write_text("[mixer]\nd_hidden = 8\n")
    assert seqmix.train(dataset, tmp_path / "file", config=tmp_path / "settings.toml", epochs=1).config.model.lexical == "none"


def test_kmer_branch_and_reverse_strand_are_for_dna_only(tmp_path):
    folder = tmp_path / "texts"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            (folder / name / f"{i}.txt").write_text(f"text {i} of {name}: é")
    data = seqmix.prepare(folder, tmp_path / "data")
    for setting, message in (("model.words=2", "need DNA or proteins"), ("model.kmer=2", "need DNA or proteins")):
        with pytest.raises(ConfigError, match=message):
            seqmix.train(data, tmp_path / "run", settings=[setting])
    with pytest.raises(ConfigError, match="only DNA has a reverse strand"):
        seqmix.train(data, tmp_path / "run", settings=["training.reverse_complement=0.5"])
    assert seqmix.train(data, tmp_path / "run", settings=SMALL[:1], epochs=1).config.model.words == 0


def test_augmented_run_resumes_to_same_weights(dataset, tmp_path):
    settings = (
        "model.words=2",
        "training.crop=0.5",
        "training.reverse_complement=0.5",
        "model.dropout_words=0.2",
        "model.dropout_branch=0.5",
    )
    whole, _ = train(dataset, tmp_path / "whole", *settings, epochs=2)
    again, _ = train(dataset, tmp_path / "again", *settings, epochs=2)
    assert weights(whole) == weights(again)


# Seeds.


@pytest.fixture(scope="module")
def reference(dataset, tmp_path_factory):
    """A run with every source of randomness: dropout and shuffled batches."""
    return train(dataset, tmp_path_factory.mktemp("reference") / "run", "model.dropout=0.2", epochs=2)[0]


def test_equal_seeds_give_equal_bytes(dataset, reference, tmp_path):
    torch.manual_seed(123)
    np.random.default_rng().random()
    state = torch.get_rng_state()
    run, _ = train(dataset, tmp_path / "run", "model.dropout=0.2", epochs=2)
    assert weights(run) == weights(reference)
    assert torch.equal(torch.get_rng_state(), state), "training changed the caller's random numbers"


def test_different_seeds_give_different_weights(dataset, reference, tmp_path):
    run, _ = train(dataset, tmp_path / "run", "model.dropout=0.2", epochs=2, seed=1)
    assert weights(run) != weights(reference)


def test_skyformer_landmarks_come_from_seed(dataset, tmp_path):
    runs = [train(dataset, tmp_path / name, "mixer.n_landmarks=4", mixer="skyformer")[0] for name in ("one", "two")]
    assert weights(runs[0]) == weights(runs[1])


def test_config_of_a_run_repeats_it(reference, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = seqmix.train(config=reference.path / "config.toml", output="again")
    assert weights(again) == weights(reference)
    assert again.config == reference.config
    assert (again.path / "config.toml").read_bytes() == (reference.path / "config.toml").read_bytes()


def test_config_is_fully_resolved(reference):
    tables = reference.config.to_tables()
    stored = read_toml(reference.path / "config.toml")
    assert stored == tables
    assert Path(stored["data"]["path"]).is_absolute()
    assert stored["model"]["max_length"] > 0
    assert {"protocol", "n_links", "n_factors", "d_hidden", "residual"} <= stored["mixer"].keys()
    assert stored["training"].keys() == {f.name for f in dataclasses.fields(TrainingConfig)}


# The test split.


def test_test_split_does_not_affect_training(dataset, reference, tmp_path):
    poisoned = Path(shutil.copytree(dataset.path, tmp_path / "data"))
    tokens = np.load(poisoned / "tokens.npy")
    labels = np.load(poisoned / "labels.npy")
    for i in dataset.indices("test"):
        tokens[dataset.offsets[i] : dataset.offsets[i + 1]] = 250  # not a token: reading it crashes
        labels[i] = 1 - labels[i]
    np.save(poisoned / "tokens.npy", tokens)
    np.save(poisoned / "labels.npy", labels)
    run, _ = train(seqmix.Dataset.open(poisoned, verify=False), tmp_path / "run", "model.dropout=0.2", epochs=2)
    assert weights(run) == weights(reference)


# Choosing the best weights.


def test_best_weights_on_validation_are_kept(dataset, tmp_path, monkeypatch):
    accuracies = iter([0.5, 0.9, 0.7, 0.9, 0.8])
    kept = []

    def validate(trainer, *_):
        kept.append({name: tensor.clone() for name, tensor in trainer.averaged.state_dict().items()})
        return fitting.Validation(scores={"accuracy": next(accuracies), "log loss": 1.0})

    monkeypatch.setattr(fitting, "_validate", validate)
    run, events = train(dataset, tmp_path / "run", epochs=5, select="accuracy")
    assert [event.best for event in of_kind(events, EpochEnd)] == [True, True, False, False, False]
    found = run.load_model().state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in kept[1].items())
    assert of_kind(events, Finished)[0].best_epoch == 2


def test_validation_scores_match_kept_weights(dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", epochs=3)
    best = [event for event in of_kind(events, EpochEnd) if event.best][-1]
    evaluated = seqmix.evaluate(run, split="val", baselines=False, resamples=2)
    assert {name: score.value for name, score in evaluated.scores.items()} == pytest.approx(best.validation, abs=1e-6)


def test_training_stops_early_without_improvement(dataset, tmp_path, monkeypatch):
    scores = iter([0.6, 0.7, 0.7, 0.65, 0.6, 0.9])
    monkeypatch.setattr(fitting, "_validate", lambda *_: fitting.Validation(scores={"macro-F1": next(scores), "log loss": 1.0}))
    run, events = train(dataset, tmp_path / "run", "training.patience=2", epochs=6)
    assert len(of_kind(events, EpochEnd)) == 4
    assert "macro-f1" in of_kind(events, Finished)[0].reason
    assert [line["epoch"] for line in run.history()] == [1, 2, 3, 4]


def test_training_without_patience_uses_all_epochs(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_validate", lambda *_: fitting.Validation(scores={"macro-F1": 0.5, "log loss": 1.0}))
    _, events = train(dataset, tmp_path / "run", "training.patience=0", epochs=4)
    assert len(of_kind(events, EpochEnd)) == 4


@pytest.mark.parametrize(("select", "goal", "score"), [("macro-f1", 0.8, "macro-F1"), ("loss", 0.2, "log loss")])
def test_reaching_goal_ends_training(select, goal, score, dataset, tmp_path, monkeypatch):
    values = iter([0.1, 0.7, 0.9] if select != "loss" else [0.9, 0.3, 0.2])
    monkeypatch.setattr(
        fitting, "_validate", lambda *_: fitting.Validation(scores={"macro-F1": 0.5, "log loss": 1.0} | {score: next(values)})
    )
    _, events = train(dataset, tmp_path / "run", f"training.goal={goal}", "training.patience=0", epochs=9, select=select)
    assert len(of_kind(events, EpochEnd)) == 3
    assert events[-1].reason == f"validation {select} has reached {goal}"


@pytest.mark.parametrize(
    ("select", "best"), [("macro-f1", 1), ("accuracy", 2), ("roc-auc", 3), ("loss", 4)], ids=lambda value: str(value)
)
def test_selection_uses_the_requested_score(select, best, dataset, tmp_path, monkeypatch):
    names = {"macro-F1": 1, "accuracy": 2, "ROC AUC": 3}
    epochs = iter(range(1, 5))

    def validate(*_):
        epoch = next(epochs)
        scores = {name: 0.9 if epoch == mine else 0.5 for name, mine in names.items()}
        return fitting.Validation(scores=scores | {"log loss": 0.1 if epoch == 4 else 0.7})

    monkeypatch.setattr(fitting, "_validate", validate)
    # The loss breaks ties between scores, so the fourth epoch beats the first until a better one comes.
    run, events = train(dataset, tmp_path / "run", epochs=best, select=select)
    assert of_kind(events, Finished)[0].best_epoch == best
    assert run.config.training.select == select


def test_last_weights_are_kept_without_validation_split(sixteen, tmp_path):
    run, events = train(sixteen, tmp_path / "run", epochs=3)
    assert [event.validation for event in of_kind(events, EpochEnd)] == [{}, {}, {}]
    assert of_kind(events, Finished)[0].best_epoch == 3
    tensors, _ = run.load_state()
    model = run.load_model().state_dict()
    assert all(torch.equal(tensors[f"averaged.{name}"], tensor) for name, tensor in model.items())


# The loss and its gradient.


def first_gradients(run):
    """Return the gradient of the first step up to a factor: AdamW's first moment after it."""
    tensors, _ = run.load_state()
    return {name: tensor for name, tensor in tensors.items() if name.endswith("exp_avg")}


def one_step(data, output, *settings, **options):
    given = options or {"tokens_per_batch": 10**6}
    return train(data, output, "training.clip=0", "training.weight_decay=0.0", *settings, **given)


def assert_same_gradients(first, second, atol=1e-7):
    one, two = first_gradients(first), first_gradients(second)
    assert one.keys() == two.keys()
    assert max(float(tensor.abs().max()) for tensor in one.values()) > 1e-4
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=atol)


def test_accumulation_equals_one_large_batch(sixteen, tmp_path):
    whole, events = one_step(sixteen, tmp_path / "whole", batch_size=16)
    parts, part_events = one_step(sixteen, tmp_path / "parts", "training.accumulate=4", batch_size=4)
    assert len(of_kind(events, StepEnd)) == len(of_kind(part_events, StepEnd)) == 1
    assert_same_gradients(whole, parts)
    assert of_kind(part_events, StepEnd)[0].loss == pytest.approx(of_kind(events, StepEnd)[0].loss, abs=1e-5)


def test_accumulation_of_uneven_batches_equals_one_large_batch(sixteen, tmp_path):
    whole, _ = one_step(sixteen, tmp_path / "whole", batch_size=16)
    parts, events = one_step(sixteen, tmp_path / "parts", "training.accumulate=3", batch_size=7)
    assert of_kind(events, StepEnd)[0].batches == 3
    assert_same_gradients(whole, parts)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Twelve sequences of a common class, four of a rare one, all for training."""
    folder = tmp_path_factory.mktemp("uneven")
    rng = random.Random(1)
    records = [(f"r{i} label={'rare' if i % 4 == 0 else 'common'}", random_dna(20, rng)) for i in range(16)]
    options = seqmix.PrepareOptions(split="1,0,0")
    return seqmix.prepare(write_fasta(folder / "all.fa", records), folder / "data", options=options)


def expected_loss(run, dataset, weight=None, smoothing=0.0):
    """Return the loss of the untrained model by PyTorch's own weighted mean over records."""
    torch.manual_seed(run.config.training.seed)
    model = run.build_model()
    batch = collate([dataset.tokens(i) for i in range(len(dataset))])
    target = torch.from_numpy(dataset.labels)
    losses = F.cross_entropy(model(batch.ids, batch.mask), target, weight=weight, label_smoothing=smoothing, reduction="none")
    return model, losses.mean()


@pytest.mark.parametrize(
    ("settings", "weight", "smoothing"),
    [
        (("training.label_smoothing=0",), None, 0.0),
        (("training.class_weights=balanced", "training.label_smoothing=0"), (16 / 24, 16 / 8), 0.0),
        (("training.label_smoothing=0.2",), None, 0.2),
        (("training.class_weights=balanced", "training.label_smoothing=0.1"), (16 / 24, 16 / 8), 0.1),
    ],
    ids=["plain", "balanced", "smoothed", "both"],
)
def test_gradient_is_that_of_requested_loss(settings, weight, smoothing, uneven, tmp_path):
    run, events = one_step(uneven, tmp_path / "run", *settings)
    model, loss = expected_loss(run, uneven, None if weight is None else torch.tensor(weight), smoothing)
    assert of_kind(events, StepEnd)[0].loss == pytest.approx(loss.item(), abs=1e-5)
    loss.backward()
    by_dimension = [p for p in model.parameters() if p.dim() > 1] + [p for p in model.parameters() if p.dim() <= 1]
    for index, parameter in enumerate(by_dimension):
        got = first_gradients(run)[f"optimizer.{index}.exp_avg"] / 0.1  # beta1 is 0.9
        torch.testing.assert_close(got, parameter.grad, rtol=1e-3, atol=1e-6)


def test_gradients_are_clipped_to_requested_norm(uneven, tmp_path):
    run, _ = one_step(uneven, tmp_path / "run", "training.clip=0.001")
    norm = torch.stack([(tensor / 0.1).norm() for tensor in first_gradients(run).values()]).norm()
    assert float(norm) == pytest.approx(0.001, rel=1e-2)


def test_gradients_are_clipped_by_component(uneven, tmp_path):
    runs = [one_step(uneven, tmp_path / str(clip), f"training.clip={clip}", "training.clip_by=value")[0] for clip in (0, 0.01)]
    whole, clipped = (torch.cat([tensor.flatten() / 0.1 for tensor in first_gradients(run).values()]) for run in runs)
    torch.testing.assert_close(clipped, whole.clamp(-0.01, 0.01), rtol=1e-3, atol=1e-6)
    assert whole.abs().max() > 0.01


# The learning rate.


def scheduled(schedule, warmup):
    config = Config(training=TrainingConfig(lr=1.0, schedule=schedule, warmup=warmup))
    return [learning_rate(config, progress) for progress in np.linspace(0, 1, 101)]


def test_learning_rate_warms_up_linearly_then_follows_schedule():
    for schedule in ("constant", "cosine", "linear"):
        rates = scheduled(schedule, 0.2)
        assert rates[:21] == pytest.approx([i / 20 for i in range(21)])
    assert scheduled("constant", 0.2)[20:] == pytest.approx([1.0] * 81)
    assert scheduled("linear", 0.2)[20:] == pytest.approx([1 - i / 80 for i in range(81)])
    assert scheduled("cosine", 0.2)[20:] == pytest.approx([(1 + math.cos(math.pi * i / 80)) / 2 for i in range(81)])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_schedule_may_have_no_warmup_or_only_warmup(schedule):
    assert scheduled(schedule, 0.0)[0] == 1.0
    assert scheduled(schedule, 1.0)[50] == 0.5
    assert all(0 <= rate <= 1 for warmup in (0.0, 0.5, 1.0) for rate in scheduled(schedule, warmup))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_no_step_is_wasted_on_a_learning_rate_of_zero(schedule, sixteen, tmp_path):
    _, events = train(sixteen, tmp_path / "run", f"training.schedule={schedule}", batch_size=8, epochs=3, lr=0.5)
    rates = [event.lr for event in of_kind(events, StepEnd)]
    assert len(rates) == 6
    assert all(0 < rate <= 0.5 for rate in rates)
    if schedule != "constant":
        assert rates == sorted(rates, reverse=True)


# A time budget.


def steps_and_epochs(events):
    return [event.epoch for event in of_kind(events, StepEnd)], [event.epoch for event in of_kind(events, EpochEnd)]


def test_training_ends_when_budget_is_used_up(clock, dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", epochs=None, batch_size=12, budget="11s")
    # Four steps and a validation make an epoch of 6 s: the budget ends with the last step of the second epoch.
    assert of_kind(events, StepEnd)[0].batches == 4
    assert steps_and_epochs(events) == ([1] * 4 + [2] * 4, [1, 2])
    run, events = train(dataset, tmp_path / "cut", epochs=None, batch_size=12, budget=8)
    assert steps_and_epochs(events) == ([1] * 4 + [2] * 2, [1, 2])
    assert [line["step"] for line in run.history()] == [4, 6]
    assert "val_accuracy" in run.history()[1]
    assert events[-1].reason == "the time budget of 8 s is used up"
    assert run.load_state()[1]["state"]["elapsed"] == 10.0
    assert clock.now == 1000.0 + 12 + 10


def test_first_step_is_always_made_and_counts_towards_budget(clock, dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", epochs=None, batch_size=12, budget=0.5)
    assert steps_and_epochs(events) == ([1], [1])
    assert run.load_model() and run.load_state()[1]["state"]["elapsed"] == 3.0


def test_budget_ending_during_validation_ends_training(clock, dataset, tmp_path):
    _, events = train(dataset, tmp_path / "run", epochs=None, batch_size=12, budget=5.5)
    assert steps_and_epochs(events) == ([1] * 4, [1])


def test_resumed_run_uses_remaining_budget(clock, dataset, tmp_path):
    def stopped(event):
        if isinstance(event, EpochEnd):
            clock.now += 500  # until it is resumed
            raise KeyboardInterrupt

    settings = [*SMALL, "training.patience=0"]
    with pytest.raises(KeyboardInterrupt):
        seqmix.train(dataset, tmp_path / "run", batch_size=12, budget="15s", settings=settings, on_event=stopped)
    events = []
    seqmix.train(dataset, tmp_path / "run", budget="15s", resume=True, on_event=events.append)
    assert steps_and_epochs(events) == ([2] * 4 + [3] * 3, [2, 3])
    events.clear()
    seqmix.train(dataset, tmp_path / "run", resume=True, on_event=events.append)
    assert [type(event) for event in events] == [Finished]


def test_run_stopped_at_end_of_budget_is_validated_on_resume(clock, dataset, tmp_path):
    def stopped(event):
        if isinstance(event, StepEnd) and event.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        seqmix.train(dataset, tmp_path / "run", batch_size=12, budget=2, settings=SMALL, on_event=stopped)
    events = []
    run = seqmix.train(dataset, tmp_path / "run", resume=True, on_event=events.append)
    assert steps_and_epochs(events) == ([], [1])
    assert [line["step"] for line in run.history()] == [2]


def test_schedule_follows_budget_or_epochs_whichever_is_further(clock, dataset, tmp_path):
    options = {"batch_size": 12, "lr": 1.0}
    settings = ("training.schedule=linear", "training.warmup=0", "training.clip=0.001")
    _, events = train(dataset, tmp_path / "time", *settings, epochs=None, budget=8, **options)
    shares = [0, 1, 2, 3, 6, 7]  # seconds when each step begins
    assert [event.lr for event in of_kind(events, StepEnd)] == pytest.approx([1 - share / 8 for share in shares])
    _, events = train(dataset, tmp_path / "epochs", *settings, epochs=1, budget=1000, **options)
    assert [event.lr for event in of_kind(events, StepEnd)] == pytest.approx([1 - (i + 0.5) / 4 for i in range(4)])
    assert events[-1].reason == "all epochs done"


def test_budget_overrides_patience_of_recipe(clock, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_validate", lambda *_: fitting.Validation(scores={"macro-F1": 0.5, "log loss": 1.0}))
    run, events = train(dataset, tmp_path / "run", epochs=None, batch_size=12, budget=60)
    assert (run.config.training.epochs, run.config.training.patience) == (0, 0)
    assert len(of_kind(events, EpochEnd)) > 4 and "used up" in events[-1].reason


def test_explicit_patience_ends_training_before_budget(clock, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_validate", lambda *_: fitting.Validation(scores={"macro-F1": 0.5, "log loss": 1.0}))
    _, events = train(dataset, tmp_path / "run", "training.patience=2", epochs=None, batch_size=12, budget="1h")
    assert len(of_kind(events, EpochEnd)) == 3
    assert events[-1].reason == "no better macro-f1 for 2 epochs"


def test_only_explicit_epochs_limit_a_budget(clock, dataset, tmp_path):
    def epochs(name, **options):
        run = seqmix.train(dataset, tmp_path / name, budget=1, tokens_per_batch=1024, **options)
        return run.config.training.epochs

    settings = tmp_path / "settings.toml"
    settings.write_text("[training]\nepochs = 7\n")
    assert epochs("a", settings=SMALL) == 0
    assert epochs("b", settings=["model.d_model=8"], recipe="dna") == 0
    assert epochs("c", settings=SMALL, epochs=3) == 3
    assert epochs("d", settings=[*SMALL, "training.epochs=4"]) == 4
    assert epochs("e", settings=SMALL, config=settings) == 7
    run = seqmix.train(dataset, tmp_path / "f", config=tmp_path / "a" / "config.toml")
    assert run.config.training == seqmix.Run.open(tmp_path / "a").config.training


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h", 3600), ("2h30m", 9000), ("1h0m1.5s", 3601.5), ("300", 300), (" 0.5 ", 0.5), ("0", 0)],
)
def test_durations_are_parsed_with_units(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5 m", "m", "5min", "-5m", "30m2h", "1e3", "inf", "1.5h", "5m30"])
def test_invalid_durations_are_errors(text, dataset, tmp_path):
    with pytest.raises(ConfigError, match=r"is not a duration; use e\.g\. 90s, 5m, 1h or 2h30m, or a number of seconds"):
        train(dataset, tmp_path / "run", budget=text)
    assert not (tmp_path / "run").exists()


# A number of steps, and validation by steps.


def test_training_ends_after_max_steps(dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", epochs=None, batch_size=12, max_steps=6)
    assert (run.config.training.epochs, run.config.training.patience) == (0, 0)
    assert steps_and_epochs(events) == ([1] * 4 + [2] * 2, [1, 2])
    assert [line["step"] for line in run.history()] == [4, 6]
    assert "val_accuracy" in run.history()[1]
    assert events[-1].reason == "all steps done"
    events.clear()
    seqmix.train(dataset, tmp_path / "run", max_steps=6, resume=True, on_event=events.append)
    assert [type(event) for event in events] == [Finished]


def test_max_steps_counts_optimiser_steps(dataset, tmp_path):
    _, events = train(dataset, tmp_path / "run", "training.accumulate=3", epochs=None, batch_size=12, max_steps=3)
    assert [(event.epoch, event.batch) for event in of_kind(events, StepEnd)] == [(1, 3), (1, 4), (2, 3)]


def test_schedule_follows_max_steps(dataset, tmp_path):
    settings = ("training.schedule=linear", "training.warmup=0", "training.clip=0.001")
    options = {"batch_size": 12, "lr": 1.0}
    _, events = train(dataset, tmp_path / "steps", *settings, epochs=None, max_steps=6, **options)
    assert [event.lr for event in of_kind(events, StepEnd)] == pytest.approx([1 - (i + 0.5) / 6 for i in range(6)])
    _, events = train(dataset, tmp_path / "epochs", *settings, epochs=1, max_steps=100, **options)
    assert [event.lr for event in of_kind(events, StepEnd)] == pytest.approx([1 - (i + 0.5) / 4 for i in range(4)])
    assert events[-1].reason == "all epochs done"


def test_max_steps_or_budget_ends_training_whichever_is_first(clock, dataset, tmp_path):
    _, events = train(dataset, tmp_path / "steps", epochs=None, batch_size=12, max_steps=3, budget="1h")
    assert (len(of_kind(events, StepEnd)), events[-1].reason) == (3, "all steps done")
    _, events = train(dataset, tmp_path / "budget", epochs=None, batch_size=12, max_steps=300, budget=3)
    assert (len(of_kind(events, StepEnd)), events[-1].reason) == (3, "the time budget of 3 s is used up")


def test_error_names_recipe_with_bad_setting(dataset, tmp_path):
    with pytest.raises(ConfigError, match=r"recipe quick/adding sets training\.select: it is for another task \(sum of"):
        seqmix.train(dataset, tmp_path / "run", recipe="quick/adding")
    with pytest.raises(ConfigError) as caught:
        seqmix.train(dataset, tmp_path / "run", recipe="quick/adding", settings=["training.select=r2"])
    assert "is not a score of classification data" in str(caught.value) and "recipe" not in str(caught.value)


def test_explicit_limits_replace_those_of_recipe(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(settling, "read_recipe", lambda _: {"training": {"epochs": 0, "max_steps": 900, "patience": 7}})

    def limits(**options):
        config = settling.resolve_run(dataset, options, recipe="any")[1].training
        return config.epochs, config.budget, config.max_steps, config.patience

    assert limits() == (0, 0, 900, 7)
    assert limits(epochs=3) == (3, 0, 0, 7)
    assert limits(max_steps=20) == (0, 0, 20, 0)
    assert limits(budget=5.0) == (0, 5, 0, 0)
    assert limits(epochs=3, max_steps=20, budget=5.0) == (3, 5, 20, 0)
    assert limits(max_steps=20, patience=2) == (0, 0, 20, 2)


def test_validate_every_counts_steps(dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", "training.validate_every=3", epochs=2, batch_size=12)
    assert [(line["epoch"], line["step"]) for line in run.history()] == [(1, 3), (2, 6), (2, 8)]
    assert [event.step for event in of_kind(events, EpochEnd)] == [3, 6, 8]
    assert [event.epoch for event in of_kind(events, StepEnd)] == [1] * 4 + [2] * 4
    losses = [event.loss for event in of_kind(events, StepEnd)]
    for event, part in zip(of_kind(events, EpochEnd), (losses[:3], losses[3:6], losses[6:]), strict=True):
        assert event.train_loss == pytest.approx(np.mean(part))
    assert events[-1].reason == "all epochs done"
    assert events[-1].best_step == [line["step"] for line in run.history() if line["best"]][-1]


def test_patience_counts_validations(dataset, tmp_path, monkeypatch):
    scores = iter([0.6, 0.7, 0.7, 0.65, 0.9])
    monkeypatch.setattr(fitting, "_validate", lambda *_: fitting.Validation(scores={"macro-F1": next(scores), "log loss": 1.0}))
    settings = ("training.validate_every=3", "training.patience=2")
    _, events = train(dataset, tmp_path / "run", *settings, epochs=9, batch_size=12)
    assert [event.step for event in of_kind(events, EpochEnd)] == [3, 6, 9, 12]
    assert events[-1].reason == "no better macro-f1 for 2 validations"
    assert (events[-1].best_epoch, events[-1].best_step) == (2, 6)


def test_validation_frequency_does_not_change_weights(dataset, tmp_path):
    runs = [
        train(dataset, tmp_path / every, f"training.validate_every={every}", epochs=None, batch_size=12, max_steps=6)[0]
        for every in ("0", "1", "4")
    ]
    states = [run.load_state()[0] for run in runs]
    for state in states[1:]:
        assert all(torch.equal(state[name], tensor) for name, tensor in states[0].items())


# Precision and devices.


@pytest.mark.parametrize("mixer", seqmix.available_mixers())
def test_bf16_trains_and_predicts(mixer, dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", mixer=mixer, precision="bf16", pooling="cls")
    assert all(math.isfinite(event.loss) for event in of_kind(events, StepEnd))
    assert all(parameter.dtype == torch.float32 for parameter in run.load_model().parameters())


def test_fp16_without_gpu_is_an_error_before_writing(dataset, tmp_path):
    with pytest.raises(ConfigError, match="fp16 needs a CUDA GPU"):
        train(dataset, tmp_path / "run", precision="fp16", device="cpu")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("device", ["cuda:7", "tpu", "cpu:3", "nonsense"])
def test_unavailable_device_is_an_error(device, dataset, tmp_path):
    with pytest.raises(ConfigError, match="choose from: auto, cpu"):
        train(dataset, tmp_path / "run", device=device)
    assert not (tmp_path / "run").exists()


# Errors.


def test_non_finite_loss_is_a_clear_error(dataset, tmp_path):
    with pytest.raises(SeqmixError, match="diverged; lower lr"):
        train(dataset, tmp_path / "run", "training.clip=0", "training.warmup=0", "model.norm=false", lr=1e30, epochs=3)


def test_weights_diverged_in_last_step_are_not_kept(dataset, tmp_path, monkeypatch):
    real = fitting.take_step

    def step(trainer, *args):
        result = real(trainer, *args)
        if trainer.state.epoch == 1:
            with torch.no_grad():
                for parameter in trainer.model.parameters():
                    parameter.fill_(math.nan)
        return result

    monkeypatch.setattr(fitting, "take_step", step)
    for select in ("macro-f1", "loss"):
        with pytest.raises(SeqmixError, match="diverged"):
            train(dataset, tmp_path / select, epochs=2, tokens_per_batch=10**6, select=select)
        model = seqmix.Run.open(tmp_path / select).load_model()
        assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_unlabelled_data_set_is_an_error_with_advice(tmp_path):
    rng = random.Random(2)
    files = write_fasta(tmp_path / "genome.fa", [(f"r{i}", random_dna(30, rng)) for i in range(9)])
    data = seqmix.prepare(files, tmp_path / "data")
    with pytest.raises(DatasetError, match=r"no labels.*label_from"):
        seqmix.train(data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_missing_or_damaged_data_set_is_an_error(dataset, tmp_path):
    with pytest.raises(DatasetError, match=r"seqmix\.prepare"):
        seqmix.train(tmp_path / "nothing", tmp_path / "run")
    damaged = Path(shutil.copytree(dataset.path, tmp_path / "data"))
    with (damaged / "tokens.npy").open("r+b") as file:
        file.seek(500)
        file.write(b"\x00")
    with pytest.raises(DatasetError, match=r"tokens\.npy does not match its checksum"):
        seqmix.train(damaged, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("settings", [("model.pooling=flat",), ("model.positions=true",)], ids=str)
def test_sequences_longer_than_model_are_an_error_with_advice(settings, dataset, tmp_path):
    with pytest.raises(ConfigError, match="max_length=50"):
        train(dataset, tmp_path / "run", *settings, "model.max_length=50")
    assert not (tmp_path / "run").exists()


def test_truncated_sequences_fit_a_model_of_that_length(dataset, tmp_path):
    run, _ = train(dataset, tmp_path / "run", pooling="flat", max_length=50)
    assert run.config.model.max_length == 50
    assert run.load_model().head.in_features == 50 * 8


def test_actual_lengths_count_not_maximum_length(dataset, tmp_path):
    longest = int(dataset.lengths.max())
    train(dataset, tmp_path / "run", f"model.max_length={longest}", pooling="flat", max_length=10 * longest)
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_existing_output_is_kept_without_overwrite(dataset, reference, tmp_path):
    existing = Path(shutil.copytree(reference.path, tmp_path / "run"))
    with pytest.raises(RunError, match=r"exists.*resume=True.*overwrite=True"):
        train(dataset, existing)
    assert (existing / "model.safetensors").read_bytes() == weights(reference)
    run, _ = train(dataset, existing, seed=5, overwrite=True)
    assert weights(run) != weights(reference)
    (tmp_path / "photos").mkdir()
    with pytest.raises(RunError, match="not a run folder"):
        train(dataset, tmp_path / "photos", overwrite=True)


def test_failed_start_keeps_run_to_be_overwritten(dataset, reference, tmp_path):
    existing = Path(shutil.copytree(reference.path, tmp_path / "run"))
    for wrong in ({"precision": "fp16", "device": "cpu"}, {"device": "cuda:9"}, {"mixer": "nothing"}, {"protocol": "ring"}):
        with pytest.raises(ConfigError):
            train(dataset, existing, overwrite=True, **wrong)
    with pytest.raises(ConfigError):
        train(dataset, existing, "mixer.n_link=3", overwrite=True)
    assert (existing / "model.safetensors").read_bytes() == weights(reference)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("training.lr=-1", "training.lr must be above 0"),
        ("training.lr=fast", "training.lr must be a number"),
        ("training.epoch=3", "no option 'training.epoch'"),
        ("train.lr=1", "no configuration table 'train'"),
        ("lr=1", "table.option=value"),
        ("mixer.residual=no", "residual must be true or false"),
        ("training.schedule=step", "constant, cosine, linear"),
        ("training.select=f1", "macro-f1, micro-f1, accuracy"),
        ("training.precision=fp8", "fp32, bf16, fp16"),
        ("training.class_weights=auto", "none, balanced"),
        ("training.label_smoothing=1.0", "label_smoothing"),
        ("training.accumulate=0", "accumulate must be from 1 to"),
        (
            "training.epochs=0",
            r"epochs must be from 1 to 1,000,000,000 \(or 0, with training.budget or training.max_steps\): got 0",
        ),
        ("training.max_steps=-1", "training.max_steps must be from 0 to 1,000,000,000,000: got -1"),
        ("training.validate_every=-1", "training.validate_every must be from 0 to 1,000,000,000,000: got -1"),
        ("training.max_steps=1e3", "training.max_steps must be a whole number: got 1000.0"),
        ("training.budget=-1", "budget must be a number of seconds, from 0 \\(none\\) to 1,000,000,000: got -1"),
        ("training.budget=inf", "budget must be a finite number"),
        ("training.budget=nan", "budget must be a number of seconds"),
        ("training.budget=5x", "budget: '5x' is not a duration"),
    ],
)
def test_invalid_settings_are_explained(settings, message, dataset, tmp_path):
    with pytest.raises(ConfigError, match=message):
        train(dataset, tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


# Events and the log.


def test_events_and_log_agree(dataset, tmp_path):
    run, events = train(dataset, tmp_path / "run", epochs=2)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert events[0].parameters == sum(p.numel() for p in run.load_model().parameters())
    assert not events[0].resumed
    steps, epochs = of_kind(events, StepEnd), of_kind(events, EpochEnd)
    assert [event.step for event in steps] == list(range(1, len(steps) + 1))
    train_tokens = int(dataset.lengths[dataset.indices("train")].sum())
    assert [sum(event.tokens for event in steps if event.epoch == epoch) for epoch in (1, 2)] == [train_tokens] * 2
    for line, event in zip(run.history(), epochs, strict=True):
        assert (line["epoch"], line["step"], line["train_loss"], line["best"]) == (
            event.epoch,
            event.step,
            event.train_loss,
            event.best,
        )
        assert line["val_accuracy"] == event.validation["accuracy"]
        assert line["val_ROC AUC"] == event.validation["ROC AUC"]
        assert line["tokens_per_second"] > 0


def test_every_record_is_seen_once_per_epoch_in_new_order(dataset):
    lengths = dataset.lengths[dataset.indices("train")]
    plans = [plan_batches(lengths, tokens_per_batch=1024, order=(0, epoch)) for epoch in (0, 1)]
    for plan in plans:
        assert sorted(np.concatenate(plan).tolist()) == list(range(len(lengths)))
    assert [p.tolist() for p in plans[0]] != [p.tolist() for p in plans[1]]


def test_runs_are_numbered_and_named_by_mixer(dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, _ = train(dataset, None)
    second, _ = train(dataset, None, mixer="softmax")
    third, _ = train(dataset, None, protocol="cdil")
    assert [str(run.path) for run in (first, second, third)] == [
        "runs/001-paramixer-chord",
        "runs/002-softmax",
        "runs/003-paramixer-cdil",
    ]
    assert seqmix.Run.newest().path == third.path


def test_tensorboard_events_are_written_if_asked(dataset, tmp_path):
    pytest.importorskip("tensorboard")
    run, _ = train(dataset, tmp_path / "run", "training.tensorboard=true")
    assert list((run.path / "tensorboard").glob("events.*"))


def test_random_mixer_features_are_equal_after_resume(dataset, tmp_path):
    options = {"mixer": "performer", "epochs": 3, "tokens_per_batch": 1024, "save_every": 1}
    options["settings"] = ["model.d_model=8", "model.lexical=none", "mixer.n_features=4", "mixer.redraw_every=2"]
    whole = seqmix.train(dataset, tmp_path / "whole", **options)

    class EnoughError(Exception):
        pass

    def stop(event):
        if isinstance(event, StepEnd) and event.step == 7:
            raise EnoughError

    with pytest.raises(EnoughError):
        seqmix.train(dataset, tmp_path / "parts", **options, on_event=stop)
    parts = seqmix.train(dataset, tmp_path / "parts", resume=True)
    weights = [(run.path / "model.safetensors").read_bytes() for run in (whole, parts)]
    assert weights[0] == weights[1]
    features = whole.load_model().blocks[0].mixer.weight
    torch.manual_seed(0)
    assert not torch.equal(features, whole.build_model().blocks[0].mixer.weight)

"""A mixing branch of two members: each is trained as if it were alone, and validation chooses the weight of their answers."""

import numpy as np
import pytest
import torch

import seqmix
from seqmix.config import ModelConfig
from seqmix.errors import ConfigError
from seqmix.models.branches import packed
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.inputs import InputSpec
from seqmix.models.members import Members
from seqmix.objectives.classification import Classification
from seqmix.run import Run
from seqmix.training.events import EpochEnd, StepEnd
from seqmix.training.resolve import resolve_run
from tests.support import train_tiny

SECOND = 'model.second={kmer = 2, embedding_std = 0.5, pooling = "mean-max"}'
INPUTS = InputSpec(vocab_size=7, letters=4)
CONFIG = ModelConfig(max_length=20, d_model=8, kmer=3, second={"kmer": 2, "blocks": 2})


def made(config=CONFIG):
    torch.manual_seed(0)
    return Members(config, INPUTS, Classification(("a", "b", "c")))


@pytest.fixture
def batch():
    torch.manual_seed(1)
    mask = torch.arange(20) < torch.tensor([20, 13, 4])[:, None]
    return torch.randint(2, 6, mask.shape).masked_fill(~mask, 0), mask


def test_members_differ_in_what_is_asked_and_their_answers_are_combined(batch):
    model = made().eval()
    assert (len(model.first.embedding.weight), len(model.second.embedding.weight)) == (4**3 + 3, 4**2 + 3)
    assert (len(model.first.blocks), len(model.second.blocks)) == (1, 2)
    model.weigh(0.3)
    first, second = (member(*batch).log_softmax(1) for member in model.members)
    torch.testing.assert_close(model(*batch), 0.7 * first + 0.3 * second)


def test_each_member_is_trained_as_if_it_were_alone(batch):
    model = made().train()
    target = torch.tensor([0, 1, 2])
    outputs = model(*batch)
    assert outputs.shape == (6, 3)
    torch.nn.functional.cross_entropy(outputs, target.repeat(2), reduction="sum").backward()
    for name, member in {"first": model.first, "second": model.second}.items():
        alone = SequenceClassifier(getattr(made(), name).config, INPUTS, 3)
        alone.load_state_dict(member.state_dict())
        torch.nn.functional.cross_entropy(alone(*batch), target, reduction="sum").backward()
        for (parameter, own), other in zip(alone.named_parameters(), member.parameters(), strict=True):
            torch.testing.assert_close(own.grad, other.grad, msg=parameter)


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        ({"kmers": 2}, r"there is no option 'kmers'; did you mean 'kmer'\?"),
        ({"mixer": "conv"}, "members cannot differ in mixer"),
        ({"kmer": -1}, "model.kmer must be from 0 to 20: got -1"),
        ({"pooling": "cls"}, "with cls pooling, both members need it"),
    ],
    ids=str,
)
def test_what_a_second_member_cannot_have_is_an_error(second, problem):
    with pytest.raises(ConfigError, match=rf"model\.second: .*{problem}"):
        ModelConfig(second=second)


def test_training_of_a_member_is_that_of_a_model_alone(dataset, tmp_path):
    settings = ("model.kmer=3", "training.clip=0.05", "training.average=0")
    alone = train_tiny(dataset, tmp_path / "alone", *settings, epochs=1).load_model()
    both = train_tiny(dataset, tmp_path / "both", *settings, SECOND, epochs=1).load_model()
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(both.first.state_dict()[name], tensor, msg=name)


class DeathError(Exception):
    """What stands for a process that dies."""


def test_resume_is_bit_identical_with_two_members(dataset, tmp_path):
    def die(event):
        if isinstance(event, StepEnd) and event.step == 5:
            raise DeathError

    settings = ("model.kmer=3", SECOND, "training.save_every=2")
    whole = train_tiny(dataset, tmp_path / "whole", *settings)
    with pytest.raises(DeathError):
        train_tiny(dataset, tmp_path / "run", *settings, on_event=die)
    run = seqmix.train(dataset, tmp_path / "run", resume=True)
    for name, tensor in packed(whole.load_model())[0].items():
        assert torch.equal(packed(run.load_model())[0][name], tensor), name


def test_members_are_weighted_on_validation_and_stored(dataset, tmp_path):
    events = []
    settings = ["model.kmer=3", SECOND, "model.lexical=auto"]
    run = train_tiny(dataset, tmp_path / "run", *settings, on_event=events.append)
    kept = [event for event in events if isinstance(event, EpochEnd) and event.best][-1]
    model = run.load_model()
    assert isinstance(model.mixing, Members) and 0 <= float(model.mixing.weight) <= 1
    texts = [record.text for record in dataset][:5]
    again = Run.open(run.path)
    np.testing.assert_array_equal(run.predict_proba(texts), again.predict_proba(texts))
    assert again.config.model.second == {"kmer": 2, "embedding_std": 0.5, "pooling": "mean-max"}
    loss = seqmix.evaluate(run, split="val").branches["mixing"]["scores"]["log loss"]
    assert float(loss) == pytest.approx(kept.validation["log loss"], abs=1e-6)


def test_kmers_that_are_stated_replace_those_of_both_members(dataset, tmp_path):
    recipe = {"model": {"kmer": 3, "second": {"kmer": 2}}}
    assert resolve_run(dataset, {}, recipe)[1].model.second == {"kmer": 2}
    found = resolve_run(dataset, {"kmer": 4}, recipe)[1].model
    assert (found.kmer, found.second) == (4, {})

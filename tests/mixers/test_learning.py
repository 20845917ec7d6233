"""Every mixer overfits a small set in seconds."""

import pytest
import torch

from seqmix.mixers import available_mixers
from tests.support import new_model

RECORDS, LENGTH, STEPS = 16, 48, 120
SMALL = {"skyformer": {"n_landmarks": 16}, "nystromformer": {"n_landmarks": 16}}


@pytest.mark.parametrize("name", available_mixers())
def test_every_mixer_overfits_16_samples(name):
    torch.manual_seed(0)
    ids = torch.randint(2, 6, (RECORDS, LENGTH))
    mask = torch.arange(LENGTH) < torch.randint(LENGTH // 2, LENGTH + 1, (RECORDS, 1))
    labels = torch.arange(RECORDS) % 2
    sizes = {"vocab_size": 7, "n_classes": 2, "max_length": LENGTH, "d_model": 16, "d_feedforward": 32}
    model = new_model(**sizes, mixer=name, mixer_options=SMALL.get(name, {}))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(ids, mask), labels).backward()
        optimizer.step()
    with torch.no_grad():
        predicted = model.eval()(ids, mask).argmax(1)
    assert (predicted == labels).all()

"""A model with gated blocks, windows and everything random about them, through training, resuming and prediction."""

import os
import signal

import numpy as np
import pytest

import seqmix
from seqmix.errors import Interrupted

SETTINGS = [
    "model.lexical=none",
    "model.block=gated",
    "model.stride=3",
    "model.stem=none",
    "mixer.n_heads=2",
    "mixer.d_hidden=8",
]
SETTINGS += ["model.drop_path=0.5", "model.dropout_tokens=0.3", "model.embedding_std=0.02", "model.pooling=mean-max"]
OPTIONS = {"settings": SETTINGS, "kmer": 3, "d_model": 8, "blocks": 2, "max_steps": 8, "batch_size": 2, "save_every": 3}


def test_gated_training_resumes_bit_identically_and_predicts_each_sequence_alike(dataset, tmp_path):
    """With two records in a batch, steps in which a block gets no gradient are among them."""

    def stop(event):
        if getattr(event, "step", None) == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    whole = seqmix.train(dataset, tmp_path / "whole", **OPTIONS)
    with pytest.raises(Interrupted):
        seqmix.train(dataset, tmp_path / "parts", on_event=stop, **OPTIONS)
    seqmix.train(output=tmp_path / "parts", resume=True)
    weights = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "parts")]
    assert weights[0] == weights[1]
    sequences = ["ACGTTGCA" * 5, "ACG", "A", "GATTACA" * 9]
    together = whole.predict_proba(sequences)
    alone = [whole.predict_proba([sequence])[0] for sequence in sequences]
    np.testing.assert_allclose(together, alone, atol=1e-6)

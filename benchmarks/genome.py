"""The genome recipe's model on both sides: 14 CHORD factors of 15 links, L = 16384, D = 32, d_hidden = 128, B = 8."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from reference import PublishedParamixer

from seqmix.config import Config
from seqmix.models.classifier import SequenceClassifier, build_model
from seqmix.recipes import read_recipe

L, B, VOCABULARY = 16384, 8, 7


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random bases, all real, and classes."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(2, 6, (B, L), generator=generator)
    return ids, torch.ones(B, L, dtype=torch.bool), torch.randint(0, 2, (B,), generator=generator)


def published(**changes: Any) -> PublishedParamixer:
    """The opponent, with the recipe's options unless `changes` says otherwise."""
    torch.manual_seed(0)
    return PublishedParamixer(length=L, vocab_size=VOCABULARY, **changes)


def recipe(**changes: object) -> SequenceClassifier:
    """The model of the recipe paramixer/genome; `changes` to its [model] table."""
    torch.manual_seed(0)
    tables = read_recipe("paramixer/genome")
    tables["model"] |= {"max_length": L, **changes}
    return build_model(Config.from_tables(tables).model, vocab_size=VOCABULARY, n_classes=2)


def published_step(model: PublishedParamixer) -> None:
    """Forward, loss, backward."""
    ids, _, classes = batch()
    model.zero_grad(set_to_none=True)
    F.cross_entropy(model(ids), classes).backward()


def recipe_step(model: SequenceClassifier) -> None:
    """Forward, loss, backward."""
    ids, mask, classes = batch()
    model.zero_grad(set_to_none=True)
    F.cross_entropy(model(ids, mask), classes).backward()

"""The options that `seqmix.train` takes as keywords, some of which are also flags of the command."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from seqmix.config import DataConfig, ModelConfig, TrainingConfig
from seqmix.config.model import MODEL
from seqmix.config.options import Option, documented, option, options_of
from seqmix.errors import param
from seqmix.mixers import mixer_ranges


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class MixerFlags:
    """Options of [mixer] that have a flag; a mixer's constructor declares all of its options."""

    protocol: str | None = option(
        None,
        f"Links of Paramixer, with {param('mixer', 'paramixer')}.",
        choices=mixer_ranges("paramixer")["protocol"]["choices"],
        flag=True,
        panel=MODEL,
        shown="chord",
    )


def keywords() -> dict[str, tuple[str, Option]]:
    """Return the table and the declaration of each option that `seqmix.train` takes as a keyword, by name.

    If two tables have an option of the same name, the keyword is the one with a flag; data.path is the function's `data`.
    """
    kinds: dict[str, type[Any]] = {"model": ModelConfig, "mixer": MixerFlags, "data": DataConfig, "training": TrainingConfig}
    found: dict[str, tuple[str, Option]] = {}
    for table, kind in kinds.items():
        for name, one in options_of(kind).items():
            if name != "path" and (one.flag or name not in found):
                found[name] = (table, one)
    return found


_OF_PRETRAINING: dict[str, dict[str, Any]] = {
    "mixer": {"help": "How positions are mixed: by mingru, paramixer, skyformer, conv or another mixer."},
    "select": {
        "help": "Validation score that chooses the weights to keep: the loss of the hidden tokens, or their accuracy.",
        "choices": ("loss", "accuracy"),
        "shown": "loss",
        "flag": "",
    },
}


def pretraining_keywords() -> dict[str, tuple[str, Option]]:
    """Return what `keywords` does for `seqmix.pretrain`: without those that are for labels."""
    return {
        name: (table, replace(one, **_OF_PRETRAINING.get(name, {})))
        for name, (table, one) in keywords().items()
        if not one.for_labels
    }

"""Devices, precision and threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from seqmix.errors import ConfigError, param

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str) -> torch.device:
    """Return the device that `name` stands for; for "auto" a GPU if there is one, else the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    mps = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(mps)}.get(device.type, 0)
    if (device.index or 0) >= count:
        have = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *(["mps"] if mps else [])]
        raise ConfigError(f"device '{name}' is not available; choose from: auto, {', '.join(have)}", option="device")
    return device


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which a model computes in "fp32", "bf16" or "fp16".

    Raises:
        ConfigError: fp16 on a device that is not a CUDA GPU.
    """
    if precision == "fp32":
        return nullcontext()
    if precision not in _DTYPES:
        raise ConfigError(f"{param('precision')} must be fp32, {', '.join(_DTYPES)}: got {precision!r}", option="precision")
    if precision == "fp16" and device.type != "cuda":
        raise ConfigError(f"precision fp16 needs a CUDA GPU, this is {device.type}; use bf16 or fp32", option="precision")
    return torch.autocast(device.type, dtype=_DTYPES[precision])


@contextmanager
def thread_count(threads: int | None) -> Iterator[None]:
    """Compute with at most `threads` threads on a CPU inside the block.

    Args:
        threads: None for OMP_NUM_THREADS, or one for each core.

    Raises:
        ConfigError: there is less than one.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"{param('threads')} must be at least 1: got {threads}", option="threads")
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""Devices, precision and threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from seqmix.errors import ConfigError, param
from seqmix.system.ranges import check_numbers

if TYPE_CHECKING:
    import torch

_DTYPES = {"bf16": "bfloat16", "fp16": "float16"}
_DEVICE = re.compile(r"auto|(cpu|cuda|mps)(:\d+)?")


def check_device(name: str, precision: str = "fp32") -> None:
    """Refuse a device that no computer has, or that does not compute with a precision, before torch is loaded.

    Raises:
        ConfigError: there is no such device, or the precision is not for it.
    """
    if not _DEVICE.fullmatch(name):
        raise ConfigError(f"device {name!r} is not available; choose from: auto, cpu, cuda, cuda:N, mps", option="device")
    _check_precision(name.partition(":")[0], precision)


def _check_precision(device: str, precision: str) -> None:
    if precision != "fp32" and precision not in _DTYPES:
        raise ConfigError(f"{param('precision')} must be fp32, {', '.join(_DTYPES)}: got {precision!r}", option="precision")
    if precision == "fp16" and device not in ("auto", "cuda"):
        raise ConfigError(f"precision fp16 needs a CUDA GPU, this is {device}; use bf16 or fp32", option="precision")


def choose_device(name: str) -> torch.device:
    """Return the device that `name` stands for; for "auto" a GPU if there is one, else the CPU.

    Raises:
        ConfigError: there is no such device.
    """
    import torch

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
    _check_precision(device.type, precision)
    if precision == "fp32":
        return nullcontext()
    import torch

    return torch.autocast(device.type, dtype=getattr(torch, _DTYPES[precision]))


@contextmanager
def thread_count(threads: int | None) -> Iterator[None]:
    """Compute with at most `threads` threads on a CPU inside the block.

    Args:
        threads: None for OMP_NUM_THREADS, or one for each core.

    Raises:
        ConfigError: `threads` is less than 1, or more than any computer has.
    """
    check_numbers(threads=threads)
    import torch

    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)

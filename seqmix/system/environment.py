"""Versions and platform, as runs and results record them."""

from __future__ import annotations

import platform
from typing import Any

from seqmix.system.command_line import given_command
from seqmix.version import __version__


def environment() -> dict[str, Any]:
    """Return versions, platform, threads and the command, if there is one: what results depend on besides the settings."""
    import numpy
    import torch

    command = given_command()
    return {
        "seqmix": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        # not platform.platform(), which starts `uname -p`: a process that an interruption would leave behind
        "platform": f"{platform.system()}-{platform.release()}-{platform.machine()}",
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        **({"command": command} if command else {}),
    }

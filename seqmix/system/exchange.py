"""Two names that change places at once, so that neither is ever missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_HERE, _EXCHANGE, _SWAP = -100, 2, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux, RENAME_SWAP of macOS


def exchange(first: Path, second: Path) -> bool:
    """Let two files or folders change names.

    Returns:
        Whether it was done: not every system and file system can.
    """
    if sys.platform == "win32":
        return False
    import ctypes

    try:
        libc = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(first), os.fsencode(second)
        if sys.platform == "darwin":
            return libc.renamex_np(*names, _SWAP) == 0
        return libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0
    except (OSError, AttributeError):  # an older library of the system
        return False

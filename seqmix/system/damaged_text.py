"""Texts that were damaged before they were written: UTF-8 that was once read in another encoding, and lost letters."""

from __future__ import annotations

import re

LOST = "\ufffd"  # what programs write for a character that they could not read
_BYTES = {chr(code): bytes([code]) for code in range(128, 256)}
_BYTES |= {bytes([code]).decode("cp1252", "ignore"): bytes([code]) for code in range(128, 160)}
_BYTES.pop("", None)
# The first byte of letters with accents, of dashes and quotes, of Cyrillic, Greek, Hebrew and Arabic letters and of emoji.
_RUN = re.compile("[\xc2\xc3\xc4\xc5\xce\xcf\xd0\xd1\xd7\xd8\xd9\xe2\xf0][^\x00-\x7f]+")


def repaired(text: str) -> str | None:
    """Return a text as it was before its UTF-8 was read as cp1252 or Latin-1; None if it seems undamaged."""
    if text.isascii():
        return None
    found = _RUN.sub(_decoded, text)
    return found if found != text else None


def _decoded(run: re.Match[str]) -> str:
    try:
        return b"".join(_BYTES[letter] for letter in run[0]).decode()
    except (KeyError, UnicodeDecodeError):
        return run[0]

"""How splits are made, as a user writes it: "similarity" or "similarity=0.5"."""

from __future__ import annotations

from seqmix.errors import ConfigError, param

_USUAL = 0.5


def parse_split_by(text: str) -> float:
    """Return the least share of common k-mers of "similarity=0.5".

    Raises:
        ConfigError: this is not "similarity", or not with a number above 0, to 1.
    """
    what, sign, number = (part.strip() for part in text.partition("="))
    try:
        least = float(number) if sign else _USUAL
    except ValueError:
        least = 0.0
    if what != "similarity" or not 0 < least <= 1:
        raise ConfigError(
            f"{param('split_by')} must be similarity, or similarity=SHARE with a share of common k-mers above 0, up to 1, such "
            f"as similarity=0.5: got '{text}'",
            option="split_by",
        )
    return least

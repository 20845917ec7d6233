"""Progress bars with the time left: on standard error in a terminal, a widget in a notebook."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm.auto import tqdm


def progress_bar(
    description: str, unit: str, total: float | None = None, shown: bool | None = None, **options: Any
) -> tqdm[Any]:
    """Open a progress bar; it vanishes when it is closed.

    Args:
        description: the text before the bar.
        unit: what is counted, in the plural, such as "records".
        total: how many there are; None if unknown, in which case no time left is shown.
        shown: whether to draw the bar; None draws it only where standard error is a terminal.
        options: of tqdm, such as `unit_scale` for numbers too long to read.

    Returns:
        The bar. One that is not shown takes the same calls and draws nothing.
    """
    from tqdm.auto import tqdm

    if shown is None:
        shown = sys.stderr.isatty()
    # The time left follows from the mean speed so far, which jumps less than that of the last second.
    steady = {"smoothing": 0, "miniters": 0, "dynamic_ncols": True, "leave": False}
    return tqdm(desc=description, unit=f" {unit}", total=total, disable=not shown, file=sys.stderr, **steady | options)

"""Progress bars with the time left: on standard error in a terminal, a widget in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tqdm.auto import tqdm


T = TypeVar("T")


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


def with_bar(items: Iterable[T], description: str, unit: str, total: int | None = None) -> Iterator[T]:
    """Yield items, with a bar of how many were taken.

    Args:
        items: what is gone through.
        description: the text before the bar.
        unit: what is counted, in the plural.
        total: how many there are; None if unknown.
    """
    with progress_bar(description, unit, total, shown=True) as bar:
        for item in items:
            yield item
            bar.update()


@contextmanager
def amount_shown(
    progress: bool | Callable[[int, int], object] | None, description: str, unit: str
) -> Iterator[Callable[[int, int], object] | None]:
    """Give the callback that a `progress` argument stands for; it is called with the records and units so far.

    Args:
        progress: True for a bar, for as long as the block runs; a callback, which is given back; False or None for nothing.
        description: the text before the bar.
        unit: what the bar counts, in the plural.
    """
    if progress is not True:
        yield progress or None
        return
    with progress_bar(description, unit, shown=True) as bar:
        yield lambda _, amount: bar.update(amount - bar.n)


def count_of(items: object) -> int | None:
    """Return the number of items; None if it cannot be known before they are taken."""
    return len(items) if isinstance(items, Sized) else None

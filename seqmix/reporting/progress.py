"""Progress bars with the time left: on standard error in a terminal, a widget in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tqdm.auto import tqdm

T = TypeVar("T")

_SLOW_FORMAT = "{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{unit} [{elapsed}<{left}]"


def progress_bar(
    description: str, unit: str, total: float | None = None, shown: bool | None = None, **options: Any
) -> tqdm[Any]:
    """Open a progress bar, which disappears when it is closed.

    Args:
        description: the text before the bar.
        unit: plural noun of the units counted, such as "records".
        total: number of units; None if unknown, in which case the time left is not shown.
        shown: whether to draw the bar; None to draw it only if standard error is a terminal.
        options: options of tqdm, such as `unit_scale` for numbers too long to read.

    Returns:
        The bar. A bar that is not shown accepts the same calls and draws nothing.
    """
    from tqdm.auto import tqdm

    return tqdm(desc=description, unit=f" {unit}", total=total, **_look(shown), **options)


def with_bar(
    items: Iterable[T],
    description: str,
    unit: str,
    total: int | None = None,
    share: Callable[[], float | None] | None = None,
) -> Iterator[T]:
    """Yield items, and count them on a bar.

    Args:
        items: the items.
        description: the text before the bar.
        unit: plural noun of the units counted.
        total: number of items; None if unknown.
        share: returns the share of the items so far, 0 to 1, from which the total is estimated; None if unknown.
    """
    with progress_bar(description, unit, total, shown=True) as bar:
        for item in items:
            yield item
            _move(bar, 1, share)


@contextmanager
def amount_shown(
    progress: bool | Callable[[int, int], object] | None,
    description: str,
    unit: str,
    share: Callable[[], float | None] | None = None,
) -> Iterator[Callable[[int, int], object] | None]:
    """Turn a `progress` argument into a callback, which is called with the records and units so far.

    Args:
        progress: True for a bar while the block runs; a callback, which is returned as it is; False or None for neither.
        description: the text before the bar.
        unit: plural noun of the units that the bar counts.
        share: as in `with_bar`.
    """
    if progress is not True:
        yield progress or None
        return
    with progress_bar(description, unit, shown=True, unit_scale=True) as bar:
        yield lambda _, amount: _move(bar, amount - bar.n, share)


def _move(bar: tqdm[Any], by: float, share: Callable[[], float | None] | None) -> None:
    """Advance a bar; with `share`, estimate its total from the share that is done."""
    if share and (done := share()):
        bar.total = round((bar.n + by) / done)
    bar.update(by)


def count_of(items: object) -> int | None:
    """Return the number of items; None if it is unknown until they have been read."""
    return len(items) if isinstance(items, Sized) else None


def slow_bar(description: str, unit: str, shown: bool | None = None) -> Any:
    """Open a bar for steps of seconds to hours, whose clock also runs during a step.

    Args:
        description: as in `progress_bar`.
        unit: as in `progress_bar`.
        shown: as in `progress_bar`.

    Returns:
        A bar of tqdm with two more methods: `begin(total, expected)`, where `expected` is the seconds that all steps may
        take, if known; and `skip()` for a step that was done before.
    """
    bar = _slow_bar_class()(desc=f"{description}: ", unit=f" {unit}", bar_format=_SLOW_FORMAT, **_look(shown))
    if not bar.disable and sys.stderr.isatty():
        Thread(target=_tick, args=(bar,), daemon=True).start()
    return bar


def _look(shown: bool | None) -> dict[str, Any]:
    if shown is None:
        shown = sys.stderr.isatty()
    # The time left is computed from the mean speed so far, which fluctuates less than that of the last second.
    steady = {"smoothing": 0, "miniters": 0, "dynamic_ncols": True, "leave": False}
    return {"disable": not shown, "file": sys.stderr, **steady}


@cache
def _slow_bar_class() -> type[Any]:
    from tqdm.auto import tqdm

    class SlowBar(tqdm):  # type: ignore[type-arg]
        expected = 0.0
        since = 0.0

        def begin(self, total: int, expected: float = 0.0) -> None:
            self.expected = expected
            self.reset(total)

        def skip(self) -> None:
            if not self.disable:
                self.initial += 1
                self.n += 1
                self.refresh()

        def update(self, n: float | None = 1) -> bool | None:
            if not self.disable:
                self.since = super().format_dict["elapsed"]
            return super().update(n)

        @property
        def format_dict(self) -> Any:
            facts = super().format_dict
            total, done = self.total or 0, self.n - facts["initial"]
            whole = self.since / done * (total - facts["initial"]) if done > 0 else self.expected
            left = max(0.0, whole - facts["elapsed"])
            return {**facts, "left": self.format_interval(left) if whole else "?"}

    return SlowBar


def _tick(bar: Any) -> None:
    """Draw the bar again every second until it is closed."""
    while not bar.disable:
        time.sleep(1.0)
        with bar.get_lock():
            if not bar.disable:  # closing takes the lock as well, so nothing is drawn after it
                bar.refresh(nolock=True)

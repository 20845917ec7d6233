"""What a user can get wrong: one exception family, one message each.

A message says what was got, what is allowed and what to do, and where (file, record, line) if there is a
place. The command line prints it as one red line and exits with 1; library callers catch `SeqmixError`.
Anything else that escapes is a bug.
"""

from __future__ import annotations


class SeqmixError(Exception):
    """A mistake in the input, the options or the environment, explained for the person who made it."""


class InputError(SeqmixError):
    """A sequence file, document or table cannot be read as asked."""


class DatasetError(SeqmixError):
    """A dataset folder is missing, damaged, or does not fit what is asked of it."""


class ConfigError(SeqmixError):
    """An option is unknown, has a value that is not allowed, or contradicts another."""


class RunError(SeqmixError):
    """A run folder is missing, damaged, foreign, or in the way."""


class Interrupted(SeqmixError):  # noqa: N818 - no mistake, an event
    """Training was stopped by a signal, after its state was saved."""

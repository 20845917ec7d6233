"""Labels in the place of texts: records in memory that were given as (text, label), which is read as (id, text)."""

from __future__ import annotations

from seqmix.data.readers.entry import Entry
from seqmix.data.readers.text_cells import are_sequences, mean_words
from seqmix.errors import InputError, param, shown

_LOOKED_AT, _FEWEST = 100, 4  # records
_LONG, _WORDS = 20, 3  # characters and words of a text on average


class LikelyLabels:
    """Watches the first records without a label of their own, and refuses those whose ids are the texts.

    Args:
        what: the Python parameter that the records come from.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._ids: list[str] = []
        self._texts: list[str] = []

    def at(self, entry: Entry) -> None:
        """Look at a record that has an id, a text and nothing else.

        Raises:
            InputError: the texts of the first hundred are few and short, and their ids are long texts.
        """
        if len(self._ids) == _LOOKED_AT:
            return
        text = entry.text.decode("latin-1") if isinstance(entry.text, bytes) else entry.text
        if isinstance(text, str) and not entry.error:
            self._ids.append(entry.id)
            self._texts.append(text.strip())
            if len(self._ids) == _LOOKED_AT:
                self._check()

    def at_the_end(self) -> None:
        """Decide on fewer than a hundred records.

        Raises:
            InputError: as in `at`.
        """
        if len(self._ids) < _LOOKED_AT:
            self._check()

    def _check(self) -> None:
        ids, texts = self._ids, self._texts
        if len(ids) < _FEWEST or 2 * len({*texts}) > len(texts):
            return
        size = sum(map(len, ids)) / len(ids)
        if size < _LONG or 2 * sum(map(len, texts)) / len(texts) > size:
            return
        if not are_sequences(ids) and (mean_words(ids) < _WORDS or are_sequences(texts)):
            return
        raise InputError(
            f"{param(self._what)}: the ids, such as {shown(ids[0])}, seem to be the texts, and the texts, such as "
            f"{shown(texts[0])}, their labels: two parts are an id and a sequence; give (id, sequence, label), or dicts "
            'such as {"text": "…", "label": "…"}'
        )

"""Keys of headers, and columns, that seem to say which records belong together, such as `gene`, and are not used for groups.

Records of one gene, patient or organism are alike. If some of them are for training and others for testing, the scores do not
hold for new genes.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import median

from seqmix.data.labels.headers import HeaderValues
from seqmix.data.readers.columns import plain
from seqmix.data.readers.entry import Entry
from seqmix.errors import InputError

# The most specific first.
_NAMES = (
    *("gene", "gene_id", "geneid", "gene_symbol", "gene_name", "gn", "locus_tag", "locus", "isoform_of", "parent"),
    *("transcript", "transcript_id", "cluster", "cluster_id", "family", "family_id", "patient", "patient_id", "subject"),
    *("subject_id", "donor", "donor_id", "individual", "individual_id", "participant", "participant_id", "sample_id"),
    *("author", "author_id", "user_id", "strain", "isolate", "genome", "assembly", "ox", "os", "organism", "species", "taxon"),
    *("taxid", "tax_id", "taxon_id", "chromosome", "chrom", "chr", "contig", "scaffold"),
)
_RANK = {name: rank for rank, name in enumerate(_NAMES)}
_IN_HEADER = re.compile(rf"(?:^|[\s|;,\[])({'|'.join(_NAMES)})[:=](?=[^\s;|,\]])", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[+-]?[\d.,]+(?:[eE][+-]?\d+)?\s*")
_OF_FILE, _IN_ALL = 2_000, 50_000  # records that are looked at
_SHARED = 0.05  # part of the records that share a value, from which on a key is pointed out
_FEWEST = 3  # values of each class: there are three splits
_CLASSES, _NUMBERS = 1_000, 20  # more labels are not classes; nor are more numbers


@dataclass(slots=True)
class _Key:
    """What records have for a key."""

    place: str
    name: str
    values: Counter[str] = field(default_factory=Counter)
    of_label: dict[str, set[str]] = field(default_factory=dict)
    reader: HeaderValues | None = None
    broken: bool = False


class LikelyGroups:
    """Looks at records for what may be their groups; a note tells what was found.

    Args:
        several: whether a record may have several labels.
    """

    def __init__(self, *, several: bool = False) -> None:
        self._several = several
        self._keys: dict[str, _Key] = {}
        self._labels: set[str] = set()
        self._records = self._of_file = 0
        self._watching = self._more = False

    def begin(self, first: Entry, taken: Collection[str]) -> None:
        """Begin a file, given its first record and the columns that have another meaning."""
        self._taken = {plain(name) for name in taken}
        self._of_file = 0
        self._watching = bool(_IN_HEADER.search(first.header)) or any(map(self._is_group, first.columns))

    def add(self, entry: Entry, label: str | None) -> None:
        """Look at a record."""
        if not self._watching:
            return
        if self._of_file >= _OF_FILE or self._records >= _IN_ALL:
            self._watching, self._more = False, True
            return
        self._of_file, self._records = self._of_file + 1, self._records + 1
        if label is not None and len(self._labels) <= _CLASSES:
            self._labels.add(label)
        for name in filter(self._is_group, entry.columns):
            value = entry.columns[name]
            if isinstance(value, str | int) and str(value).strip():
                self._count(self._keys.setdefault(f"column:{name}", _Key(f"column:{name}", name)), str(value), label)
        for name in dict.fromkeys(_IN_HEADER.findall(entry.header)):
            key = self._keys.setdefault(f"header:{name}", _Key(f"header:{name}", name))
            key.reader = key.reader or HeaderValues(name, "group_from", None)
            try:
                value = key.reader.find(entry.header, entry.id)
            except InputError:
                key.broken = True  # so would --group be
                continue
            if value is not None:
                self._count(key, value, label)

    def _is_group(self, name: str) -> bool:
        return _named(name) in _RANK and plain(name) not in self._taken

    def _count(self, key: _Key, value: str, label: str | None) -> None:
        key.values[value] += 1
        if label is not None and len(self._labels) <= _CLASSES:
            key.of_label.setdefault(label, set()).add(value)

    def notes(self, labels: Collection[str]) -> list[str]:
        """Return a note on the key that is most likely to tell groups; [] if there is none.

        Args:
            labels: where the labels are read, as the user writes it.
        """
        found = [key for key in self._keys.values() if key.place not in labels and self._tells(key)]
        if not found:
            return []
        key = min(found, key=lambda one: _RANK[_named(one.name)])
        shared = sum(count for count in key.values.values() if count > 1)
        first = "first " * self._more
        place = "in the headers" if key.place.startswith("header:") else "a column"
        return [
            f"{shared:,} of the {first}{self._records:,} records share their '{key.name}' ({place}; {len(key.values):,} "
            f"different) with others: --group {shlex.quote(key.place)} keeps such records in one split"
        ]

    def _tells(self, key: _Key) -> bool:
        """Return whether records can be divided by the values of a key, and some share one."""
        total = key.values.total()
        shared = sum(count for count in key.values.values() if count > 1)
        if key.broken or total < self._records / 2 or shared < max(2, _SHARED * total) or len(key.values) < _FEWEST:
            return False
        of_class = [len(values) for values in key.of_label.values()]
        return not of_class or not self._are_classes() or median(of_class) >= _FEWEST

    def _are_classes(self) -> bool:
        """Return whether the labels seem to be classes, not numbers or lists."""
        if len(self._labels) > _CLASSES or self._several:
            return False
        return len(self._labels) <= _NUMBERS or not all(map(_NUMBER.fullmatch, self._labels))


def _named(name: str) -> str:
    return plain(name).replace(" ", "_").replace("-", "_")

"""Names of files that are classes and differ in what programs add to names: copies, lanes and reads of a sequencer, parts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

# What a browser or a file manager adds to the name of a copy: rat (1), mouse - Copy, mouse copy 2
_COPY = re.compile(r"(.+?)(?: ?\(\d+\)| - Copy(?: ?\(\d+\))?|[ _-]copy(?:[ _-]?\d+)?|~)", re.IGNORECASE)
# What Illumina and seqkit add to the name of a sample: s_L001_R1_001, a.part_001
_RUN = re.compile(r"[._-](?:L\d{3}|R[12](?:[._-]001)?|(?:parts?|chunk|shard)[._-]?\d+)(?=[._-]|$)", re.IGNORECASE)


def notes_on_alike(names: Iterable[str]) -> list[str]:
    """Return notes on names of files, which are classes, that are of copies or of parts of one sample by what is in them."""
    known = sorted(set(names))
    copies = [name for name in known if (found := _COPY.fullmatch(name)) and found[1] in known]
    notes = []
    if copies:
        one = copies[0]
        of = _COPY.sub(r"\1", one)
        notes.append(
            f"'{one}' is a class of its own beside '{of}', and seems to be a copy by its name; if it is: leave it out, or if "
            f"both are of one class: --class '{of}=FILE,FILE'"
        )
    samples: dict[str, list[str]] = defaultdict(list)
    for name in known:
        samples[_RUN.sub("", name)].append(name)
    sample, files = max(samples.items(), key=lambda item: len(item[1]), default=("", []))
    if sample and len(files) > 1:
        shown = f"{', '.join(files[:3])}{', …' * (len(files) > 3)}"
        notes.append(
            f"{shown} are classes of their own, and seem to be parts, lanes or reads of one sample by their names; if they "
            f"are: --class '{sample}=FILE,FILE,…'"
        )
    return notes

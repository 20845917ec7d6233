"""What makes tokens of records: the alphabet that is asked for, that of another data set, or the one that records suggest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqmix.data.dataset_json import opened_vocabulary, read_info
from seqmix.data.options import SEQUENCE_FORMATS, PrepareOptions
from seqmix.data.records import Record
from seqmix.data.vocabulary import (
    Encoder,
    Vocabulary,
    guess_alphabet,
    names_proteins,
    new_encoder,
    notes_on_guess,
)
from seqmix.errors import DatasetError, param
from seqmix.reporting.text import counted
from seqmix.system.damaged_text import LOST, repaired

_TEXTS = ("chars", "bytes", "words", "subwords")  # alphabets of texts
_SAMPLE = 65536  # characters of a record that are looked at
_SHOWN = 20  # characters of a word that was damaged


def choose_encoder(first: list[Record], is_sequence: bool, options: PrepareOptions, notes: list[str]) -> Encoder:
    """Return what makes tokens of the records, by the alphabet that is asked for or that the first ones suggest.

    Args:
        first: the first records.
        is_sequence: whether they are of a sequence format.
        options: the options of `prepare`.
        notes: gets what a user should know of a guess, or of a vocabulary that hardly fits.

    Raises:
        DatasetError: there is no data set or run to take the vocabulary from.
    """
    notes += _notes_on_damage(first)
    if options.vocabulary_from:
        folder = Path(options.vocabulary_from)
        if not (folder / "dataset.json").is_file():
            found = "this is not one (dataset.json is missing)" if folder.exists() else "there is no such folder"
            raise DatasetError(f"{folder}: {param('vocabulary_from')} takes the folder of a data set or of a run: {found}")
        info = read_info(folder / "dataset.json")
        saved = info["vocabulary"]
        other = {**info, "vocabulary": {**saved, "unknown": options.unknown or saved["unknown"]}}
        vocabulary = opened_vocabulary(folder / "dataset.json", other, trained=True)
        vocabulary.meant_for = f"{param('vocabulary_from', str(folder))} is for"
        notes += _notes_on_foreign(first, vocabulary, info, folder, is_sequence=is_sequence)
        return vocabulary
    alphabet = options.alphabet
    if alphabet == "auto":
        samples = [record.text[:_SAMPLE] for record in first]
        alphabet = guess_alphabet(samples, is_sequence)
        if is_sequence and alphabet == "dna" and all(names_proteins(record.source) for record in first):
            alphabet = "protein"
        notes += notes_on_guess(samples, alphabet)
    return new_encoder(alphabet, options.unknown, options.vocabulary_size)


def _notes_on_damage(first: Sequence[Record]) -> list[str]:
    """Return notes on texts whose letters were damaged before they were written."""
    texts = [record.text[:_SAMPLE] for record in first if isinstance(record.text, str)]
    fixed = [(text, found) for text in texts if (found := repaired(text))]
    lost = sum(LOST in text for text in texts)
    notes = []
    if fixed:
        before, after = fixed[0]
        place = next((i for i, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
        begin = before.rfind(" ", 0, place) + 1
        shown = [text[begin : place + _SHOWN].split(" ")[0] for text in fixed[0]]
        notes.append(
            f"{len(fixed):,} of the first {counted(len(texts), 'text')} {'seems' if len(fixed) == 1 else 'seem'} to contain "
            f"UTF-8 that was once read as cp1252 or latin-1, such as {shown[0]!r} for {shown[1]!r}: make the file again"
        )
    if lost:
        notes.append(
            f"{lost:,} of the first {counted(len(texts), 'text')} {'contains' if lost == 1 else 'contain'} U+FFFD, the sign "
            "for characters that could not be read: make the file again"
        )
    return notes


def _notes_on_foreign(
    first: Sequence[Record], vocabulary: Vocabulary, info: Mapping[str, Any], folder: Path, *, is_sequence: bool
) -> list[str]:
    """Return a line if the vocabulary of another data set is for texts and records are sequences, or knows little of them."""
    where, noun = f"--vocabulary-from {folder}", vocabulary.noun
    if (
        vocabulary.alphabet in _TEXTS
        and is_sequence
        and not any(one["format"] in SEQUENCE_FORMATS for one in info.get("inputs", ()))
    ):
        looks = guess_alphabet([record.text[:_SAMPLE] for record in first], is_sequence)
        return [f"{where} is for texts, read as {vocabulary.alphabet}, and these files hold sequences that look like {looks}"]
    if vocabulary.channels or vocabulary.unknown == "error":
        return []
    replaced: Counter[str] = Counter()
    known = 0
    for record in first:
        known += len(vocabulary.encode(record.text[:_SAMPLE], replaced, record))
    unknown = replaced.total()
    total = known + unknown * (vocabulary.unknown == "drop")
    if 2 * unknown <= total:
        return []
    return [f"{where} does not know {unknown:,} of the first {total:,} {noun}s: is it the right one?"]

"""Encodings to try for a text that is not in the stated one: those that turn it into common letters."""

from __future__ import annotations

import codecs
import re
import unicodedata

from seqmix.errors import InputError, param

_CONTROLS = re.compile(rb"[\x80-\x9f]")  # of Latin-1; no text has them
_HIGH = re.compile(rb"[\x80-\xff]+")
_ACCENTS = 2.0  # bytes above ASCII in a row, on average, up to which they are letters among those of the Latin alphabet
_SCRIPTS = {  # encodings, and the beginnings of the names of their letters
    "euc_kr": ("HANGUL SYLLABLE",),
    "gb18030": ("CJK",),
    "big5": ("CJK",),
    "euc_jp": ("HIRAGANA", "KATAKANA", "CJK"),
    "shift_jis": ("HIRAGANA", "KATAKANA", "CJK"),
    "cp1251": ("CYRILLIC SMALL",),
    "koi8-r": ("CYRILLIC SMALL",),
    "cp1253": ("GREEK SMALL",),
    "cp1255": ("HEBREW",),
    "cp1256": ("ARABIC",),
    "cp874": ("THAI",),
}
_ALPHABETS = ("cp1256", "cp874")
_FREQUENT = {"gb18030": ("gb2312", 0xB0, 0xD7), "big5": ("big5", 0xA4, 0xC6), "euc_jp": ("euc_jp", 0xB0, 0xCF)}
_LEAST = 0.75  # share of usual letters by which an encoding is likely
_LOOKED_AT = 4096  # bytes


def undecodable(error: UnicodeDecodeError, name: str, lines_before: int) -> InputError:
    """Return the error that says where a file cannot be decoded, and what to do."""
    line = lines_before + 1 + error.object[: error.start].count(b"\n")
    return InputError(
        f"{name}: line {line}: byte {error.object[error.start]:#04x} is not valid {error.encoding} text; "
        f"{how_to_decode(error.object)}"
    )


def how_to_decode(data: bytes) -> str:
    """Return the advice to state the encoding of a text that is not UTF-8, with those that are likely."""
    first, *others = likely_encodings(data)
    if not others:
        return f"say how the file is encoded, for example {param('encoding', first)}"
    fit = "fits" if len(others) == 1 else "fit"
    return f"say in which encoding it was saved, such as {param('encoding', first)}; {' and '.join(others)} {fit} as well"


def likely_encodings(data: bytes) -> list[str]:
    """Return encodings to try for a text, the likeliest first: at least one, at most three; UTF-8 alone if it is valid."""
    text = _decoded(data, "utf-8")
    if text is not None and not text.isascii():
        return ["utf-8"]
    runs = _HIGH.findall(data)
    if not runs or sum(map(len, runs)) <= _ACCENTS * len(runs):
        return [_western(data)]
    start = data.index(runs[0])  # a letter begins here in any of them
    data = data[start : start + _LOOKED_AT]
    shares = {encoding: _share_of_usual(data, encoding) for encoding in _SCRIPTS}
    found = sorted((one for one, share in shares.items() if share >= _LEAST), key=lambda one: -shares[one])
    found = [one for one in found if one not in _ALPHABETS] or found  # which other bytes look like, too
    return found[:3] or [_western(data)]


def _western(data: bytes) -> str:
    """Return an encoding of the Latin alphabet: Latin-1 has control characters where Windows has quotes."""
    if not _CONTROLS.search(data):
        return "latin-1"
    return "cp1252" if _decoded(data, "cp1252") is not None else "latin-1"


def _share_of_usual(data: bytes, encoding: str) -> float:
    """Return the share of the characters above ASCII that are frequent letters of the script of an encoding."""
    letters = [letter for letter in _decoded(data, encoding) or "" if not letter.isascii()]
    kinds = [unicodedata.category(letter)[0] for letter in letters]
    usual = sum(_is_usual(letter, encoding) for letter in letters)
    counted = len(letters) - sum(kind in "NPZ" for kind in kinds)  # all but digits, punctuation and blanks
    return usual / counted if counted else 0.0


def _is_usual(letter: str, encoding: str) -> bool:
    name = unicodedata.name(letter, "")
    if not name.startswith(_SCRIPTS[encoding]):
        return False
    if name.startswith("CJK") and encoding in _FREQUENT:
        codec, first, last = _FREQUENT[encoding]
        return first <= letter.encode(codec, "replace")[0] <= last
    return True


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)  # the last character may be cut off
    except UnicodeDecodeError:
        return None

"""Composition against counts of Python."""

from collections import Counter

import numpy as np
import pytest

from seqmix.data.checking import composition
from seqmix.data.checking.composition import composition_of
from tests.support.preparing import prepare

TEXTS = ["Ab ba, CAB!", "to be or not", "zz Top", "é à la carte"] * 5
DNA = ["ACGTNNAC", "GGGG", "ACGTACGTACGTTT", "NNA"] * 5


@pytest.mark.parametrize("block", [1 << 22, 3])
@pytest.mark.parametrize("alphabet", ["chars", "bytes", "subwords", "words", "dna"])
def test_shares_match_counts(alphabet, block, tmp_path, monkeypatch):
    if alphabet == "subwords":
        pytest.importorskip("tokenizers")
    monkeypatch.setattr(composition, "_BLOCK", block)
    texts = DNA if alphabet == "dna" else TEXTS
    records = [(f"r{i}", text, "ab"[i // 2 % 2]) for i, text in enumerate(texts)]
    data = prepare(records=records, output=tmp_path / "data", alphabet=alphabet, split="1,0,0")
    found = composition_of(data, np.arange(len(data)))
    for i, text in enumerate(texts):
        letters = "".join(text.split()) if alphabet == "words" else text
        bytewise = alphabet in ("bytes", "subwords")
        counts = Counter(letters if alphabet == "dna" else letters.lower())
        shares = dict(zip(found.parts, found.values[i], strict=True))
        total = len(letters.encode()) if bytewise else len(letters)
        for letter in "AGN" if alphabet == "dna" else "abt":
            assert shares[letter] == pytest.approx(counts[letter] / total)
        if bytewise:
            assert shares["(not ASCII)"] == pytest.approx(sum(byte > 127 for byte in letters.encode()) / total)
    if alphabet == "dna":
        assert found.gc == pytest.approx([(t.count("G") + t.count("C")) / (len(t) - t.count("N")) for t in texts])
    else:
        assert found.gc is None

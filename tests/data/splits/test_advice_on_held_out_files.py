"""The advice on files that are held out in folders of classes can be followed."""

import re

import pytest

import seqmix
from tests.support.preparing import dna


@pytest.mark.parametrize("name", ["holdout", "hold_out", "held_out"])
@pytest.mark.parametrize("classes", ["ab", "abcd"])
def test_files_that_are_held_out_in_folders_of_classes(name, classes, tmp_path):
    for m, one in enumerate(classes):
        for k, (stem, count) in enumerate({"training": 12, name: 4}.items()):
            path = tmp_path / "x" / one / f"{stem}.fa"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f">r{m}-{k}-{i}\n{dna(30, 1000 * m + 100 * k + i)}\n" for i in range(count)))
    notes = seqmix.prepare(tmp_path / "x", tmp_path / "all").info["notes"]
    note = next(note for note in notes if "not used for splits" in note)
    assert "with --label-from folder, if the classes are folders" in note
    test = re.findall(r"--test (\S+)", note)
    info = seqmix.prepare(tmp_path / "x", tmp_path / "one", test=test, label_from="folder").info
    assert info["counts"]["test"] == dict.fromkeys(classes, 4)

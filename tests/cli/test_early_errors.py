"""Mistakes in options are found before torch is loaded, which takes seconds."""

import os
import subprocess
import sys

import pytest

from tests.support import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
CODE = """
import sys
from seqmix.cli import app
try:
    app(sys.argv[1:])
except SystemExit as end:
    print(end.code, "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("predict FILE --run nowhere", "no such run folder"),
        ("predict missing.fa --run RUN", "no such file"),
        ("predict FILE --run RUN -o there.csv", "exists"),
        ("predict FILE --run RUN -o p.txt", "the ending must say"),
        ("predict FILE --run RUN --top 9", "--top must be"),
        ("predict FILE --run RUN --threshold 0.5", "--threshold is for multilabel"),
        ("predict FILE --run RUN --on-error ignore", "--on-error"),
        ("eval nowhere", "no such run folder"),
        ("eval RUN --data missing.fa", "no such file"),
        ("eval RUN --class atrich", "--class must be NAME=FILE"),
        ("eval RUN --threads 0", "--threads must be at least 1"),
        ("prepare missing.fa", "no such file"),
        ("prepare FILE -o DATA", "exists"),
    ],
)
def test_mistake_is_found_without_torch(arguments, message, trained, dataset, two_class_files, tmp_path):
    (tmp_path / "there.csv").write_text("")
    places = {"FILE": two_class_files[0], "RUN": trained.path, "DATA": dataset.path}
    words = [str(places.get(word, word)) for word in arguments.split()]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=True
    )
    assert message in done.stderr
    assert done.stdout.split() in (["1", "False"], ["2", "False"])

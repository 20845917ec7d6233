"""A small part of what `python -m tests.fuzz` tries."""

from tests.fuzz.run import findings


def test_damaged_inputs_end_with_records_or_a_seqmix_error(tmp_path):
    assert list(findings(0, seconds=60, folder=tmp_path, most=600)) == []

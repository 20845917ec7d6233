import pytest

from seqmix.cli.console import reported
from seqmix.system.notes import note, notes_to


def test_innermost_block_alone_shows_a_note(caplog):
    outer, inner = [], []
    with notes_to(outer.append):
        note("before")
        with notes_to(inner.append):
            note("within")
        note("after")
    note("outside")
    assert (outer, inner) == (["before", "after"], ["within"])
    assert [record.getMessage() for record in caplog.records] == ["outside"]


@pytest.mark.parametrize("quiet", [False, True])
def test_note_is_printed_once_and_not_if_quiet(capsys, quiet):
    """The whole command line reports errors and notes, and each command does."""

    @reported
    def command(quiet):
        note("a lock was left behind")

    reported(lambda: command(quiet=quiet))()
    assert capsys.readouterr().err == ("" if quiet else "note: a lock was left behind\n")

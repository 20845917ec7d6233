"""Tables of labels whose ids are not those of the records: told, with what differs, and never matched loosely."""

import pytest

from seqmix.data.labels.ids import find_difference
from tests.support.preparing import dna, message_of, prepare, read, standard_input, write_table

N = range(20)
KINDS = [
    ("NM_{:04}.1", "NM_{:04}", "version"),
    ("ENSG{:05}.3", "ENSG{:05}.4", "version"),
    ("NM_{}", ">NM_{}", "mark"),
    ("read{}", "@read{}", "mark"),
    ("s{}", "S{}", "case"),
    ("Gene{}x", "GENE{}X", "case"),
    ("s{}", "s{}.fa", "ending"),
    ("s{}", "data/all/s{}.fasta.gz", "ending"),
    ("s{}", "C:\\data\\s{}.txt", "ending"),
    ("s{}", "'s{}'", "quotes"),
    ("s{}", "\u201cs{}\u201d", "quotes"),
    ("sp|P{:05}|NAME{}", "P{:05}", "bars"),
    ("P{:05}", "tr|P{:05}|NAME_HUMAN", "bars"),
    ("gi|{:04}|ref|NM_1.1|", "{:04}", "bars"),
    ("s{} Homo sapiens", "s{} Homo sapiens", "description"),
    ("00{}", "{}", "zeros"),
    ("{}", "{}.0", "zeros"),
    ("chr{}", "{}", "chr"),
    ("r{}/1", "r{}", "mate"),
    ("r_{}", "r-{}", "underscores"),
    ("s{}", "s{}\u200b", "invisible"),
    ("caf\u00e9{}", "cafe\u0301{}", "invisible"),
    ("seq{}", "{}", "letters before the number"),
    ("sp|P{:05}.1|NAME", ">p{:05}", "two or more"),
]


def fasta(tmp_path, form="s{}", numbers=N, name="x.fa", extra=""):
    path = tmp_path / name
    path.write_text("".join(f">{form.format(i, i)}{extra}\n{dna(60, name + str(i))}\n" for i in numbers))
    return path


def table(tmp_path, form="s{}", numbers=N, column="label", values="ab"):
    rows = [form.format(i, i) if isinstance(form, str) else form(i) for i in numbers]
    path = tmp_path / "t.csv"
    write_table(path, [{"id": row, column: values[i % 2]} for i, row in enumerate(rows)])
    return path


def labels(path, at, **options):
    return [record.label for record in read(path, label_from=f"table:{at}", **options)]


@pytest.mark.parametrize(("ours", "theirs", "what"), KINDS)
def test_known_difference_of_ids_is_named(ours, theirs, what, tmp_path):
    path, at = fasta(tmp_path, ours), table(tmp_path, theirs)
    for message in (
        message_of(labels, path, at),
        message_of(prepare, path, tmp_path / "data", label_from=f"table:{at}", skip_unlabelled=True),
    ):
        assert "none of the 20 records" in message and "t.csv" in message
        assert repr(ours.format(0, 0).split()[0]) in message and repr(theirs.format(0, 0)) in message
        assert "20 of 20 ids differ only in" in message and what in message.partition("differ only in")[2]
        assert "as they are in the data" in message and "skip_unlabelled" not in message


@pytest.mark.parametrize("theirs", ["other{:02}{:02}", "GATTACA_{}{}", "{0}x{0}"])
def test_ids_without_a_known_difference_are_shown_side_by_side(theirs, tmp_path):
    path, at = fasta(tmp_path, "record{}abc"), table(tmp_path, theirs)
    message = message_of(labels, path, at)
    for part in ("none of the 20 records", "'record0abc'", repr(theirs.format(0, 0)), "another table"):
        assert part in message
    assert "skip_unlabelled" not in message


@pytest.mark.parametrize("theirs", ["X{:03}y", "x_{:03}z", "S{}"])
def test_differences_that_explain_few_ids_are_not_named(theirs, tmp_path):
    path = fasta(tmp_path, "s{:03}abc", range(60))
    at = table(tmp_path, lambda i: f"s{i:03}ABC" if i < 2 else theirs.format(i), range(60))
    message = message_of(labels, path, at)
    assert "differ only in" not in message and "another table" in message


@pytest.mark.parametrize("matching", [1, 2, 9])
def test_few_matches_and_a_known_difference_are_an_error(matching, tmp_path):
    path, at = fasta(tmp_path), table(tmp_path, lambda i: f"s{i}" if i < matching else f"S{i}")
    lacking = f"{20 - matching} of 20 records have no row"
    for skip in (False, True):
        message = message_of(prepare, path, tmp_path / "data", label_from=f"table:{at}", skip_unlabelled=skip)
        assert lacking in message and "case" in message and f"'S{matching}'" in message
        assert "skip_unlabelled" not in message


def test_few_matches_among_unlike_ids_do_not_suggest_to_leave_the_rest_out(tmp_path):
    path = fasta(tmp_path)
    message = message_of(labels, path, table(tmp_path, lambda i: f"s{i}" if i < 2 else f"GATTACA{i}x"))
    assert "18 of 20 records have no row" in message and "'s2'" in message and "GATTACA2x" in message
    assert "skip_unlabelled" not in message


@pytest.mark.parametrize(("rows", "others"), [(19, 0), (11, 9), (6, 0), (4, 2)])
def test_leaving_out_is_suggested_where_most_records_or_most_rows_match(rows, others, tmp_path):
    path, at = fasta(tmp_path), table(tmp_path, lambda i: f"s{i}" if i < rows else f"other{i}x", range(rows + others))
    message = message_of(labels, path, at)
    assert f"{20 - rows} of 20 records have no row in" in message and "skip_unlabelled" in message
    assert len(labels(path, at, skip_unlabelled=True)) == rows


def test_some_ids_that_differ_are_noted_where_the_rest_is_left_out(tmp_path):
    path, at = fasta(tmp_path), table(tmp_path, lambda i: f"s{i}" if i < 16 else f"S{i}")
    notes = prepare(path, tmp_path / "data", label_from=f"table:{at}", skip_unlabelled=True).info["notes"]
    assert any("4 of 20 records have no row" in note and "case" in note and "'S16'" in note for note in notes)


def test_empty_label_is_not_a_missing_row(tmp_path):
    at = tmp_path / "t.csv"
    write_table(at, [{"id": f"s{i}", "label": "ab"[i % 2] if i != 3 else ""} for i in N])
    message = message_of(labels, fasta(tmp_path), at)
    assert "'s3'" in message and "empty in line 5 of" in message and "skip_unlabelled" in message


@pytest.mark.parametrize(("rows", "told"), [(21, "1 of its 21 ids"), (50, "30 of its 50 ids"), (20, "")])
def test_rows_without_a_record_are_noted_with_one_example(rows, told, tmp_path):
    path, at = fasta(tmp_path), table(tmp_path, numbers=range(rows))
    notes = prepare(path, tmp_path / "data", label_from=f"table:{at}").info["notes"]
    found = [note for note in notes if "of no record" in note]
    assert [told in found[0], "'s20'" in found[0], len(found)] == [True, True, 1] if told else not found


def test_rows_without_a_record_in_memory_are_noted(tmp_path):
    records = [(f"s{i}", dna(50, i)) for i in N]
    data = prepare((), tmp_path / "data", records=records, label_from=f"table:{table(tmp_path, numbers=range(25))}")
    assert any("5 of its 25 ids" in note for note in data.info["notes"])
    at = table(tmp_path, "S{}")
    message = message_of(prepare, (), tmp_path / "other", records=records, label_from=f"table:{at}", skip_unlabelled=True)
    assert "case" in message


@pytest.mark.parametrize("head", ["id,sample,label", ",sample,label", "number,sample,class"])
def test_column_that_has_the_ids_is_found_and_can_be_named(head, tmp_path):
    at = tmp_path / "t.csv"
    at.write_text(head + "\n" + "".join(f"{i},s{i},{'ab'[i % 2]}\n" for i in N))
    path = fasta(tmp_path)
    assert "id_column='sample'" in message_of(labels, path, at)
    assert labels(path, at, id_column="sample") == ["a", "b"] * 10
    notes = prepare(path, tmp_path / "data", label_from=f"table:{at}", id_column="sample").info["notes"]
    assert not any("no effect" in note for note in notes)
    notes = prepare(path, tmp_path / "other", id_column="sample").info["notes"]
    assert any("--id-column had no effect" in note for note in notes)


@pytest.mark.parametrize("form", ["csv", "tsv", "stdin"])
def test_records_without_ids_cannot_match(form, tmp_path, monkeypatch):
    cell = "\t" if form == "tsv" else ","
    content = f"sequence{cell}key\n" + "".join(f"{dna(50, i)}{cell}s{i}\n" for i in N)
    path = tmp_path / f"x.{form}"
    path.write_text(content)
    if form == "stdin":
        standard_input(monkeypatch, content.encode())
        path = "-"
    at = table(tmp_path)
    message = message_of(labels, path, at)
    assert "have no ids" in message or "has no ids" in message
    assert "row-1" in message and "id_column" in message
    if form != "stdin":
        assert labels(path, at, id_column="key") == ["a", "b"] * 10


@pytest.mark.parametrize(("parameter", "values"), [("group_from", "gh"), ("split_from", ["train", "test"])])
def test_ids_of_tables_of_groups_and_splits_are_compared_alike(parameter, values, tmp_path):
    path = fasta(tmp_path, extra=" label=a")
    at = table(tmp_path, "S{}", column=parameter.removesuffix("_from"), values=values)
    message = message_of(prepare, path, tmp_path / "data", split="1,0,0", **{parameter: f"table:{at}"})
    assert "none of the 20 records" in message and "case" in message and "skip_unlabelled" not in message


def test_later_damage_of_a_file_does_not_hide_that_ids_differ(tmp_path):
    path = fasta(tmp_path)
    path.write_text(path.read_text() + ">\nACGT\n")
    assert "none of the 20 records" in message_of(labels, path, table(tmp_path, "S{}"))


def test_several_files_are_counted_together(tmp_path):
    paths = [fasta(tmp_path), fasta(tmp_path, "S{}", name="y.fa")]
    message = message_of(read, *paths, label_from=f"table:{table(tmp_path)}")
    assert "y.fa: record 'S0'" in message and "20 of 40 records have no row" in message


@pytest.mark.parametrize(
    ("location", "expected"),
    [("t.csv:a:b", "p"), ("t.csv:A:B", "p"), ("t.csv:label", "x"), ("t.csv", "x"), ("odd:t.csv:a:b", "p"), ("odd:t.csv", "x")],
)
def test_names_of_files_and_columns_may_have_colons(location, expected, tmp_path):
    content = "id,a:b,label\n" + "".join(f"s{i},p,x\n" for i in N)
    for name in ("t.csv", "odd:t.csv", "C:\\x\\t.csv"):
        (tmp_path / name).write_text(content)
    assert labels(fasta(tmp_path), f"{tmp_path}/{location}")[0] == expected


def test_paths_of_windows_and_of_the_home_folder_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = fasta(tmp_path)
    for name in ("C:\\x\\t.csv", "t.csv"):
        (tmp_path / name).write_text("id,label\n" + "".join(f"s{i},x\n" for i in N))
    for location in ("C:\\x\\t.csv", "C:\\x\\t.csv:label", "~/t.csv", "~/t.csv:label"):
        assert labels(path, location)[0] == "x"


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ("t.csv:x:y", ["'x:y'", "id, a:b, label"]),
        ("D:\\x\\labels.csv:label", ["'D:\\x\\labels.csv'"]),
        ("D:\\x\\labels.csv", ["'D:\\x\\labels.csv'"]),
        ("D:/x/labels.csv:a:b", ["'D:/x/labels.csv'"]),
        ("tt.csv:label", ["'tt.csv'", "'t.csv'"]),
        ("https://example.org/t.csv:label", ["download"]),
        (".", ["is a folder"]),
    ],
)
def test_table_that_cannot_be_found_is_explained(location, wanted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("id,a:b,label\ns0,p,x\n")
    message = message_of(labels, fasta(tmp_path), location)
    for part in wanted:
        assert part in message


def test_table_without_ids_is_explained(tmp_path):
    (tmp_path / "t.csv").write_text("label\na\nb\n")
    assert "no column holds the ids" in message_of(labels, fasta(tmp_path), tmp_path / "t.csv")


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_ids_that_readers_make_are_not_repeated_ids(ending, tmp_path):
    row = {"csv": "{0},{1}", "tsv": "{0}\t{1}", "jsonl": '{{"text": "{0}", "label": "{1}"}}'}[ending]
    head = [] if ending == "jsonl" else [row.format("text", "label")]
    paths = [tmp_path / f"{name}.{ending}" for name in "xy"]
    for path in paths:
        path.write_text("\n".join([*head, *(row.format(dna(50, path.name + str(i)), "ab"[i % 2]) for i in N)]) + "\n")
    assert not any("id of an earlier" in note for note in prepare(paths, tmp_path / "data").info["notes"])
    own = tmp_path / "own.csv"
    write_table(own, [{"id": f"s{i // 2}" if i < 10 else "", "text": dna(50, i), "label": "ab"[i % 2]} for i in N])
    notes = prepare(own, tmp_path / "own").info["notes"]
    assert any("5 records have the id of an earlier record" in note for note in notes)


@pytest.mark.parametrize(
    ("records", "rows"),
    [(["P00007.1"], ["P99999.1"]), (["NM_17.2", "NM_18.2"], ["XR_44.2", "XR_45.2"]), (["s7"], ["t 7"]), (["a1b2"], ["c3d2"])],
)
def test_ids_of_other_records_are_not_called_another_form(records, rows):
    found = find_difference(records, rows)
    assert found is None, found

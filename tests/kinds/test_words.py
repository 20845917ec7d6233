"""The alphabet "words": white space parts them, the training split says which there are, others are UNK."""

from collections import Counter

import pytest
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data.vocabulary import make_vocabulary
from seqmix.models.predictor import Tally
from tests.support import train_tiny
from tests.support.kinds import COMMON, OWN
from tests.support.kinds import word_rows as rows
from tests.support.preparing import message_of, prepare, write_jsonl, write_table

KIND = "words"


def decoded(data):
    return {name: data.vocabulary.decode(data.tokens(i)) for i, name in enumerate(data.ids())}


def test_words_round_trip_with_single_spaces(data):
    assert decoded(data) == {row["id"]: " ".join(row["text"].split()) for row in rows(60)}
    assert data.info["vocabulary"]["symbols"] == sorted({*COMMON, *OWN["cooking"], *OWN["sailing"]})
    assert data.info["characters"] == sum(len(row["text"].split()) for row in rows(60))


def test_words_differ_by_case_and_punctuation(tmp_path):
    made = [{"text": "Salt salt, salt [MAX 2 ]", "label": "ab"[i % 2], "n": i} for i in range(8)]
    made = [row | {"text": f"{row['text']} {'ab'[i % 2] * i}"} for i, row in enumerate(made)]
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", alphabet="words", split="1,0,0")
    assert {"Salt", "salt,", "salt", "[MAX", "2", "]"} <= set(data.vocabulary.symbols)


@pytest.mark.parametrize("policy", ["map", "drop"])
def test_words_not_in_training_are_unknown(policy, tmp_path):
    made = [row | {"part": ["train", "val", "test"][i // 2 % 3]} for i, row in enumerate(rows(30))]
    made = [row | {"text": row["text"] + " quark"} if row["part"] == "test" else row for row in made]
    path = write_table(tmp_path / "x.csv", made)
    data = prepare(path, tmp_path / "data", alphabet="words", split_from="column:part", unknown=policy)
    assert "quark" not in data.vocabulary.symbols and data.info["replaced"] == {"quark": 10}
    last = {name: text.split()[-1] for name, text in decoded(data).items()}
    for row in made:
        expected = "UNK" if policy == "map" else row["text"].split()[-2]
        assert last[row["id"]] == (expected if row["part"] == "test" else row["text"].split()[-1])


def test_unknown_word_can_be_an_error(tmp_path):
    made = [row | {"part": ["train", "test"][i // 2 % 2]} for i, row in enumerate(rows(20))]
    made[2]["text"] = "the quark"
    path = write_table(tmp_path / "x.csv", made)
    message = message_of(prepare, path, tmp_path / "d", alphabet="words", split_from="column:part", unknown="error")
    assert "record 'r2'" in message and "'quark' at position 2" in message


def test_most_frequent_words_are_kept_if_there_are_too_many(tmp_path):
    most, n = (1 << 16) - 3, 2800  # two bytes hold no more; 24 of the records are for training
    made = [{"text": f"often {' '.join(f'w{i}-{j}' for j in range(n))} often", "label": "ab"[i % 2]} for i in range(40)]
    data = prepare(write_jsonl(tmp_path / "x.jsonl", made), tmp_path / "data", alphabet="words")
    assert len(data.info["vocabulary"]["symbols"]) == most and "often" in data.vocabulary.symbols
    assert data.vocabulary.dtype.__name__ == "uint16"
    assert (
        sum(text.split().count("UNK") for text in decoded(data).values())
        == 40 * n - (most - 1)
        == sum(data.info["replaced"].values())
    )


def test_lengths_and_truncation_count_words(file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    data = prepare(file, tmp_path / "data", alphabet="words", max_length=5, truncate="end")
    assert decoded(data) == {row["id"]: " ".join(row["text"].split()[-5:]) for row in rows(60)}
    arguments = ["prepare", file, "-o", tmp_path / "cli", "--alphabet", "words", "--max-length", "5"]
    shown = CliRunner().invoke(app, [*map(str, arguments)]).stderr
    shown = " ".join(shown.split())
    assert "300 words, alphabet words" in shown and "lengths in words" in shown and "cut to 5 words (start kept)" in shown
    assert "character" not in shown


def test_text_without_words_is_an_error(tmp_path):
    path = write_jsonl(tmp_path / "x.jsonl", [*rows(10), {"id": "blank", "text": " \n ", "label": "cooking"}])
    assert "record 'blank'" in (told := message_of(prepare, path, tmp_path / "data", alphabet="words")) and "no text" in told
    assert len(prepare(path, tmp_path / "data", alphabet="words", min_length=1)) == 10


def test_unknown_words_are_counted_in_predicting(run, file, tmp_path):
    tally = Tally()
    new = write_jsonl(tmp_path / "new.jsonl", [{"id": "a", "text": "the quark wind\u00a0rope quark charm mast"}])
    (found,) = seqmix.predict(new, run, tally=tally)
    assert (found.label, found.length) == ("sailing", 7)
    assert tally.replaced == {"quark": 2, "charm": 1}
    assert tally.lines(run.config.data, "word") == ["3 words are not in the model's alphabet: 'quark' 2, 'charm' 1"]
    right = [p.label == row["label"] for p, row in zip(seqmix.predict(file, run), rows(60), strict=True)]
    assert sum(right) > 55


def test_command_reports_words(run, file, tmp_path):
    new = write_jsonl(tmp_path / "new.jsonl", [{"text": "quark " * 3}])
    said = CliRunner().invoke(app, ["predict", str(new), "--run", str(run.path)])
    assert said.exit_code == 0 and "3 words are not in the model's alphabet" in said.stderr


def test_kmer_branch_is_refused_for_words(data, tmp_path):
    assert "need DNA or proteins" in message_of(train_tiny, data, tmp_path / "run", kmer=2)


def test_unknown_words_are_not_stored():
    words = make_vocabulary("words", symbols=["a", "b"])
    counts = Counter()
    for i in range(50):
        assert words.encode(f"a new{i} b", counts, "x").tolist() == [3, 2, 4]
    assert counts["new49"] == 1 and words._numbers.size == 2

"""The alphabet "subwords": pieces of words, learned from the training split, that every text can be written with."""

import json
import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.data import finalize
from seqmix.data.vocabulary import Subwords, make_vocabulary, new_encoder, vocabulary_of
from tests.support import train_tiny
from tests.support.kinds import word_pair_rows
from tests.support.kinds import word_rows as rows
from tests.support.preparing import decoded, message_of, prepare, write_jsonl, write_table

KIND = "subwords"
STRANGE = [
    "",
    "  two  spaces,\ttabs\r\n\r\nand a last line  ",
    "naïve café ÅÄÖ, Ünïcode",
    "日本語のテキスト、句読点。",
    "हिन्दी में विराम",
    "🙂👩‍👩‍👧 emoji🙂glued",
    "\0\x01\x7f \ufffd \u2028 end",
    "snake_case __init__ 3.14e-10 don't",
    "A" * 500,
    " " * 200 + "x",
]


@pytest.fixture(scope="module")
def vocabulary():
    return new_encoder("subwords", size=400).vocabulary(row["text"] for row in rows(200))


def encode(vocabulary, text):
    replaced = Counter()
    tokens = vocabulary.encode(text, replaced, "x")
    assert not replaced and tokens.dtype == np.uint16
    return tokens


@pytest.mark.parametrize("text", STRANGE)
def test_every_text_is_written_without_loss(text, vocabulary):
    for one in (vocabulary, make_vocabulary("subwords")):
        tokens = encode(one, text)
        assert one.decode(tokens) == text
        assert not len(tokens) or (tokens.min() >= 2 and tokens.max() < len(one))


def test_a_word_that_was_not_met_is_written_with_pieces_and_bytes(vocabulary):
    assert len(encode(vocabulary, " salt")) == 1
    assert 1 < len(encode(vocabulary, " salty")) < 6
    assert len(encode(vocabulary, "🙂")) == 4
    assert vocabulary.decode(encode(vocabulary, "🙂")[:3]) == "\ufffd"


def test_spellings_are_the_text_as_far_as_characters_are_whole(vocabulary):
    spelled = ["\ufffd", "\ufffd", *vocabulary.spellings]  # of PAD and CLS, which do not occur
    assert "".join(spelled[token] for token in encode(vocabulary, "salt, Ünïcode x2")) == "salt, Ünïcode x2"
    emoji = [spelled[token] for token in encode(vocabulary, "🙂")]
    assert len(emoji) == 4 and "".join(emoji).isalpha() and len(set(spelled[2:])) == len(vocabulary.symbols)


def test_composed_and_decomposed_characters_are_the_same(vocabulary):
    assert encode(vocabulary, "U\u0308ni\u0308code").tolist() == encode(vocabulary, "Ünïcode").tolist()


def test_pieces_are_those_of_the_library(vocabulary):
    # The library's own encoder, given our words: it is to join the same pairs in the same order.
    symbols = {symbol: token for token, symbol in enumerate(vocabulary.symbols, 2)}
    oracle = Tokenizer(models.BPE(symbols, [tuple(pair.split(" ")) for pair in vocabulary.merges]))
    oracle.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    rng = random.Random(0)
    words = [" " * (i % 2) + "".join(rng.choices("saltmandhropeü3🙂", k=rng.randint(1, 12))) for i in range(500)]
    for word in words + [word for row in rows(20) for word in row["text"].split()]:
        if word.strip().isalpha():
            assert encode(vocabulary, word).tolist() == oracle.encode(word).ids, word


def test_size_is_kept_and_ids_follow_the_special_tokens(vocabulary):
    assert len(vocabulary.symbols) == len(set(vocabulary.symbols)) <= 400
    assert len(vocabulary) == len(vocabulary.symbols) + 2
    assert len(new_encoder("subwords", size=300).vocabulary(row["text"] for row in rows(200)).symbols) == 300


def test_vocabulary_depends_on_texts_alone(vocabulary):
    texts = [row["text"] for row in rows(200)]
    assert new_encoder("subwords", size=400).vocabulary(reversed(texts)).merges == vocabulary.merges
    code = (
        "import sys, json\nfrom seqmix.data.vocabulary import new_encoder\n"
        "print(json.dumps(new_encoder('subwords', size=400).vocabulary(json.load(sys.stdin)).merges))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=json.dumps(texts), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == vocabulary.merges


def test_words_that_are_remembered_are_bounded(vocabulary, monkeypatch):
    monkeypatch.setattr("seqmix.data.vocabulary.subwords._REMEMBERED", 10)
    fresh = Subwords(merges=vocabulary.merges)
    for row in rows(50):
        assert encode(fresh, row["text"]).tolist() == encode(vocabulary, row["text"]).tolist()
        assert len(fresh._words) <= 10


# Preparing.


def test_texts_round_trip_through_a_data_set(data):
    assert decoded(data) == {row["id"]: row["text"] for row in rows(60)}
    assert data.vocabulary.dtype is np.uint16 and data.vocabulary.noun == "subword"
    assert data.info["characters"] == data.offsets[-1] < sum(len(row["text"]) for row in rows(60)) / 2
    assert vocabulary_of(data.info["vocabulary"]).merges == data.info["vocabulary"]["merges"] == data.vocabulary.merges


def test_the_same_input_gives_the_same_data_set(data, file, tmp_path):
    assert prepare(file, tmp_path / "again", alphabet="subwords").fingerprint == data.fingerprint


def test_only_the_training_split_is_learned_from(tmp_path):
    made = [row | {"part": ["train", "val", "test"][i // 2 % 3]} for i, row in enumerate(rows(60))]
    plain = prepare(write_jsonl(tmp_path / "a.jsonl", made), tmp_path / "a", alphabet="subwords", split_from="column:part")
    other = [row if row["part"] == "train" else row | {"text": f"{row['text']} zyzzyva zyzzyva"} for row in made]
    found = prepare(write_jsonl(tmp_path / "b.jsonl", other), tmp_path / "b", alphabet="subwords", split_from="column:part")
    assert found.vocabulary.merges == plain.vocabulary.merges
    assert decoded(found) == {row["id"]: row["text"] for row in other}
    taught = [row | {"text": f"{row['text']} zyzzyva"} for row in made]
    taught = prepare(write_jsonl(tmp_path / "c.jsonl", taught), tmp_path / "c", alphabet="subwords", split_from="column:part")
    assert any("zyzzyva" in symbol for symbol in taught.vocabulary.symbols)


@pytest.mark.parametrize("truncate", ["start", "end", "middle"])
def test_lengths_count_subwords(truncate, data, file, tmp_path):
    whole = {name: data.tokens(i) for i, name in enumerate(data.ids())}
    cut = prepare(file, tmp_path / "data", alphabet="subwords", max_length=12, min_length=8, truncate=truncate)
    expected = {name: tokens for name, tokens in whole.items() if len(tokens) >= 8}
    assert 0 < len(expected) < 60
    assert cut.info["dropped"]["shorter than min_length"] == 60 - len(expected)
    assert cut.info["truncated"] == sum(len(tokens) > 12 for tokens in expected.values())
    assert cut.vocabulary.merges == data.vocabulary.merges
    for i, name in enumerate(cut.ids()):
        excess = max(0, len(expected[name]) - 12)
        start = {"start": 0, "end": excess, "middle": excess // 2}[truncate]
        assert cut.tokens(i).tolist() == expected[name][start:][:12].tolist()


def test_command_speaks_of_subwords(file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    arguments = ["prepare", file, "-o", tmp_path / "cli", "--alphabet", "subwords", "--vocabulary-size", 300]
    said = CliRunner().invoke(app, [*map(str, arguments), "--max-length", "5"])
    shown = " ".join(said.stderr.split())
    assert said.exit_code == 0
    assert "300 subwords, alphabet subwords" in shown and "lengths in subwords" in shown and "cut to 5 subwords" in shown
    assert "character" not in shown
    assert len(seqmix.Dataset.open(tmp_path / "cli").vocabulary.symbols) <= 300


def test_nothing_left_is_explained(file, tmp_path):
    message = message_of(prepare, file, tmp_path / "data", alphabet="subwords", min_length=1000)
    assert "no record is left: 60 were shorter than min_length=1000" in message
    assert not (tmp_path / "data").exists()


def test_empty_text_is_an_error(tmp_path):
    path = write_table(tmp_path / "x.csv", [*rows(10), {"id": "blank", "text": "", "label": "cooking"}])
    assert "record 'blank'" in message_of(prepare, path, tmp_path / "data", alphabet="subwords")
    assert len(prepare(path, tmp_path / "data", alphabet="subwords", min_length=1)) == 10


def test_vocabulary_size_needs_the_alphabet(file, tmp_path):
    message = message_of(prepare, file, tmp_path / "data", alphabet="words", vocabulary_size=1000)
    assert "vocabulary_size" in message and "alphabet='subwords'" in message
    assert "from 256" in message_of(prepare, file, tmp_path / "data", alphabet="subwords", vocabulary_size=100)


def test_missing_library_is_explained_and_not_needed_to_encode(run, monkeypatch, file, tmp_path):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    message = message_of(prepare, file, tmp_path / "data", alphabet="subwords")
    assert "pip install tokenizers" in message and not (tmp_path / "data").exists()
    assert len(list(seqmix.predict(file, run))) == 60


def test_much_text_is_learned_from_in_part(file, data, tmp_path, monkeypatch):
    monkeypatch.setattr(finalize, "_LEARNED_FROM", 500)
    part = prepare(file, tmp_path / "data", alphabet="subwords")
    assert decoded(part) == decoded(data) and len(part.vocabulary) < len(data.vocabulary)


def test_folders_pairs_and_records_in_memory_have_subwords(tmp_path):
    for row in rows(20):
        (tmp_path / "texts" / row["label"]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / row["label"] / f"{row['id']}.txt").write_text(row["text"], encoding="utf-8")
    folder = prepare(tmp_path / "texts", tmp_path / "folder", alphabet="subwords")
    assert sorted(decoded(folder).values()) == sorted(row["text"] for row in rows(20))
    memory = prepare(records=rows(20), output=tmp_path / "memory", alphabet="subwords")
    assert decoded(memory) == {row["id"]: row["text"] for row in rows(20)}
    pairs = [{name: value for name, value in row.items() if name != "y"} for row in word_pair_rows(20)]
    made = prepare(write_jsonl(tmp_path / "p.jsonl", pairs), tmp_path / "pairs", alphabet="subwords", pair_column="second")
    assert [(one.text, one.pair) for one in made] == [(row["text"], row["second"]) for row in pairs]


def test_sequences_lose_their_white_space_only(tmp_path):
    (tmp_path / "x.fa").write_text("".join(f">s{i} label={'ab'[i % 2]}\nACGTAC\nGT{'AC'[i % 2]}A\n" for i in range(12)))
    made = prepare(tmp_path / "x.fa", tmp_path / "data", alphabet="subwords", split="1,0,0")
    assert set(decoded(made).values()) == {"ACGTACGTAA", "ACGTACGTCA"}


# Training and predicting.


def test_run_predicts_new_words_and_characters(run, tmp_path):
    text = "salty🙂 pepperoni,\n simmering onions"
    new = write_jsonl(tmp_path / "new.jsonl", [{"id": "a", "text": text}])
    (found,) = seqmix.predict(new, run)
    (again,) = run.predict([text])
    assert found.probabilities == again.probabilities
    assert found.length == len(vocabulary_of(run.info["vocabulary"]).encode(text, Counter(), "x"))


def test_estimator_takes_subwords():
    texts, labels = zip(*((row["text"], row["label"]) for row in rows(40)), strict=True)
    model = seqmix.SeqmixClassifier(
        alphabet="subwords", mixer="conv", epochs=1, config={"model": {"d_model": 8}}, random_state=0
    )
    assert model.fit(texts, labels).predict_proba(["salt 🙂"]).shape == (1, 2)


def test_data_for_evaluation_use_the_vocabulary_of_the_run(run, data, tmp_path):
    new = write_jsonl(tmp_path / "new.jsonl", rows(30, seed=5))
    found = seqmix.evaluate(run, data=new, output=tmp_path / "out", baselines=False, resamples=10)
    assert found.scores["accuracy"].value > 0.7
    assert "need DNA or proteins" in message_of(train_tiny, data, tmp_path / "run", kmer=2)

"""Records that are pairs of texts, from `prepare` to `predict`: two towers and one answer."""

import pytest
import torch
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.evaluation.baselines import baseline_scores
from seqmix.models.classifier import SequenceClassifier
from tests.support import new_model, train_tiny, values, write_fasta
from tests.support.kinds import pair_rows as rows
from tests.support.preparing import message_of, prepare, reverse_complement, write_jsonl, write_table

KIND = "pairs"

# Preparing.


def test_both_texts_are_stored_one_after_the_other(data):
    made = {row["id"]: row for row in rows(120)}
    assert (data.n_sequences, len(data), len(data.offsets)) == (2, 120, 241)
    assert data.info["paired"] is True
    for i, name in enumerate(data.ids()):
        assert [data.vocabulary.decode(part) for part in data.sequences(i)] == [made[name]["text"], made[name]["text2"]]
        assert data.lengths[i] == max(len(made[name]["text"]), len(made[name]["text2"]))
        assert data.classes[data.labels[i]] == made[name]["label"]
    assert data.info["characters"] == sum(len(row["text"]) + len(row["text2"]) for row in rows(120))


def test_tables_count_pairs(file, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    arguments = ["prepare", file, "-o", tmp_path / "data", "--pair-column", "text2"]
    shown = CliRunner().invoke(app, [*map(str, arguments)]).stderr
    assert "120 pairs" in shown and "alphabet dna" in shown


@pytest.mark.parametrize(("truncate", "kept"), [("start", slice(None, 12)), ("end", slice(-12, None))])
def test_each_text_is_truncated(truncate, kept, file, tmp_path):
    data = prepare(file, tmp_path / "data", pair_column="text2", max_length=12, truncate=truncate)
    made = {row["id"]: row for row in rows(120)}
    for i, name in enumerate(data.ids()):
        expected = [made[name]["text"][kept], made[name]["text2"][kept]]
        assert [data.vocabulary.decode(part) for part in data.sequences(i)] == expected
    assert data.info["truncated"] == 120


def test_pair_with_one_short_text_is_dropped(file, tmp_path):
    data = prepare(file, tmp_path / "data", pair_column="text2", min_length=20)
    expected = sum(min(len(row["text"]), len(row["text2"])) >= 20 for row in rows(120))
    assert len(data) == expected == 120 - data.info["dropped"]["shorter than min_length"]


def test_equal_pairs_stay_together(tmp_path):
    made = rows(40)
    again = [row | {"id": f"again-{row['id']}", "text": reverse_complement(row["text"])} for row in made]
    turned = [row | {"id": f"turned-{row['id']}", "text": row["text2"], "text2": row["text"]} for row in made]
    half = [row | {"id": f"half-{row['id']}", "text2": "ACGT"} for row in made]
    data = prepare(write_table(tmp_path / "x.csv", made + again + turned + half), tmp_path / "data", pair_column="text2")
    split = dict(zip(data.ids(), data.split.tolist(), strict=True))
    assert all(split[row["id"]] == split[f"again-{row['id']}"] for row in made)
    assert all(split[row["id"]] == split[f"turned-{row['id']}"] for row in made)
    assert any(split[row["id"]] != split[f"half-{row['id']}"] for row in made)  # one text alone does not bind
    assert data.info["duplicates"]["records"] == 120


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"text": "ACGT", "text2": ""}, "'x'.*no second text"),
        ({"text": "", "text2": "ACGT"}, "'x'.*no text"),
        ({"text": "ACGT", "text2": "AC!T"}, "'x'.*'!' at position 3"),
    ],
)
def test_bad_pair_is_explained(row, words, tmp_path):
    path = write_table(tmp_path / "x.csv", [*rows(10), {"id": "x", **row, "label": "same"}])
    with pytest.raises(seqmix.SeqmixError, match=words):
        prepare(path, tmp_path / "data", pair_column="text2", alphabet="dna")


def test_row_without_second_text_is_an_error(tmp_path):
    (tmp_path / "x.csv").write_text("text,label,text2\nACGT,a,ACGT\nACGT,b\n")
    assert "line 3: the row has 2 cells, not the 3 of the header" in message_of(
        prepare, tmp_path / "x.csv", tmp_path / "d", pair_column="text2"
    )
    path = write_jsonl(tmp_path / "x.jsonl", [{"text": "ACGT", "text2": "A", "label": "a"}, {"text": "ACGT", "label": "b"}])
    assert "line 2: there is no 'text2'" in message_of(prepare, path, tmp_path / "d", pair_column="text2")


def test_mixing_pairs_and_single_texts_is_an_error(file, two_class_files, tmp_path):
    assert "the others are each a pair" in message_of(prepare, [file, two_class_files[0]], tmp_path / "d", pair_column="text2")
    assert "the others are each one text" in message_of(
        prepare, [two_class_files[0], file], tmp_path / "d", pair_column="text2", label_from="file"
    )
    message = message_of(prepare, file, tmp_path / "d", pair_column="second")
    assert "no column 'second' for pair_column; the columns are: id, text, text2, label" in message


def test_pair_column_without_table_is_noted(two_class_files, tmp_path):
    data = prepare(two_class_files, tmp_path / "data", pair_column="text2")
    assert data.n_sequences == 1 and any("--pair-column had no effect" in note for note in data.info["notes"])


# The model.


def model(**options):
    torch.manual_seed(0)
    given = {"vocab_size": 7, "n_classes": 2, "max_length": 20, "mixer": "conv", "d_model": 4, "paired": True} | options
    return new_model(**given)


def test_head_sees_both_product_and_difference():
    two, seen = model().eval(), []
    two.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    ids = torch.randint(2, 6, (6, 20))
    mask = torch.arange(20) < torch.tensor([20, 11, 5, 8, 20, 3])[:, None]
    assert two(ids, mask).shape == (3, 2)
    pooled = two.pool(two.features(ids, mask), mask)
    a, b = pooled[:3], pooled[3:]
    torch.testing.assert_close(seen[0], torch.cat((a, b, a * b, a - b), 1))


def test_both_texts_of_a_pair_use_the_same_branch():
    two, seen = model(words=2, d_words=3).train(), []
    two.dropout_branch = 1.0  # always one of the two
    two.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    ids = torch.randint(2, 6, (128, 20))
    two(ids, torch.ones(128, 20, dtype=torch.bool))
    a, b = seen[0][:, :7], seen[0][:, 7:14]
    for side in (a, b):
        assert ((side[:, :4] == 0).all(1) ^ (side[:, 4:] == 0).all(1)).all()
    assert torch.equal((a[:, :4] == 0).all(1), (b[:, :4] == 0).all(1))
    assert 16 < (a[:, :4] == 0).all(1).sum() < 48


# Training.


@pytest.mark.parametrize(
    "options",
    [
        {"settings": ["model.words=2", "model.d_words=8"]},
        {"settings": ["model.lexical=none"], "kmer": 2},
        {"settings": ["model.lexical=none"], "pooling": "flat", "max_length": 20},
        {"settings": ["model.lexical=none", "training.crop=0.3", "training.reverse_complement=0.5"], "pooling": "cls"},
        {"settings": ["model.lexical=none"], "mixer": "paramixer", "class_weights": "balanced"},
    ],
    ids=["words", "kmer", "flat", "cls", "paramixer"],
)
def test_pairs_of_dna_work_with_every_kind_of_model(options, data, file, tmp_path):
    given = {"mixer": "conv", "epochs": 1, "tokens_per_batch": 512} | options
    run = seqmix.train(data, tmp_path / "run", **given | {"settings": ["model.d_model=8", *options["settings"]]})
    assert values(seqmix.evaluate(run, baselines=False, resamples=2))["accuracy"] >= 0
    one = [p.probabilities["same"] for p in seqmix.predict(file, run)]
    several = [p.probabilities["same"] for p in seqmix.predict(file, run, batch_size=1)]
    assert several == pytest.approx(one, abs=1e-5)


def test_tokens_per_batch_counts_both_texts(data, tmp_path):
    sizes = []
    original = SequenceClassifier.forward

    def forward(self, ids, mask):
        sizes.append(mask.numel())
        return original(self, ids, mask)

    SequenceClassifier.forward = forward
    try:
        train_tiny(data, tmp_path / "run", epochs=1, tokens_per_batch=200)
    finally:
        SequenceClassifier.forward = original
    assert max(sizes) <= 200


# Evaluating.


def test_model_of_pairs_refuses_single_texts(run, trained, file, tmp_path):
    path = write_fasta(tmp_path / "x.fa", [("a label=same", "ACGT"), ("b label=other", "ACGT")])
    message = message_of(seqmix.evaluate, run, data=[path], label_from="header:label", output=tmp_path / "none")
    assert "the records are single texts, and the model was trained on pairs of texts" in message
    assert "pair_column" in message_of(lambda: list(seqmix.predict(path, run)))
    assert not (tmp_path / "none").exists()


def test_model_of_single_texts_refuses_pairs(trained, file, tmp_path):
    release = tmp_path / "tsv_data"
    release.mkdir()
    for split in ("train", "eval", "test"):
        lines = [f"{i % 2}.0\tp{i}\tq{i}\tACGTAC\tGGTTAC{'A' * i}" for i in range(6)]
        (release / f"new_aan_pairs.{split}.tsv").write_text("\n".join(lines) + "\n")
    message = message_of(
        seqmix.evaluate,
        trained,
        data=[release],
        read=seqmix.data.options.ReadOptions(label_from="column:label"),
        output=tmp_path / "none",
    )
    assert "the records are pairs of texts, and the model was trained on single texts" in message
    read = seqmix.inference.predict.reading_options(trained, pair_column="text2")
    assert "leave out pair_column" in message_of(lambda: list(seqmix.predict(file, trained, read=read)))


def test_baselines_see_products_and_distances(data, tmp_path):
    found = baseline_scores(data)
    assert found["4-mers"]["accuracy"] > 0.7 > found["length only"]["accuracy"]
    texts = [row | {name: " ".join(row[name]) for name in ("text", "text2")} for row in rows(120)]
    for alphabet, method in (("words", "word 1-2-grams"), ("chars", "character 1-4-grams")):
        path = write_table(tmp_path / "t.csv", texts)
        other = prepare(path, tmp_path / alphabet, pair_column="text2", alphabet=alphabet, split="0.7,0,0.3")
        assert baseline_scores(other)[method]["accuracy"] > 0.8


# Predicting.


def predicted(*arguments, code=0):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stderr if code else result.stdout


def test_predictions_have_both_lengths(run, file):
    first, row = next(seqmix.predict(file, run)), rows(1)[0]
    assert (first.length, first.pair_length) == (len(row["text"]), len(row["text2"]))
    line = predicted(file, "--run", run.path).splitlines()[1].split("\t")
    assert line[:3] == ["r0", str(first.length), str(first.pair_length)]
    assert "record '0': the model was trained on pairs" in message_of(run.predict, ["one"])


def test_pair_column_can_be_named(run, file, tmp_path):
    renamed = [{"id": r["id"], "text": r["text"], "other": r["text2"]} for r in rows(120)]
    path = write_table(tmp_path / "x.csv", renamed)
    assert "there is no column 'text2'" in predicted(path, "--run", run.path, code=1)
    assert predicted(path, "--run", run.path, "--pair-column", "other") == predicted(file, "--run", run.path)


def test_symmetric_model_ignores_order_of_texts(run, tmp_path):
    turned = [row | {"text": row["text2"], "text2": row["text"]} for row in rows(20)]
    there = [p.label for p in seqmix.predict(write_table(tmp_path / "a.csv", rows(20)), run)]
    back = [p.label for p in seqmix.predict(write_table(tmp_path / "b.csv", turned), run)]
    assert there == back == [row["label"] for row in rows(20)]  # here it has learned that it does not

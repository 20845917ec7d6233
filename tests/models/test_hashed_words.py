"""Models whose tokens are hashed words: the same words are the same tokens, in any alphabet and any batch."""

import random
from collections import Counter

import pytest
import torch

import seqmix
from seqmix.config import ModelConfig
from seqmix.data.batching import collate
from seqmix.data.vocabulary import make_vocabulary
from seqmix.errors import ConfigError
from seqmix.models.classifier import SequenceClassifier
from seqmix.models.inputs import InputSpec
from seqmix.models.spelling import HashedWords
from seqmix.training.default_recipe import has_words
from tests.support import new_model

LETTERS = "abcdefghijklmnopqrstuvwxyzABC .,"
TEXT = make_vocabulary("chars", symbols=LETTERS)
NOUNS = {"sea": ["ship", "wave", "sail", "tide"], "land": ["tree", "road", "hill", "farm"]}


def encoded(vocabulary, text):
    return vocabulary.encode(text, Counter(), "")


def tokens(vocabulary, texts, **options):
    batch = collate([encoded(vocabulary, text) for text in texts])
    ids, mask = HashedWords(vocabulary.spellings, vocabulary.first, 1 << 12)(batch.ids, batch.mask, **options)
    return [row[kept].tolist() for row, kept in zip(ids, mask, strict=True)]


def model(**options):
    torch.manual_seed(0)
    config = ModelConfig(max_length=60, d_model=8, mixer="conv", stem="none", hashed_words=64, **options)
    return SequenceClassifier(config, InputSpec.of(TEXT, paired=False), 2).eval()


def test_words_are_the_same_in_every_alphabet():
    texts = ["a ship, a sail", "the road"]
    assert tokens(TEXT, texts) == tokens(make_vocabulary("bytes"), texts)
    words = make_vocabulary("words", symbols=["a", "ship,", "sail", "the", "road"])
    assert tokens(TEXT, texts) == tokens(words, texts)


@pytest.mark.parametrize("text", ["A Ship  a\tsail", " a ship a sail ", "a ship\na sail"])
def test_case_and_white_space_make_no_difference(text):
    vocabulary = make_vocabulary("chars", symbols=LETTERS + "\t\nS")
    assert tokens(vocabulary, [text]) == tokens(vocabulary, ["a ship a sail"])


@pytest.mark.parametrize("pooling", ["mean", "mean-max", "cls", "flat"])
def test_output_depends_on_own_text_only(pooling):
    built = model(pooling=pooling).double()
    texts = ["ship", "a ship, and a sail. ", "   ", "", "hill " * 10]
    rows = [encoded(TEXT, text) for text in texts if text]
    cls = pooling == "cls"
    together = collate(rows, cls=cls)
    found = built(together.ids.masked_fill(~together.mask, 5), together.mask)
    assert torch.isfinite(found).all()
    for row, answer in zip(rows, found, strict=True):
        alone = collate([row], cls=cls)
        torch.testing.assert_close(built(alone.ids, alone.mask)[0], answer, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"hashed_words": 63, "spellings": "ab"}, r"hashed_words must be a power of two from 2 to 1,048,576, or 0: got 63"),
        ({"hashed_words": 1, "spellings": "ab"}, "a power of two"),
        ({"hashed_words": 1 << 21, "spellings": "ab"}, "from 0 to 1,048,576: got 2097152"),
        ({"hashed_words": 64}, "hashed_words = 64 needs texts"),
        ({"hashed_words": 64, "channels": 2}, "hashed_words = 64 needs texts"),
    ],
)
def test_hashed_words_are_a_power_of_two_and_need_texts(options, problem):
    with pytest.raises(ConfigError, match=problem):
        new_model(vocab_size=4, max_length=9, **options)


def prepared(texts, folder, **options):
    rows = [(f"r{i}", text, "ab"[i % 2]) for i, text in enumerate(texts)]
    return seqmix.prepare(records=rows, output=folder / "data", **{"alphabet": "chars", **options})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["The road is long.", "A ship at sea, far out"], True),
        (["x = 3 + y", "if y: return 7"], True),
        (["Der Überführungsversuch scheiterte", "daran, dass es regnete"], True),
        (["ACGTNNACGTTGCAGGCATTACGTTGCA", "GGCATTACCGGCATTACC"], False),
        (["\u6d77\u4e0a\u751f\u660e\u6708" * 9, "\u5929\u6daf\u5171\u6b64\u65f6" * 9], False),
        (["word", "another"], False),
        (["....", "?!"], False),
    ],
)
def test_texts_of_words_are_told_from_other_characters(texts, expected, tmp_path, shipped_recipes):
    data = prepared([f"{text}{' ' * i}" for i in range(10) for text in texts], tmp_path)
    assert has_words(data) is expected
    run = seqmix.train(data, tmp_path / "run", max_steps=1, lexical="none")
    assert (run.config.model.hashed_words > 0) is expected


def documents(count):
    rng = random.Random(0)
    for i in range(count):
        label = sorted(NOUNS)[i % 2]
        words = [rng.choice(["the", "of", "and", "some"]) for _ in range(rng.randint(8, 20))]
        words[rng.randrange(len(words))] = rng.choice(NOUNS[label])
        yield f"r{i}", " ".join(words), label


def test_default_learns_single_words_and_predicts_new_texts(tmp_path, shipped_recipes):
    data = seqmix.prepare(records=documents(300), output=tmp_path / "data")
    run = seqmix.train(data, tmp_path / "run", lexical="none", mixer="conv", lr=0.02, epochs=8)
    assert seqmix.evaluate(run, baselines=False, resamples=2).scores["accuracy"].value >= 0.85
    [answer] = run.predict([("new", "Some Tide, §§ of the")])
    assert answer.label == "sea"


def test_hidden_words_are_predicted_and_a_run_continues_from_there(tmp_path, shipped_recipes):
    data = seqmix.prepare(records=documents(200), output=tmp_path / "data")
    started = seqmix.pretrain(data, tmp_path / "pretrained", epochs=6, lr=0.02)
    assert started.config.model.hashed_words and started.config.training.mask_span >= 3
    losses = [line["train_loss"] for line in started.history()]
    assert losses[-1] < losses[0]
    run = seqmix.train(data, tmp_path / "run", init=started, epochs=1)
    assert run.config.model.hashed_words == started.config.model.hashed_words

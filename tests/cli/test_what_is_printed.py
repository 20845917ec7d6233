"""What commands print off a terminal: no blanks at the ends of lines, nothing that cannot be followed, and true defaults."""

import pytest
from typer.testing import CliRunner

from seqmix.cli import app
from seqmix.cli.options import PRETRAIN_FLAGS, TRAIN_FLAGS
from seqmix.models.prediction import Tally
from seqmix.recipes import read_recipe
from seqmix.training.keywords import keywords


def printed(*arguments, columns="80"):
    result = CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": columns})
    assert result.exit_code == 0, result.output
    return result.stderr


@pytest.fixture(scope="module")
def pretrained(dataset, tmp_path_factory):
    """The lines of a pretraining that learns nothing."""
    settings = [word for name in ("model.d_model=8", "training.lr=1e-12") for word in ("--set", name)]
    folder = tmp_path_factory.mktemp("pretrained") / "run"
    return printed("pretrain", dataset.path, "--mixer", "conv", "--epochs", 1, "-o", folder, *settings)


def test_pretraining_that_has_learned_nothing_is_not_recommended(pretrained):
    assert "has learned nothing" in " ".join(pretrained.split())
    assert "--init" not in pretrained


@pytest.mark.parametrize("command", ["pretrain", "prepare", "eval"])
def test_lines_do_not_end_with_blanks(command, pretrained, dataset, trained, two_class_files, tmp_path):
    match command:
        case "pretrain":
            text = pretrained
        case "prepare":
            text = printed("prepare", *two_class_files, "-o", tmp_path / "data")
        case _:
            text = printed("eval", trained.path, "--data", two_class_files[0], "--no-baselines", "-o", tmp_path / "out")
    assert [line for line in text.split("\n") if line != line.rstrip()] == []


@pytest.mark.parametrize("name", ["epochs", "lr", "tokens_per_batch", "pooling", "kmer", "select"])
def test_help_states_what_the_default_recipes_set(name):
    table, _ = keywords()[name]
    stated = (TRAIN_FLAGS if name in TRAIN_FLAGS else PRETRAIN_FLAGS)[name].shown
    for recipe, kind in {"dna": "DNA", "protein": "proteins", "text": "texts"}.items():
        if name in (of_table := read_recipe(recipe)[table]):
            assert f"{of_table[name]} for" in stated and kind in stated
    assert "; else " in stated


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 character is not"), (2, "2 characters are not"), (1200, "1,200 characters are not")]
)
def test_one_is_singular(count, words, trained):
    tally = Tally()
    tally.replaced["~"] = count
    tally.truncated = 1
    cut, unknown = tally.lines(trained.config.data)
    assert unknown.startswith(words) and cut.startswith("1 record was cut")

"""Recipes match the papers' tables, build and train; `seqmix recipes` shows them."""

import math
import tomllib
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

import seqmix
from seqmix.cli import app
from seqmix.config import Config
from seqmix.config.tables import merge, parse_setting
from seqmix.errors import ConfigError, RunError
from seqmix.models.classifier import build_model, count_parameters
from seqmix.recipes import RecipeFacts, find_recipe, read_recipe, recipe_names, recipe_text, recipes
from seqmix.training.events import StepEnd
from tests.support import SAMPLE

# Paramixer, supplement, Table 1: recipe, then N, protocol, n_links, lr, B, V, E, H, pos_embed, pooling.
TABLE_1 = """
adding             32768  CHORD  15  0.001   40  -     32   32   True   FLAT
temporal-order     16384  CHORD  14  0.001   40  6     32   32   True   FLAT
listops            2000   CHORD  12  0.001   48  16    32   32   True   FLAT
cifar10            1024   CDIL   3   0.001   64  256   32   32   True   FLAT
text               4096   CDIL   9   0.0001  32  97    32   128  False  CLS
pathfinder         1024   CHORD  11  0.001   64  256   32   32   True   FLAT
long-document-16k  16384  CHORD  15  0.0001  16  4290  100  128  False  CLS
long-document-32k  32768  CHORD  16  0.0001  16  4290  100  128  False  CLS
genome             16384  CHORD  15  0.0001  16  5     32   128  True   FLAT
"""
ROWS = [line.split() for line in TABLE_1.strip().splitlines()]

# Skyformer, section 5 and Table 1: recipe, batch, learning rate, accuracy of Skyformer.
SKYFORMER = [
    ("text", 16, 1e-4, "64.70"),
    ("listops", 32, 1e-4, "38.69"),
    ("retrieval", 16, 2e-4, "82.06"),
    ("pathfinder", 128, 2e-4, "70.73"),
    ("image", 256, 1e-4, "40.77"),
]


def resolved(name):
    """Return the full configuration of a recipe, with its stated length as that of the model."""
    tables = read_recipe(name)
    length = tables.get("data", {}).get("max_length", 0)
    return Config.from_tables(merge({"model": {"max_length": length}}, tables))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_paramixer_recipe_matches_its_row_of_table_1(row):
    name, n, protocol, n_links, lr, batch, vocabulary, embedding, hidden, positions, pooling = row
    found = resolved(f"paramixer/{name}")
    model, mixer, training = found.model, found.model.mixer_options, found.training
    assert (model.mixer, found.data.max_length) == ("paramixer", int(n))
    assert (mixer["protocol"], mixer["n_links"]) == (protocol.lower(), int(n_links))
    assert (training.lr, training.batch_size) == (float(lr), int(batch))
    assert (model.d_model, mixer["d_hidden"]) == (int(embedding), int(hidden))
    assert (model.positions, model.pooling) == (positions == "True", pooling.lower())
    assert find_recipe(f"paramixer/{name}").facts.vocabulary == int(vocabulary.replace("-", "0"))


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_paramixer_recipe_follows_published_code_elsewhere(row):
    found = resolved(f"paramixer/{row[0]}")
    model, mixer, training = found.model, found.model.mixer_options, found.training
    positions = found.data.max_length + (model.pooling == "cls")
    logarithm = math.floor if row[0].startswith("long-document") else math.ceil
    assert mixer["n_factors"] == logarithm(math.log2(positions))
    assert mixer.get("residual_from", "previous") == ("values" if row[0] == "temporal-order" else "previous")
    assert (mixer["link_scale"], mixer["rescale_every"]) == (1.0, 0)
    assert (model.norm, model.residual, model.stem, model.words) == (False, False, "none", 0)
    assert model.blocks == (3 if row[0] == "text" else 1)
    assert model.position_std == (1.0 if model.positions else 0.02)
    assert (training.schedule, training.warmup, training.weight_decay) == ("constant", 0.0, 0.0)
    clipped = row[0] in ("adding", "temporal-order", "genome", "long-document-16k", "long-document-32k")
    assert (training.clip, training.average, training.patience) == (float(clipped), 0.0, 0)
    assert training.select == ("loss" if row[0] == "adding" else "accuracy")


PAPERS = [name for name in recipe_names() if name.startswith(("paramixer/", "skyformer/"))]


def test_every_published_recipe_is_compared_with_its_paper():
    compared = {f"paramixer/{row[0]}" for row in ROWS} | {f"skyformer/{row[0]}" for row in SKYFORMER}
    assert set(PAPERS) == compared
    assert {name.split("/")[0] for name in set(recipe_names()) - compared} == {
        "dna",
        "protein",
        "subwords",
        "text",
        "characters",
        "quick",
    }


@pytest.mark.parametrize(("name", "batch", "lr", "accuracy"), SKYFORMER, ids=[row[0] for row in SKYFORMER])
def test_skyformer_recipe_matches_its_paper(name, batch, lr, accuracy):
    found = resolved(f"skyformer/{name}")
    model, mixer, training = found.model, found.model.mixer_options, found.training
    assert (model.mixer, model.blocks, model.d_model, model.d_feedforward) == ("skyformer", 2, 64, 128)
    assert (mixer["n_heads"], mixer["n_landmarks"]) == (2, 128)
    assert (model.pooling, model.positions, model.stem) == ("mean", True, "none")
    assert (model.dropout, model.dropout_embedding, model.head_hidden) == (0.1, 0.1, 128)
    assert (training.batch_size, training.lr) == (batch, lr)
    assert (training.max_steps, training.epochs, training.patience) == (50_000, 0, 0)
    assert (training.select, training.schedule, training.weight_decay, training.average) == ("accuracy", "linear", 0, 0)
    assert (training.clip, training.clip_by) == (1.0, "value")
    assert training.validate_every > 0
    assert find_recipe(f"skyformer/{name}").facts.published.startswith(f"{accuracy} %")


@pytest.mark.parametrize("name", PAPERS)
def test_recipe_builds_model_of_its_length(name):
    found = resolved(name)
    torch.manual_seed(0)
    model = build_model(found.model, vocab_size=8, n_classes=3).eval()
    n = found.data.max_length
    parameters = count_parameters(model)
    assert parameters > 0
    if found.model.pooling == "flat":
        assert model.head.in_features == n * found.model.d_model
    if found.model.positions:
        assert model.length_limit == n
    ids = torch.randint(1, 8, (2, 40))
    mask = torch.ones(2, 40, dtype=torch.bool)
    mask[1, 30:] = False
    with torch.no_grad():
        logits = model(ids, mask)
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", [name for name in PAPERS if name != "paramixer/adding"])
def test_embeddings_of_recipe_begin_as_published(name):
    torch.manual_seed(0)
    model = build_model(resolved(name).model, vocab_size=500, n_classes=2)
    tokens, n = model.embedding.weight.detach(), model.embedding.weight.numel()
    if name in ("paramixer/text", "paramixer/long-document-16k", "paramixer/long-document-32k"):
        assert tokens.abs().max().item() == pytest.approx(0.1, rel=1e-3)
        std = 0.1 / math.sqrt(3)
    else:
        std = 0.02 if name.startswith("skyformer/") else 1.0
        assert tokens.abs().max() > 3 * std  # normal
    assert tokens.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * n))
    if model.position is not None:
        assert model.position.weight.std().item() == pytest.approx(0.02 if name.startswith("skyformer/") else 1.0, rel=0.03)


def test_skyformer_recipes_see_positions_as_well_as_tokens():
    torch.manual_seed(0)
    model = build_model(resolved("skyformer/listops").model, vocab_size=20, n_classes=2).eval()
    ids = torch.randint(2, 20, (1, 200))
    mask = torch.ones_like(ids, dtype=torch.bool)
    with torch.no_grad():
        here = model.features(ids, mask)
        model.position.weight.copy_(model.position.weight.roll(1000, 0))
        moved = model.features(ids, mask) - here
    assert moved.norm() > 0.3 * here.norm()  # 0.40; with tokens of N(0, 1), 0.01


def adding_model(**options):
    """The model of paramixer/adding for data with the statistics of the adding problem, and one sample."""
    found = resolved("paramixer/adding")
    n = found.data.max_length
    mark = 2 / n
    statistics = {"channel_mean": [0.0, mark], "channel_scale": [3**-0.5, math.sqrt(mark * (1 - mark))]}
    torch.manual_seed(0)
    model = build_model(replace(found.model, **options), vocab_size=1, n_classes=1, channels=2, **statistics).eval()
    numbers = torch.stack((2 * torch.rand(1, n) - 1, torch.zeros(1, n)), dim=2)
    numbers[:, [n // 3, n // 2], 1] = 1.0
    return model, numbers, torch.ones(1, n, dtype=torch.bool)


def test_adding_recipe_sees_numbers_as_they_are():
    model, numbers, mask = adding_model()
    assert model._tokens(numbers, mask)[0].equal(numbers)
    with torch.no_grad():
        outputs = model(numbers, mask)
    assert 1 < outputs.abs().max() < 100  # the published code: about 33
    model, numbers, mask = adding_model(scale_inputs=True)
    assert model._tokens(numbers, mask)[0][:, numbers.shape[1] // 2, 1].item() == pytest.approx(128.0, rel=0.01)
    with torch.no_grad():
        assert model(numbers, mask).abs().max() > 1e9


def test_zero_links_and_factors_follow_length():
    tables = read_recipe("paramixer/adding")
    tables["mixer"] |= {"n_links": 0, "n_factors": 0}
    tables["model"] |= {"max_length": 128}
    mixer = build_model(Config.from_tables(tables).model, vocab_size=8, n_classes=2).blocks[0].mixer
    assert (mixer.n_factors, mixer.n_links) == (7, 8)


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    output = tmp_path_factory.mktemp("documents") / "data"
    options = seqmix.PrepareOptions(alphabet="chars", max_length=200)
    return seqmix.prepare(SAMPLE / "bible_genres.csv.gz", output, options=options)


SHORT = ("data.max_length=64", "model.max_length=64", "training.batch_size=8")
SHORT_ARGUMENTS = [word for setting in SHORT for word in ("--set", setting)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("paramixer/genome", "dataset"),
        ("paramixer/listops", "documents"),
        ("paramixer/text", "documents"),
        ("paramixer/cifar10", "documents"),
        ("skyformer/text", "documents"),
        ("skyformer/image", "dataset"),
    ],
)
def test_recipe_trains(name, data, request, tmp_path):
    dataset = request.getfixturevalue(data)
    arguments = ["train", str(dataset.path), "-o", str(tmp_path / "run"), "--recipe", name, "--max-steps", "2"]
    result = CliRunner().invoke(app, [*arguments, *SHORT_ARGUMENTS], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "all steps done" in result.stderr
    run = seqmix.Run.open(tmp_path / "run")
    wanted = merge(read_recipe(name), *({t: {o: v}} for t, o, v in map(parse_setting, SHORT)))
    wanted["training"] |= {"max_steps": 2, "epochs": 0}
    for table, options in wanted.items():
        assert options.items() <= run.config.to_tables()[table].items()
    assert run.load_state()[1]["state"]["step"] == 2


def test_run_with_recipe_resumes_with_same_command(dataset, tmp_path):
    def stopped(event):
        if isinstance(event, StepEnd):
            raise KeyboardInterrupt

    options = {"recipe": "paramixer/genome", "max_steps": 2, "save_every": 1, "settings": SHORT}
    with pytest.raises(KeyboardInterrupt):
        seqmix.train(dataset, tmp_path / "run", **options, on_event=stopped)
    run = seqmix.train(dataset, tmp_path / "run", **options, resume=True)
    assert run.load_state()[1]["state"]["step"] == 2
    with pytest.raises(RunError, match=r"training\.batch_size = 16: the run started with 8"):
        seqmix.train(dataset, tmp_path / "run", recipe="paramixer/genome", max_steps=2, resume=True, settings=SHORT[:2])


def test_printed_recipe_is_a_valid_config_file(dataset, tmp_path):
    edited = tmp_path / "edited.toml"
    edited.write_text(recipe_text("paramixer/genome").replace("epochs = 200", "epochs = 1"))
    run = seqmix.train(dataset, tmp_path / "run", config=edited, settings=SHORT, max_steps=1)
    assert run.config.training.epochs == 1
    assert run.config.model.pooling == "flat"


def test_facts_are_complete_and_not_settings():
    for recipe in recipes():
        assert "recipe" not in recipe.settings
        assert recipe.facts.task and recipe.facts.source and recipe.facts.data.startswith("seqmix ")
        assert Config.from_tables(recipe.settings)
        if recipe.name in PAPERS:
            assert recipe.settings.keys() == {"model", "mixer", "training", "data"}
    assert read_recipe("dna").keys() == {"model", "training"}


def test_unknown_fact_or_recipe_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text('[recipe]\ntask = "x"\nauthor = "y"\n')
    monkeypatch.setattr("seqmix.recipes._RECIPES", tmp_path)
    with pytest.raises(ConfigError, match=r"no option 'recipe\.author'; \[recipe\] has: task, source, data, published"):
        find_recipe("mine")
    with pytest.raises(ConfigError, match="there is no recipe 'other'; there are: mine"):
        read_recipe("other")
    (tmp_path / "mine.toml").write_text("[recipe]\ntask = 3\n")
    with pytest.raises(ConfigError, match=r"recipe\.task must be a string: got 3"):
        find_recipe("mine")
    (tmp_path / "mine.toml").write_text("[training]\nlr = 0.1\n")
    assert find_recipe("mine").facts == RecipeFacts()


def test_list_shows_every_recipe_with_its_data_at_any_width():
    result = CliRunner().invoke(app, ["recipes"], env={"COLUMNS": "40"})
    assert result.exit_code == 0
    for recipe in recipes():
        assert recipe.name in result.stdout
        assert recipe.facts.task in result.stdout
        assert recipe.facts.data in result.stdout
    assert "cdil, 9 links, 3 blocks, width 32, cls, batch 32, lr 0.0001, 200 epochs" in result.stdout
    assert "batch 256, lr 0.0001, 50,000 steps" in result.stdout
    assert "82.06 % (softmax 80.69, kernelized 81.77)" in result.stdout


def test_recipe_is_printed_verbatim():
    result = CliRunner().invoke(app, ["recipes", "skyformer/text"])
    assert result.exit_code == 0
    assert result.stdout == recipe_text("skyformer/text")
    assert tomllib.loads(result.stdout)["training"]["max_steps"] == 50_000
    result = CliRunner().invoke(app, ["recipes", "skyformer/texts"])
    assert result.exit_code == 1
    assert "there is no recipe 'skyformer/texts'; there are: characters, dna, paramixer/adding" in result.stderr

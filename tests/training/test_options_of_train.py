"""The ways in which `seqmix.train` takes its options, and how it shows them."""

import inspect
import io
import tomllib

import pytest
import tomli_w
from rich.console import Console

import seqmix
from seqmix.cli.training_display import TrainingDisplay
from seqmix.config import Config, DataConfig, ModelConfig, TrainingConfig
from seqmix.errors import ConfigError
from seqmix.recipes import read_recipe
from seqmix.training.events import RecipeAdapted, Started
from seqmix.training.keywords import keywords
from seqmix.training.resolve import resolve_run
from seqmix.training.stated import stated_layers
from seqmix.training.train import train
from tests.support import train_tiny


def resolved(dataset, **given):
    options = {"config": given.pop("config", None), "settings": given.pop("settings", ())}
    return resolve_run(dataset, given, None, options["config"], options["settings"])[1]


@pytest.mark.parametrize(
    "config",
    [
        {"model.dropout": 0.1, "training.epochs": 3},
        {"model": {"dropout": 0.1}, "training": {"epochs": 3}},
        {"model": {"dropout": 0.1}, "training.epochs": 3},
        "[model]\ndropout = 0.1\n[training]\nepochs = 3\n",
    ],
    ids=["dotted", "nested", "mixed", "file"],
)
def test_config_is_mapping_or_file_and_keywords_override_it(config, dataset, tmp_path):
    if isinstance(config, str):
        (tmp_path / "config.toml").write_text(config)
        config = tmp_path / "config.toml"
    found = resolved(dataset, config=config)
    assert (found.model.dropout, found.training.epochs) == (0.1, 3)
    found = resolved(dataset, config=config, epochs=2, dropout=0.2)
    assert (found.model.dropout, found.training.epochs) == (0.2, 2)


def test_settings_are_texts_or_a_mapping(dataset):
    texts = resolved(dataset, settings=["model.dropout=0.1", "mixer.protocol=cdil"])
    assert resolved(dataset, settings={"model.dropout": 0.1, "mixer": {"protocol": "cdil"}}) == texts
    assert resolved(dataset, dropout=0.1, protocol="cdil") == texts
    assert resolved(dataset, dropout=0.1, mixer_options={"protocol": "cdil"}) == texts


def test_config_object_is_used_exactly(dataset, tmp_path):
    config = Config(
        model=ModelConfig(d_model=8, mixer_options={"d_hidden": 8}),
        training=TrainingConfig(epochs=1, tokens_per_batch=4096),
        data=DataConfig(path=str(dataset.path)),
    )
    run = seqmix.train(config=config, output=tmp_path / "run")
    assert run.config.training == config.training  # nothing of the recipe for DNA
    stored = Config.from_tables(tomllib.loads((run.path / "config.toml").read_text()))
    assert stored == run.config
    assert stored.model.max_length and stored.model.mixer_options["protocol"] == "chord"
    again = seqmix.train(config=run.config, output=tmp_path / "again")
    assert (again.path / "model.safetensors").read_bytes() == (run.path / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 3}, r"seqmix.train has no option 'epoch'; did you mean 'epochs'\?"),
        ({"config": {"model.drop_out": 0.1}}, r"no option 'model.drop_out'.*did you mean 'dropout'\?"),
        ({"config": {"dropout": 0.1}}, "config takes keys such as 'training.lr'"),
        ({"config": {"model": {"mixer_options": {"protocol": "cdil"}}}}, "no option 'model.mixer_options'"),
        ({"settings": {"modle": {"dropout": 0.1}}}, r"no configuration table 'modle'.*did you mean 'model'\?"),
        (
            {"settings": ["training.mask=0.5"]},
            r"training.mask is for seqmix.pretrain: seqmix.train hides nothing; leave it out",
        ),
        ({"mask_span": 4}, r"training.mask_span is for seqmix.pretrain"),
        (
            {"settings": ["training.crop_length=4", "model.stride=12"]},
            r"training.crop_length = 4 is shorter than model.stride = 12",
        ),
        ({"settings": ["data.window=11", "model.stride=12"]}, r"data.window = 11 is shorter than model.stride = 12"),
        ({"mixer": "nope"}, r"there is no mixer 'nope'; available: .*, none"),
        ({"pooling": "cls", "settings": ["model.stride=4"]}, r"or set model.stride = 1$"),
        ({"lr": "fast"}, "training.lr must be a number"),
        (
            {"tokens_per_batch": "many"},
            "tokens_per_batch must be a whole number from 1 to 1,000,000,000,000, or auto: got 'many'",
        ),
    ],
    ids=str,
)
def test_error_names_option(given, message, dataset, tmp_path):
    with pytest.raises(ConfigError, match=message):
        seqmix.train(dataset, tmp_path / "run", **given)
    assert not (tmp_path / "run").exists()


def test_signature_and_docstring_show_every_option():
    signature = inspect.signature(train)
    assert list(signature.parameters)[:3] == ["data", "output", "config"]
    for name in keywords():
        assert signature.parameters[name].default is None
        assert f"\n        {name}: " in train.__doc__
    assert {"mixer", "protocol", "max_length", "dropout", "goal", "truncate"} <= set(signature.parameters)
    assert "options" not in signature.parameters


def test_max_length_is_that_of_the_data_and_texts_are_parsed():
    layers = stated_layers({"max_length": 50, "budget": "5m", "tokens_per_batch": "auto", "lr": None}, None, ())
    assert layers[:3] == [{"data": {"max_length": 50}}, {"training": {"budget": 300.0}}, {"training": {"tokens_per_batch": 0}}]


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, (12, 3)), ({"pooling": "cls"}, (1, 1)), ({"stride": 8}, (8, 1)), ({"stride": 6}, (6, 3)), ({"d_model": 32}, (12, 3))],
    ids=str,
)
@pytest.mark.usefixtures("shipped_recipes")
def test_windows_of_the_default_recipe_give_way_to_settings_that_rule_them_out(given, expected, dataset):
    model = resolved(dataset, **given).model
    assert (model.stride, model.frames) == expected


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        (["model.residual=true"], "model.block = published"),
        (["model.norm=false"], "model.block = published"),
        (["model.block=published", "model.drop_path=0.1"], "model.block = gated"),
        (["model.block=published", "model.gate=0.5"], "model.block = gated"),
        (["model.block=published", "model.mixed=0.5"], "model.block = gated"),
        (["model.stride=1", "model.stride_pooling=max"], "a larger model.stride"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("shipped_recipes")
def test_option_that_the_model_ignores_is_refused_with_what_would_use_it(settings, needed, dataset):
    name = settings[-1].partition("=")[0]
    with pytest.raises(ConfigError, match=rf"{name} has no effect with .*: leave it out, or set {needed}") as caught:
        resolved(dataset, settings=settings)
    assert caught.value.option == name


@pytest.mark.parametrize("settings", [["model.residual=true", "model.block=published"], ["model.drop_path=0.1"]], ids=str)
@pytest.mark.usefixtures("shipped_recipes")
def test_option_of_the_blocks_is_taken_where_they_use_it(settings, dataset):
    table = resolved(dataset, settings=settings).to_tables()["model"]
    name, _, value = settings[0].removeprefix("model.").partition("=")
    assert table[name] == tomllib.loads(f"value = {value}")["value"]


@pytest.mark.parametrize("block", ["gated", "published"])
def test_complete_configuration_may_hold_options_without_effect(block, dataset, tmp_path):
    config = resolved(dataset, settings=[f"model.block={block}"])
    (tmp_path / "config.toml").write_text(tomli_w.dumps(config.to_tables()))
    for given in (config, tmp_path / "config.toml", config.to_tables()):
        assert resolved(dataset, config=given) == config


def test_windows_that_do_not_go_with_a_pooling_are_changed_and_told(shipped_recipes, dataset, tmp_path):
    events, file = [], io.StringIO()
    display = TrainingDisplay(Console(file=file, width=100), quiet=False, verbose=False)
    options = {"pooling": "cls", "max_steps": 1, "lexical": "none"}
    run = seqmix.train(dataset, tmp_path / "run", on_event=lambda one: (events.append(one), display(one)), **options)
    stride = read_recipe("dna")["model"]["stride"]
    assert run.config.model.stride == 1 < stride
    assert isinstance(events[0], RecipeAdapted) and events[0].recipe == "dna"
    assert events[0].changes["model.stride"] == (stride, 1)
    assert f"recipe dna does not go with your settings everywhere: model.stride is 1 (was {stride})" in " ".join(
        file.getvalue().split()
    )
    events.clear()
    seqmix.train(dataset, tmp_path / "other", on_event=events.append, max_steps=1, lexical="none")
    assert isinstance(events[0], Started)


def test_learning_rate_that_was_found_is_in_the_run_folder_and_its_report(dataset, tmp_path):
    run = train_tiny(dataset, tmp_path / "run", lr="auto")
    [value] = {line["peak_lr"] for line in run.history()}
    assert value > 0 and run.measured == {"training.lr": value}
    seqmix.evaluate(run, baselines=False, resamples=2)
    assert f"training.lr = {value:.4g}" in (run.path / "report.html").read_text()
    run = train_tiny(dataset, tmp_path / "stated")
    assert run.measured == {} and not any("peak_lr" in line for line in run.history())


def test_table_says_whose_scores_it_has_and_what_is_best(dataset, tmp_path):
    def shown(name, *settings, **options):
        file = io.StringIO()
        display = TrainingDisplay(Console(file=file, width=80), quiet=False, verbose=False)
        train_tiny(dataset, tmp_path / name, *settings, on_event=display, **options)
        return file.getvalue().splitlines()

    lines = shown("epochs", "training.smooth=0.5", select="loss")
    assert "best: the lowest smoothed validation log loss so far" in lines
    lines = shown("both", "model.lexical=auto", select="accuracy", epochs=1)
    assert "scores of the mixing branch alone; best: the highest validation accuracy so far" in lines
    lines = shown("steps", "training.validate_every=2", epochs=None, max_steps=6)
    header = next(line for line in lines if "log loss" in line and "step" in line)
    assert [line.split()[0] for line in lines[lines.index(header) + 2 :][:3]] == ["2", "4", "6"]
    assert max(map(len, lines[lines.index(header) :])) <= 80

"""An option is declared once: its checks, its errors and its documentation follow from the declaration."""

from dataclasses import dataclass

import pytest

from seqmix.config import Config, DataConfig, ModelConfig, TrainingConfig
from seqmix.config.options import check, documented, option, options_of
from seqmix.data.options import ReadOptions
from seqmix.data.prepare import PrepareOptions
from seqmix.errors import ConfigError, param


@documented
@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A sample."""

    size: int = option(3, "Its size.", at_least=1, flag=True)
    share: float | None = option(None, f"Its share of {param('size')}.", at_least=0, below=1)
    shape: str = option("round", "Its shape.", choices=("round", "square"))

    def __post_init__(self) -> None:
        check(self, "sample.")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 0}, "sample.size must be at least 1: got 0"),
        ({"size": 1.5}, "sample.size must be a whole number: got 1.5"),
        ({"size": True}, "sample.size must be a whole number: got True"),
        ({"size": None}, "sample.size must be a whole number: got None"),
        ({"share": 1}, "sample.share must be from 0 to below 1: got 1"),
        ({"share": float("nan")}, "sample.share must be from 0 to below 1: got nan"),
        ({"shape": "squar"}, "sample.shape must be one of round, square: got 'squar'; did you mean 'square'?"),
    ],
)
def test_values_are_checked_against_declaration(given, message):
    with pytest.raises(ConfigError) as caught:
        Sample(**given)
    assert str(caught.value) == message
    assert caught.value.option == f"sample.{next(iter(given))}"


def test_docstring_lists_every_option():
    assert "    Attributes:\n        size: Its size. (at least 1; default: 3)\n" in Sample.__doc__
    assert "share: Its share of size. (from 0 to below 1; default: None)" in Sample.__doc__


@pytest.mark.parametrize("kind", [ModelConfig, TrainingConfig, DataConfig, PrepareOptions, ReadOptions])
def test_every_option_is_declared_and_documented(kind):
    declared = options_of(kind)
    assert list(declared) == list(kind.__dataclass_fields__)
    for name, one in declared.items():
        assert one.help.endswith((".", "…")), name
        assert f"        {name}: " in kind.__doc__


@pytest.mark.parametrize(
    ("tables", "hint"),
    [
        ({"trainin": {}}, "'training'"),
        ({"model": {"drop_out": 0.1}}, "'dropout'"),
        ({"training": {"epoch": 1}}, "'epochs'"),
        ({"data": {"max_lenght": 1}}, "'max_length'"),
    ],
)
def test_unknown_table_or_option_gets_a_suggestion(tables, hint):
    with pytest.raises(ConfigError, match=f"did you mean {hint}"):
        Config.from_tables(tables)


@pytest.mark.parametrize("name", ["lr", "weight_decay", "clip", "budget"])
def test_infinite_numbers_are_refused(name):
    with pytest.raises(ConfigError, match=rf"training\.{name} must be a finite number: got inf"):
        TrainingConfig(**{name: float("inf")})

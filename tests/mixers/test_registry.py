"""Mixers by name: the table of the built-in ones, and what finding one costs and says."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from seqmix import mixers
from seqmix.errors import ConfigError
from seqmix.mixers.ranges import ranges_of


def test_every_mixer_module_is_registered_and_importable():
    modules = {path.stem for path in Path(mixers.__file__).parent.glob("*.py")} - {"__init__", "base", "declared", "ranges"}
    assert set(mixers._BUILT_IN) == modules
    for name in modules:
        found = mixers.mixer_class(name)
        assert found.__module__ == f"seqmix.mixers.{name}"
        assert getattr(mixers, found.__name__) is found
        assert found.__name__ in dir(mixers)


def test_names_do_not_import_torch():
    code = "import sys; from seqmix.mixers import available_mixers; available_mixers(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_close_name_is_suggested():
    with pytest.raises(ConfigError, match=r"no mixer 'parmixer'; available: bigbird, .*; did you mean 'paramixer'\?"):
        mixers.mixer_class("parmixer")
    with pytest.raises(ConfigError, match=r"no option 'n_link'; it has: .*; did you mean 'n_links'\?"):
        mixers.build_mixer("paramixer", 8, 16, {"n_link": 3})


def test_missing_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Mixxer'"):
        mixers.Mixxer  # noqa: B018


@pytest.mark.parametrize("name", mixers._BUILT_IN)
def test_what_is_read_in_the_source_of_a_mixer_is_what_its_class_has(name):
    found = mixers.mixer_class(name)
    parameters = inspect.signature(found).parameters.values()
    assert mixers.mixer_options(name) == {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    for attribute in ("block", "model_defaults", "quadratic", "for_longest", "tabulated"):
        assert mixers.mixer_declares(name, attribute) == getattr(found, attribute)
    assert mixers.mixer_ranges(name) == ranges_of(found)

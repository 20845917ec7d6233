"""Every option of a mixer that is a number has a range, which its constructor and the command line keep alike."""

import math

import pytest

from seqmix.errors import ConfigError
from seqmix.mixers import _BUILT_IN, build_mixer, check_mixer_options, mixer_class, mixer_options, mixer_ranges
from seqmix.mixers.base import Mixer
from seqmix.mixers.ranges import _plain, mixer_refusal

NUMBERS = [
    (mixer, option)
    for mixer in _BUILT_IN
    for option, default in mixer_options(mixer).items()
    if isinstance(default, int | float) and not isinstance(default, bool)
]
TEXTS = [(mixer, option) for mixer in _BUILT_IN for option, default in mixer_options(mixer).items() if isinstance(default, str)]


def range_of(mixer, option):
    return _plain(mixer_ranges(mixer)[option])


def outside(allowed):
    """Return values just and far outside of a range."""
    yield -(10**31)
    yield 10**31
    yield from [] if allowed.at_least is None else [allowed.at_least - 1]
    yield from [] if allowed.above is None else [allowed.above]
    yield from [] if allowed.at_most is None else [allowed.at_most + 1]
    yield from [] if allowed.below is None else [allowed.below]
    yield from [(allowed.at_least or 0) + 1] if allowed.parity else []


@pytest.mark.parametrize(("mixer", "option"), NUMBERS)
def test_number_outside_range_is_refused_by_name_and_by_constructor(mixer, option):
    allowed = range_of(mixer, option)
    assert allowed.ends
    assert allowed.holds(mixer_options(mixer)[option])
    for value in outside(allowed):
        if allowed.or_zero and value == 0:
            continue
        value = float(value) if isinstance(mixer_options(mixer)[option], float) else value
        with pytest.raises(ConfigError, match=rf"^mixer\.{option} must be .* got ") as caught:
            check_mixer_options(mixer, {option: value})
        assert caught.value.option == f"mixer.{option}"
        with pytest.raises(ValueError, match=rf"^mixer\.{option} must be"):
            mixer_class(mixer)(64, 16, **{option: value})
    for value in (math.nan, math.inf) if isinstance(mixer_options(mixer)[option], float) else ():
        with pytest.raises(ConfigError, match=rf"^mixer\.{option} must be"):
            check_mixer_options(mixer, {option: value})


@pytest.mark.parametrize(("mixer", "option"), TEXTS)
def test_text_outside_choices_is_refused_with_the_closest(mixer, option):
    close = range_of(mixer, option).choices[0][:-1]
    with pytest.raises(ConfigError, match=rf"mixer\.{option} must be one of .*; did you mean '{close}"):
        check_mixer_options(mixer, {option: close})
    with pytest.raises(ValueError, match=rf"mixer\.{option} must be one of"):
        mixer_class(mixer)(64, 16, **{option: close})


@pytest.mark.parametrize("mixer", _BUILT_IN)
def test_ranges_are_of_options_of_the_mixer(mixer):
    assert mixer_ranges(mixer).keys() <= mixer_options(mixer).keys()


@pytest.mark.parametrize(
    ("mixer", "options", "message"),
    [
        ("paramixer", {"protocol": "cdil", "n_links": 4}, "must be 0, or odd and from 1 to 1,025 with mixer.protocol = cdil"),
        ("paramixer", {"n_links": 43}, "n_links must be from 0 to 42 with mixer.protocol = chord: got 43"),
        ("paramixer", {"n_heads": 3}, "n_heads must divide model.d_model = 64: got 3"),
        ("skyformer", {"n_heads": 128}, "n_heads must divide model.d_model = 64: got 128"),
        ("s4d", {"dt_min": 0.2}, "dt_min must be at most mixer.dt_max = 0.1: got 0.2"),
        ("s4d", {"d_state": 3}, "d_state must be even and from 2 to 65,536: got 3"),
        ("nystromformer", {"conv_kernel": 4}, "conv_kernel must be 0, or odd and from 1 to 99,999: got 4"),
    ],
)
def test_options_that_do_not_suit_each_other_are_refused(mixer, options, message):
    with pytest.raises(ConfigError) as caught:
        check_mixer_options(mixer, options, 64)
    assert message in str(caught.value)
    with pytest.raises(ValueError, match="must"):
        mixer_class(mixer)(64, 16, **options)


@pytest.mark.parametrize(
    ("mixer", "options"),
    [
        ("paramixer", {"protocol": "cdil", "n_links": 0}),
        ("paramixer", {"n_links": 42, "n_factors": 40}),
        ("nystromformer", {"conv_kernel": 0}),
        ("s4d", {"dt_min": 0.1}),
        ("mingru", {"memory": 2}),
    ],
)
def test_ends_of_ranges_are_allowed(mixer, options):
    build_mixer(mixer, 8, 16, options)


def test_subclass_keeps_the_ranges_of_its_base_and_may_declare_none():
    class Other(Mixer):
        def __init__(self, d_model: int, max_length: int, *, size: int = 3) -> None:
            super().__init__()
            self.check_options(d_model, size=size)

    class Smaller(Other):
        option_ranges = {"size": {"at_least": 1, "at_most": 5}}  # noqa: RUF012

    class Same(Smaller):
        option_ranges = {}  # noqa: RUF012

    Other(8, 16, size=10**9)
    for kind in (Smaller, Same):
        with pytest.raises(ValueError, match=r"mixer\.size must be from 1 to 5: got 6"):
            kind(8, 16, size=6)


def test_relation_to_the_width_waits_until_it_is_known():
    ranges = {"n_heads": {"at_least": 1, "at_most": 8, "divides_width": True}}
    assert mixer_refusal(ranges, {"n_heads": 3}, None) is None
    assert mixer_refusal(ranges, {"n_heads": 3}, 9) is None
    assert mixer_refusal(ranges, {"n_heads": 3}, 8) == ("mixer.n_heads", "mixer.n_heads must divide model.d_model = 8: got 3")

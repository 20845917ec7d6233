"""What a user may request of a campaign: numbers of trainings, and settings for all mixers or for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqmix.config import TrainingConfig, build_table
from seqmix.config.tables import parse_setting
from seqmix.errors import ConfigError, param, suggestion
from seqmix.mixers import available_mixers, is_built_in, mixer_class, mixer_options
from seqmix.reporting.text import parse_duration
from seqmix.system.devices import check_device, choose_device, thread_count
from seqmix.system.ranges import check_numbers


def check_request(
    settings: Sequence[str], own: Sequence[str], instead: str, budget: float | str, **numbers: int | None
) -> None:
    """Refuse invalid requests before anything is read.

    Args:
        settings: "table.option=value", or "mixer:table.option=value" for one mixer.
        own: settings that the campaign makes itself.
        instead: advice if the user states one of them.
        budget: seconds of each training, or a text such as "5m".
        numbers: numeric arguments by parameter, see `seqmix.system.ranges.NUMBERS`.

    Raises:
        ConfigError: something is not allowed.
    """
    check_numbers(**numbers)
    build_table(TrainingConfig, "training", {"budget": parse_duration(budget) if isinstance(budget, str) else budget})
    for setting in settings:
        mixer, rest = _of_one(setting)
        if mixer:
            check_mixers([mixer])
        table, option, _ = parse_setting(rest)
        if f"{table}.{option}" in own:
            raise ConfigError(f"{param('settings')} {table}.{option}: {instead}", option="settings")


def check_mixers(names: Sequence[str], *, importable: bool = False) -> None:
    """Refuse names of mixers that do not exist.

    Args:
        names: the names.
        importable: whether to refuse mixers of other packages that cannot be imported.

    Raises:
        ConfigError: there is no such mixer.
    """
    known = available_mixers()
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no mixer '{name}'; available: {', '.join(known)}{suggestion(name, known)}")
        if importable and (error := import_error(name)):
            raise ConfigError(f"the mixer '{name}' {error}")


def import_error(mixer: str) -> str:
    """Return why a mixer of another package cannot be imported, or "" if it can."""
    if is_built_in(mixer):
        return ""
    try:
        mixer_class(mixer)
    except Exception as error:  # whatever happens in another package's code
        return f"cannot be imported: {type(error).__name__}: {error}"
    return ""


def check_mixer_options(settings: Sequence[str], mixers: Sequence[str]) -> None:
    """Refuse settings for all mixers that some mixers do not have, naming those.

    Raises:
        ConfigError: a mixer lacks an option that is set for all.
    """
    for setting in settings:
        mixer, rest = _of_one(setting)
        table, option, _ = parse_setting(rest)
        lacking = [name for name in mixers if table == "mixer" and not mixer and option not in mixer_options(name)]
        if lacking:
            which = f"the mixer{'s' * (len(lacking) > 1)} {', '.join(lacking)}"
            raise ConfigError(
                f"{which} {'have' if len(lacking) > 1 else 'has'} no option '{option}'; to set it for one mixer that has it, "
                f"write its name and a colon before it: {param('settings', f'MIXER:{rest.strip()}')}",
                option="settings",
            )


def of_mixer(settings: Sequence[str], mixer: str) -> list[str]:
    """Return the settings for all mixers or for this one, in order, without its name."""
    return [rest for name, rest in map(_of_one, settings) if name in ("", mixer)]


def _of_one(setting: str) -> tuple[str, str]:
    """Split "paramixer:mixer.n_links=9" into the mixer ("" for all) and the setting."""
    name, colon, rest = setting.partition(":")
    return (name.strip(), rest) if colon and "." not in name and "=" not in name else ("", setting)


def shared_settings(
    budget: float | str, settings: Sequence[str], device: str | None, threads: int | None, jobs: int, **others: Any
) -> dict[str, Any]:
    """Return the settings shared by all trainings of a campaign, as its JSON stores them.

    Args:
        budget: seconds of each training, or a text such as "5m".
        settings: settings given by the user.
        device: name of the device; "auto" if None.
        threads: threads of each training; if None, those available are divided among `jobs`.
        jobs: trainings run in parallel.
        others: other settings that the trainings share.

    Raises:
        ConfigError: one of them is not allowed.
    """
    check_device(device or "auto", others.get("precision") or "fp32")
    import torch

    with thread_count(threads):
        count = threads or max(1, torch.get_num_threads() // jobs)
    return {
        "budget": parse_duration(budget) if isinstance(budget, str) else budget,
        **others,
        "settings": list(settings),
        "device": str(choose_device(device or "auto")),
        "threads": count,
        "jobs": jobs,
    }

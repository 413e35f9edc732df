"""Say where a run's configuration leaves the paper's."""

from typing import Any, NamedTuple

from training.learning import config as learning_config


class ChangedKey(NamedTuple):
    """A key whose value is not the paper's."""

    key: str
    value: Any
    paper: Any


def changed_keys(kind: str, config: dict[str, Any], preset: str = "paper") -> list[ChangedKey]:
    """Return the keys of a configuration that differ from a preset's, in the order of the form."""
    named = learning_config.preset(kind, preset).to_dict()
    return [
        ChangedKey(key, config[key], value) for key, value in named.items() if key in config and config[key] != value
    ]


def nearest_preset(kind: str, config: dict[str, Any]) -> str:
    """Return the preset that a configuration differs from in the fewest keys."""
    return min(learning_config.PRESETS, key=lambda name: len(changed_keys(kind, config, name)))

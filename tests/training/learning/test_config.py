import subprocess
import sys
from typing import Any

import pytest

from training.learning.config import CONFIGS, PRESETS, CycleGanConfig, MilConfig, from_dict, preset
from training.learning.errors import ConfigError


def test_the_defaults_are_the_papers() -> None:
    mil, gan = MilConfig(), CycleGanConfig()
    assert (mil.epochs, mil.learning_rate, mil.picks_per_bag, mil.instances_per_bag) == (100, 1e-4, 1, 0)
    assert (mil.width, mil.stages) == (64, (3, 4, 6, 3))
    assert (gan.epochs, gan.learning_rate_g, gan.learning_rate_d) == (100, 1e-4, 1e-4)
    assert (gan.ngf, gan.ndf, gan.n_blocks, gan.class_channel, gan.d_conditional) == (64, 64, 1, True, True)
    assert (gan.cycle_weight, gan.identity_weight, gan.pool_size, gan.warm_steps, gan.ema_decay) == (10, 0, 50, 0, 0)
    assert preset("mil", "paper") == mil
    assert preset("cyclegan", "paper") == gan


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_json(kind: str, name: str) -> None:
    config = preset(kind, name)
    assert from_dict(kind, config.to_dict()) == config


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_key_says_what_it_is(kind: str) -> None:
    options = CONFIGS[kind].describe()
    assert {option.key: option.default for option in options} == CONFIGS[kind]().to_dict()
    assert all(len(option.doc) >= 10 and "\n" not in option.doc for option in options)


def test_a_choice_lists_its_values_for_the_form() -> None:
    types = {option.key: option.type for option in CycleGanConfig.describe()}
    assert types["generator_loss"] == "logit|sigmoid|lsgan"
    assert (types["ngf"], types["cycle_weight"], types["class_channel"]) == ("int", "float", "bool")
    assert {option.key: option.type for option in MilConfig.describe()}["stages"] == "int,…"


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        ("mil", {"epoch": 3}, "no key 'epoch'"),
        ("mil", {"epochs": "3"}, "epochs is '3'; expected int"),
        ("mil", {"epochs": 3.5}, "epochs is 3.5; expected int"),
        ("mil", {"augment": 1}, "augment is 1; expected bool"),
        ("mil", {"epochs": True}, "epochs is True; expected int"),
        ("mil", {"epochs": 0}, "epochs is 0; expected 1 or more"),
        ("mil", {"width": 100_000}, "width is 100000"),
        ("mil", {"width": 12}, "width is 12; expected a multiple of 8"),
        ("mil", {"stages": [3, 4, 6]}, "stages is"),
        ("mil", {"stages": [3, 4, 6, 10**9]}, "stages is"),
        ("mil", {"stages": "3463"}, "expected a list of whole numbers"),
        ("mil", {"learning_rate": float("nan")}, "learning_rate is nan"),
        ("cyclegan", {"generator_loss": "wgan"}, "expected one of logit, sigmoid, lsgan"),
        ("cyclegan", {"crop_px": 30}, "crop_px is 30"),
        ("cyclegan", {"core_px": 110}, "a multiple of 4"),
        ("cyclegan", {"n_blocks": 1000}, "n_blocks is 1000"),
        ("synthesis", {"blend_px": 200}, "blend_px is 200"),
        ("synthesis", {"quality": 0}, "quality is 0"),
        ("gan", {}, "no run of kind 'gan'"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(kind: str, values: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        from_dict(kind, values)


def test_a_whole_number_is_taken_for_a_float() -> None:
    assert from_dict("cyclegan", {"cycle_weight": 5}) == CycleGanConfig(cycle_weight=5.0)


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="no preset 'huge' of 'mil'"):
        preset("mil", "huge")


def test_manifest_config_and_events_do_not_import_torch() -> None:
    code = (
        "import sys; from training.learning import config, events, manifest; "
        "assert 'torch' not in sys.modules and 'django' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

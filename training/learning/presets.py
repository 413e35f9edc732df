"""Sets of keys that make a run small: "cpu" and "tiny". The preset "paper" is the defaults of config.py."""

from typing import Any

PRESET_KEYS: dict[str, dict[str, dict[str, Any]]] = {
    # A demonstration on a few slides of drawn tissue, minutes on two cores. One thread each: a second one waits at
    # every small layer for the first, longer than it helps, and the pages want a core too.
    "cpu": {
        "mil": {
            "threads": 1,
            "epochs": 12,
            "rounds_per_epoch": 5,
            "width": 16,
            "stages": (1, 1, 1, 1),
            "input_reduction": 2,
            "learning_rate": 1e-3,
            "instances_per_bag": 16,
            "picks_per_bag": 4,
            "augment": True,
            "ema_decay": 0.9,
            "threshold_from": "validation",
            "selection": "separation",
        },
        "cyclegan": {
            "threads": 1,
            "epochs": 5,
            "steps_per_epoch": 200,
            "ngf": 16,
            "ndf": 16,
            "n_blocks": 2,
            "d_output": "map",
            "crop_px": 64,
            "augment": True,
            "background_draws": 0.1,
            "tumor_draws": 0.7,
            "warm_steps": 200,
            "learning_rate_g": 5e-4,
            "learning_rate_d": 5e-4,
            "lr_decay_from": 0.6,
            "ema_decay": 0.99,
            # Not positive_ratio: it chose an unripe epoch whose errors cancelled (normal tissue brown, tumour pale).
            "selection": "last",
            "validation_fields": 6,
            "patches_per_slide": 600,
        },
        "synthesis": {"threads": 1, "core_px": 112, "halo_px": 32},
        "score": {"threads": 1},
    },
    # Everything runs, nothing is learnt; for tests.
    "tiny": {
        "mil": {
            "threads": 1,
            "epochs": 2,
            "width": 8,
            "stages": (1, 1, 1, 1),
            "input_reduction": 2,
            "learning_rate": 1e-3,
            "instances_per_bag": 4,
        },
        "cyclegan": {
            "threads": 1,
            "epochs": 2,
            "steps_per_epoch": 6,
            "ngf": 8,
            "ndf": 8,
            "crop_px": 64,
            "augment": True,
            "warm_steps": 6,
            "learning_rate_g": 4e-4,
            "learning_rate_d": 4e-4,
            "validation_fields": 2,
            "patches_per_slide": 32,
            "core_px": 112,
            "halo_px": 16,
        },
        "synthesis": {"threads": 1, "core_px": 224, "halo_px": 16},
        "score": {"threads": 1},
    },
}

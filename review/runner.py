"""Count the nuclei of one score and put them into storage. Writes nothing to the database.

The counter is imported where it counts: its compiler takes seconds to load, and the web, which imports this file on
its way to the tasks, never counts.
"""

import errno
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from review import selectors
from review.cell_file import write_cells
from review.models import CellScore
from viewer.imaging.errors import DiskFull
from viewer.imaging.parameters import CountParameters
from viewer.models import Slide
from viewer.readers import open_reader
from viewer.storage import save_file

if TYPE_CHECKING:
    from viewer.imaging.cells import CellCount, NucleusModel

OnProgress = Callable[[float], None]


def count_cells(score: CellScore, on_progress: OnProgress) -> "CellCount":
    """Count with the calibration of the score's calibration slide, whole slide or region."""
    from viewer.imaging.cells import count_slide
    from viewer.imaging.stain_check import look_at_stain

    report = at_intervals(on_progress)
    report(0.0)
    model = project_model(score.slide)
    parameters = calibration(score.calibrated_on or score.slide)
    report(0.0)
    slide, region = score.slide, score.region_l0
    assert slide.mpp is not None, "a ready slide has its mpp"
    with open_reader(slide) as reader:
        stain = look_at_stain(reader, slide.mpp)
        count = count_slide(
            reader,
            slide.mpp,
            parameters,
            tuple(region) if region else None,
            report,
            threads=settings.COUNTING_THREADS,
            model=model,
        )
    return count.beside(stain)


def project_model(slide: Slide) -> "NucleusModel | None":
    """Load the model that the slide's project counts with; None where it counts by optical density.

    Raises:
        UnusableModel: the file is no nucleus model.
        ApplicationError: the server has none.
    """
    from viewer.imaging.cells import NucleusModel

    path = selectors.nucleus_model(slide.project)
    return None if path is None else NucleusModel(path)


def calibration(slide: Slide) -> CountParameters:
    """Return the parameters that a finished count of the slide rests on, else calibrate on its pixels now.

    So the synthetic slide of a pair is counted exactly as the real one was.
    """
    from viewer.imaging.cells import calibrate

    stored = selectors.stored_calibration(slide)
    if stored is not None:
        return CountParameters.from_dict(stored)
    assert slide.mpp is not None, "a ready slide has its mpp"
    with open_reader(slide) as reader:
        return calibrate(reader, slide.mpp)


def store_cells(score: CellScore, count: "CellCount") -> str:
    """Write the column file and return its key. Each attempt has its own, so that a stored file never changes."""
    key = f"scores/{score.pk}/attempt-{score.attempt}.npz"
    settings.LAYOUT.work.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=settings.LAYOUT.work) as folder:
            local = Path(folder) / "cells.npz"
            write_cells(local, count)
            save_file(local, key, may_link=True)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskFull(
            _("The disk is full: the cells could not be stored. Free some space and count again.")
        ) from error
    return key


def at_intervals(on_progress: OnProgress) -> OnProgress:
    """Pass progress on at most once per RUN_HEARTBEAT_SECONDS: a count reports every tile."""
    last = -float("inf")

    def report(share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= settings.RUN_HEARTBEAT_SECONDS:
            last = now
            on_progress(share)

    return report

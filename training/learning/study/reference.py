"""What every synthetic picture of one section is compared with: the truth, the counted real slide, the true stain."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.learning.study import nuclei
from training.learning.study.cohort import read_truth, tumor_cells
from training.learning.study.profiles import MPP, SOURCE, TARGET, TWIN, Profile
from training.learning.study.seams import seam_ratios
from viewer.imaging.cells import CellCount, CountParameters, calibrate, count_slide
from viewer.imaging.phantom import SectionTruth
from viewer.imaging.slides import SlideReader, open_slide


@dataclass(frozen=True)
class Reference:
    """One section's yardsticks, the same for every model that paints it."""

    folder: Path
    case: str
    truth: SectionTruth
    tumor: npt.NDArray[np.int64]
    """Tumour nuclei per instance, [rows, columns]."""
    parameters: CountParameters
    """Calibrated on the real slide of the pair, then frozen for all that is compared with it."""
    real: CellCount
    twin: CellCount
    figures: dict[str, Any]
    """What needs no synthetic picture: the ceiling of the per-nucleus AUC, the counter's own F1, seams of the twin."""

    def path(self, stain: str) -> Path:
        """Return a slide of the case."""
        return self.folder / f"{self.case}-{stain}.tif"

    def match(self, count: CellCount) -> dict[str, float]:
        """Return which of the drawn nuclei a count finds."""
        drawn = np.stack([self.truth.x, self.truth.y], axis=1)
        one = nuclei.match(drawn, np.stack([count.x, count.y], axis=1), nuclei.MATCH_UM / MPP)
        return {"f1": one.f1, "lost": one.lost, "invented": one.invented, "found": one.found, "drawn": one.drawn}


def reference(folder: Path, case: str, profile: Profile, core_px: int) -> Reference:
    """Count the real slide and the true virtual stain of a case."""
    truth = read_truth(folder, case, SOURCE)
    with ExitStack() as opened:

        def slide(stain: str) -> SlideReader:
            return opened.enter_context(open_slide(folder / f"{case}-{stain}.tif"))

        real, twin, source = slide(TARGET), slide(TWIN), slide(SOURCE)
        parameters = calibrate(real, MPP)
        found = Reference(
            folder,
            case,
            truth,
            tumor_cells(truth, profile.size_px, profile.instance_px),
            parameters,
            count_slide(real, MPP, parameters),
            count_slide(twin, MPP, parameters),
            {},
        )
        found.figures["nucleus_auc_ceiling"] = nuclei.status_ceiling(source, truth)
        found.figures["nuclei_of_twin"] = found.match(found.twin)
        found.figures["seams_of_twin"] = seam_ratios(twin, core_px)
    return found

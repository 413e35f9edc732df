"""A drawn case: H&E, real Ki-67 and a synthetic Ki-67 slide that is the true virtual stain of the H&E section."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.conf import settings
from django.core.cache import cache

from accounts.models import Project, User
from review import services
from review.models import Alignment, CellScore
from tests.factories import make_case, make_slide, make_synthetic_slide
from viewer import storage
from viewer.imaging.phantom import TissueBlock, write_section
from viewer.imaging.registration import Affine
from viewer.models import Slide

SIZE_PX = 800
MPP = 0.5


class Sections(NamedTuple):
    """Files of one drawn block."""

    he: Path
    real: Path
    synthetic: Path


class Pair(NamedTuple):
    """Slides of one case, all with their files in storage."""

    source: Slide
    real: Slide
    synthetic: Slide


@pytest.fixture(autouse=True)
def quick_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Align in no time; the registration itself has its own tests beside its source."""
    cache.clear()
    monkeypatch.setattr(services.alignment, "register", lambda *_slides: Affine((1.0, 0.0, 37.0, 0.0, 1.0, -22.0), 0.8))


@pytest.fixture(scope="session")
def sections(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    folder = tmp_path_factory.mktemp("sections")
    block = TissueBlock(size_px=SIZE_PX, mpp=MPP, seed=3)
    drawn = Sections(folder / "he.tif", folder / "real.tif", folder / "synthetic.tif")
    write_section(block, "HE", "HE", drawn.he)
    write_section(block, "KI67", "HDAB", drawn.real)
    write_section(block, "HE", "HDAB", drawn.synthetic)
    return drawn


def square(**fields: object) -> dict[str, object]:
    return {"width_l0": SIZE_PX, "height_l0": SIZE_PX, "mpp": MPP, "drawn": True, **fields}


@pytest.fixture
def pair(project: Project, sections: Sections) -> Pair:
    """A published synthetic slide with its source and its real counterpart."""
    case = make_case(project, "Case 01")
    source = make_slide(case, "HE", **square())
    slides = Pair(source, make_slide(case, "KI67", **square()), make_synthetic_slide(source, published=True))
    for slide, path in zip(slides, (sections.he, sections.real, sections.synthetic), strict=True):
        storage.save_file(path, slide.key, may_link=True)
    return slides


@pytest.fixture
def lone_synthetic(project: Project, sections: Sections) -> Slide:
    """A published synthetic slide of a case without a real Ki-67 slide."""
    source = make_slide(make_case(project), "HE", **square())
    synthetic = make_synthetic_slide(source, published=True)
    storage.save_file(sections.synthetic, synthetic.key, may_link=True)
    return synthetic


MakeScore = Callable[..., CellScore]


def make_score(slide: Slide, positive: int = 20, negative: int = 80, **fields: Any) -> CellScore:
    """A finished count without its cells."""
    total = positive + negative
    values: dict[str, object] = {
        "state": CellScore.State.DONE,
        "slide_version": slide.version,
        "progress": 1.0,
        "positive": positive,
        "negative": negative,
        "ratio": positive / total if total else None,
        "interval_low": 0.1 if total else None,
        "interval_high": 0.3 if total else None,
        "calibrated_on": slide,
        "parameters": {"method": "hdab-nuclei"},
    }
    return CellScore.objects.create(slide=slide, **{**values, **fields})


def queued(slide: Slide, by: User | None = None, **fields: object) -> CellScore:
    values: dict[str, object] = {"slide_version": slide.version, "calibrated_on": slide, "created_by": by}
    return CellScore.objects.create(slide=slide, **{**values, **fields})


CELLS = [
    # x, y, positive: four cells in the upper left, two far away.
    (100.0, 100.0, True),
    (120.0, 110.0, False),
    (90.0, 130.0, False),
    (140.0, 150.0, True),
    (700.0, 600.0, False),
    (650.0, 700.0, True),
]


def store_cells(score: CellScore, cells: list[tuple[float, float, bool]]) -> CellScore:
    """Give a finished count its column file and the numbers that belong to it."""
    x, y, positive = (np.array(column) for column in zip(*cells, strict=True))
    path = settings.LAYOUT.home / f"cells-{score.pk}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    order = np.argsort(y, kind="stable")
    columns = {"x": x, "y": y, "area_um2": np.full(len(x), 50.0), "dab": np.where(positive, 0.4, 0.05)}
    kinds = {name: values[order].astype(np.float32) for name, values in columns.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **kinds, is_positive=positive[order].astype(bool))  # type: ignore[arg-type]
    score.cells_key = f"scores/{score.pk}/attempt-1.npz"
    storage.save_file(path, score.cells_key)
    score.positive, score.negative = int(positive.sum()), int((~positive).sum())
    score.ratio = score.positive / len(cells)
    score.save()
    return score


@pytest.fixture
def counted_pair(pair: Pair) -> Pair:
    """A pair with finished counts of the same six cells each, and an alignment that moves nothing."""
    for slide in (pair.real, pair.synthetic):
        store_cells(make_score(slide), CELLS)
    Alignment.objects.create(
        fixed=pair.source, moving=pair.real, matrix=[1, 0, 0, 0, 1, 0], correlation=0.9, method="automatic affine"
    )
    return pair

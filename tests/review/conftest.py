"""A drawn case: H&E, real Ki-67 and a synthetic Ki-67 slide that is the true virtual stain of the H&E section."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache

from accounts.models import Project, User
from review import services
from review.models import CellScore
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
    monkeypatch.setattr(services, "register", lambda *_slides: Affine((1.0, 0.0, 37.0, 0.0, 1.0, -22.0), 0.8))


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

"""Fixtures of the viewer: slides that lie in storage, and nothing left over from another test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from accounts.models import Project, User
from tests.viewer.drawing import draw_slide
from viewer import readers, services, tile_files
from viewer.models import Case, Slide, SlideImport


@pytest.fixture(autouse=True)
def no_reader_stays_open() -> Iterator[None]:
    yield
    readers.close_all()
    tile_files.close_all()


@pytest.fixture
def slide_file(tmp_path: Path) -> Path:
    return draw_slide(tmp_path / "Ivanov 12.tif")


@pytest.fixture
def asked(project: Project, lead: User) -> Callable[..., SlideImport]:
    """Return a function that requests an import: `asked(path, stain="KI67")`."""

    def request(path: Path, **changes: Any) -> SlideImport:
        fields: dict[str, Any] = {"project": project, "case_name": "Case 01", "stain": "HE", "by": lead}
        return services.request_import(path=path, **{**fields, **changes})

    return request


@pytest.fixture
def stored_slide(slide_file: Path, asked: Callable[..., SlideImport]) -> Slide:
    """A slide that went the whole way in, without a worker."""
    slide = services.import_slide(asked(slide_file).pk)
    assert slide is not None
    return Slide.objects.select_related("case__project").get(pk=slide.pk)


@pytest.fixture
def stored_files() -> Callable[[], list[str]]:
    """Return a function that lists every file in storage."""

    def listed() -> list[str]:
        root = Path(default_storage.path(""))
        return (
            sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()) if root.exists() else []
        )

    return listed


@pytest.fixture
def assert_refused(
    asked: Callable[..., SlideImport], stored_files: Callable[[], list[str]]
) -> Callable[..., SlideImport]:
    """Import, and expect a message and nothing else."""

    def refused(path: Path, message: str, **changes: Any) -> SlideImport:
        before = stored_files()
        slides = Slide.objects.count()
        row = asked(path, **changes)
        assert services.import_slide(row.pk) is None
        row.refresh_from_db()
        assert (row.state, row.slide, row.source_path, row.stored_key) == ("failed", None, "", "")
        assert message in row.message
        assert path.name not in row.message
        assert Slide.objects.count() == slides
        assert slides or not Case.objects.exists()
        assert stored_files() == before
        return row

    return refused


@pytest.fixture
def dicom_folder(data_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(data_folder / "wsi" / "CMU-1-Small-Region_dicom", tmp_path / "Petrova"))

import pytest
from celery.exceptions import Retry
from django.db.models.functions import Now

from viewer import launch, tasks
from viewer.models import Slide, SlideImport

pytestmark = pytest.mark.django_db


@pytest.fixture
def retried(monkeypatch):
    """Record when the task asks to be run again."""
    waits = []

    def retry(countdown):
        waits.append(countdown)
        return Retry()

    monkeypatch.setattr(tasks.import_slide, "retry", retry)
    return waits


def test_the_task_imports(asked, slide_file, retried):
    row = asked(slide_file)
    tasks.import_slide(import_pk=row.pk)
    assert Slide.objects.count() == 1
    assert retried == []


def test_a_delivery_beside_a_living_worker_asks_again_later(asked, slide_file, retried, settings):
    row = asked(slide_file)
    SlideImport.objects.filter(pk=row.pk).update(state="running", heartbeat_at=Now(), attempt=1)
    with pytest.raises(Retry):
        tasks.import_slide(import_pk=row.pk)
    assert retried == [settings.RUN_SILENCE_SECONDS]
    assert not Slide.objects.exists()


def test_a_delivery_after_the_end_does_nothing(asked, slide_file, retried):
    row = asked(slide_file)
    tasks.import_slide(import_pk=row.pk)
    tasks.import_slide(import_pk=row.pk)
    assert Slide.objects.count() == 1
    assert retried == []


def test_an_import_that_was_removed_does_nothing(retried):
    tasks.import_slide(import_pk=12345)
    assert retried == []


def test_imports_are_enqueued_once_the_rows_are_there(project, lead, slide_file, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        [row] = launch.import_slides([slide_file], project, "Case 01", "HE", by=lead)
    assert row.state == "queued"
    assert len(callbacks) == 1


def test_of_several_paths_with_a_wrong_one_none_is_queued(project, lead, slide_file, tmp_path):
    with pytest.raises(Exception, match="There is no file or folder"):
        launch.import_slides([slide_file, tmp_path / "missing"], project, "Case 01", "HE", by=lead)
    assert not SlideImport.objects.exists()

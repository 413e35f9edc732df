from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from celery.exceptions import Retry
from django.core.files.storage import default_storage
from django.utils import timezone

from review import runner, services, tasks
from review.models import Alignment, CellScore, ScoringSettings
from review.selectors import cells_of
from tests.review.conftest import Pair, Sections, make_score, queued
from tests.viewer.imaging.onnx_models import write_model
from viewer import storage
from viewer.imaging.errors import UnreadableSlide
from viewer.models import Slide

State = CellScore.State


def test_a_count_ends_with_numbers_and_a_column_file(pair: Pair) -> None:
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert (score.state, score.progress) == (State.DONE, 1)
    assert score.cells is not None and score.cells > 300
    assert score.ratio == score.positive / score.cells
    cells = cells_of(score.cells_key)
    assert (len(cells.x), int(cells.is_positive.sum())) == (score.cells, score.positive)
    assert score.cells_key == f"scores/{score.pk}/attempt-1.npz"


def test_a_region_holds_only_its_own_cells(pair: Pair) -> None:
    score = queued(pair.real, region_l0=[100, 200, 300, 250])
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    cells = cells_of(score.cells_key)
    assert score.state == State.DONE and len(cells.x) > 20
    assert cells.x.min() >= 99.5 and cells.x.max() < 399.5
    assert cells.y.min() >= 199.5 and cells.y.max() < 449.5


def test_the_synthetic_slide_is_counted_with_the_parameters_of_the_real_one(pair: Pair) -> None:
    real, synthetic = queued(pair.real), queued(pair.synthetic, calibrated_on=pair.real)
    tasks.score_slide(score_pk=real.pk)
    tasks.score_slide(score_pk=synthetic.pk)
    real.refresh_from_db()
    synthetic.refresh_from_db()
    assert synthetic.state == State.DONE
    assert synthetic.parameters == real.parameters
    assert synthetic.parameters["fragments"] > 0


def test_the_parameters_are_the_same_when_the_real_slide_was_never_counted(pair: Pair) -> None:
    synthetic = queued(pair.synthetic, calibrated_on=pair.real)
    tasks.score_slide(score_pk=synthetic.pk)
    real = queued(pair.real)
    tasks.score_slide(score_pk=real.pk)
    synthetic.refresh_from_db()
    real.refresh_from_db()
    assert synthetic.parameters == real.parameters


def test_parameters_of_another_method_version_are_not_taken_over(pair: Pair) -> None:
    make_score(pair.real, parameters={"method": "hdab-nuclei", "method_version": -1, "dab_threshold": 0.9})
    assert 0.1 <= runner.calibration(pair.real).dab_threshold <= 0.2


def test_parameters_of_a_slide_that_was_replaced_are_not_taken_over(pair: Pair) -> None:
    stored = {**runner.calibration(pair.real).as_dict(), "dab_threshold": 0.9}
    score = make_score(pair.real, parameters=stored)
    assert runner.calibration(pair.real).dab_threshold == 0.9
    CellScore.objects.filter(pk=score.pk).update(slide_version="000000000000")
    assert 0.1 <= runner.calibration(pair.real).dab_threshold <= 0.2


def test_a_second_delivery_of_a_finished_count_changes_nothing(pair: Pair) -> None:
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    before = CellScore.objects.values().get(pk=score.pk)
    tasks.score_slide(score_pk=score.pk)
    assert CellScore.objects.values().get(pk=score.pk) == before


def test_a_delivery_that_finds_a_living_worker_asks_again_later(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    score = queued(pair.real, state=State.RUNNING, heartbeat_at=timezone.now(), attempt=1)
    later = Mock(side_effect=Retry)
    monkeypatch.setattr(tasks.score_slide, "retry", later)
    with pytest.raises(Retry):
        tasks.score_slide(score_pk=score.pk)
    later.assert_called_once_with(countdown=60)
    score.refresh_from_db()
    assert (score.state, score.attempt) == (State.RUNNING, 1)


def test_a_delivery_for_a_score_that_does_not_exist_is_dropped(db: None) -> None:
    tasks.score_slide(score_pk=4711)


def test_a_slide_that_cannot_be_read_fails_with_the_reason(pair: Pair) -> None:
    default_storage.delete(pair.real.key)
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert (score.state, score.positive, score.ratio) == (State.FAILED, None, None)
    assert score.message


def test_a_full_disk_fails_with_the_remedy_and_leaves_no_file(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runner, "write_cells", full)
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert (score.state, score.cells_key) == (State.FAILED, "")
    assert "Free some space and count again" in score.message
    assert not default_storage.exists(f"scores/{score.pk}")


def test_a_fault_of_the_program_ends_the_count_with_a_message(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("viewer.imaging.cells.count_slide", Mock(side_effect=ZeroDivisionError))
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert score.state == State.FAILED
    assert "fault of the program" in score.message
    assert "ZeroDivisionError" in caplog.text


def test_a_slide_replaced_meanwhile_leaves_no_cells_behind(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def count_and_replace(score: CellScore, on_progress: runner.OnProgress) -> object:
        count = counted_before(score, on_progress)
        Slide.objects.filter(pk=score.slide_id).update(version="000000000000")
        return count

    counted_before = runner.count_cells
    monkeypatch.setattr(runner, "count_cells", count_and_replace)
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert score.state == State.FAILED and "replaced" in score.message
    assert not default_storage.exists(f"scores/{score.pk}/attempt-1.npz")


def test_a_slide_replaced_before_the_count_began_is_not_counted(pair: Pair) -> None:
    score = queued(pair.real, slide_version="000000000000")
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert score.state == State.FAILED and "replaced" in score.message


def test_a_worker_that_was_given_up_stops_and_leaves_the_row_to_its_successor(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = queued(pair.real)

    def taken_over(score: CellScore, on_progress: runner.OnProgress) -> object:
        CellScore.objects.filter(pk=score.pk).update(attempt=2)
        on_progress(0.5)
        raise AssertionError("the count went on")

    monkeypatch.setattr(runner, "count_cells", taken_over)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert (score.state, score.attempt, score.progress) == (State.RUNNING, 2, 0)


def test_progress_is_written_while_counting(pair: Pair, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 0  # type: ignore[attr-defined]
    shares: list[float] = []
    record = services.record_progress

    def noting(score: CellScore, share: float) -> None:
        record(score, share)
        shares.append(CellScore.objects.get(pk=score.pk).progress)

    monkeypatch.setattr(services, "record_progress", noting)
    tasks.score_slide(score_pk=queued(pair.real).pk)
    assert shares[0] == 0 and shares[-1] == 1


def test_sections_are_aligned_by_a_worker_and_a_repeat_changes_nothing(pair: Pair) -> None:
    tasks.align(fixed_pk=pair.source.pk, moving_pk=pair.real.pk)
    tasks.align(fixed_pk=pair.source.pk, moving_pk=pair.real.pk)
    assert Alignment.objects.get().matrix is not None


def test_an_alignment_of_a_slide_that_does_not_exist_is_dropped(pair: Pair) -> None:
    tasks.align(fixed_pk=pair.source.pk, moving_pk=4711)
    assert not Alignment.objects.exists()


def test_an_unreadable_section_is_kept_as_the_reason(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.alignment, "register", Mock(side_effect=UnreadableSlide("The file is damaged.")))
    tasks.align(fixed_pk=pair.source.pk, moving_pk=pair.real.pk)
    assert Alignment.objects.get().message == "The file is damaged."


def test_a_slide_that_looks_like_he_is_counted_with_a_warning(pair: Pair, sections: Sections) -> None:
    storage.save_file(sections.he, pair.real.key)
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert score.state == State.DONE
    assert "This looks like H&E: " in score.message and "the ratio means nothing here" in score.message


def test_a_project_may_count_with_the_server_s_model(pair: Pair, tmp_path: Path, settings: Any) -> None:
    settings.NUCLEUS_MODEL = str(write_model(tmp_path / "dark.onnx"))
    ScoringSettings.objects.create(project=pair.real.project, detector=ScoringSettings.Detector.MODEL)
    real, synthetic = queued(pair.real), queued(pair.synthetic, calibrated_on=pair.real)
    for score in (real, synthetic):
        tasks.score_slide(score_pk=score.pk)
        score.refresh_from_db()
    assert (real.state, real.parameters["method"]) == (State.DONE, "onnx-nuclei")
    assert real.parameters["model"]["name"] == "dark.onnx"
    assert synthetic.parameters == real.parameters


def test_the_calibration_of_a_count_by_density_serves_a_count_by_model_and_back(
    pair: Pair, tmp_path: Path, settings: Any
) -> None:
    first, second, third = queued(pair.real), queued(pair.real), queued(pair.real)
    tasks.score_slide(score_pk=first.pk)
    settings.NUCLEUS_MODEL = str(write_model(tmp_path / "dark.onnx"))
    choice = ScoringSettings.objects.create(project=pair.real.project, detector=ScoringSettings.Detector.MODEL)
    tasks.score_slide(score_pk=second.pk)
    choice.delete()
    tasks.score_slide(score_pk=third.pk)
    for score in (first, second, third):
        score.refresh_from_db()
    assert second.parameters["white_point"] == first.parameters["white_point"]
    assert third.parameters == first.parameters


def test_a_malformed_model_fails_the_count_with_its_reason(pair: Pair, tmp_path: Path, settings: Any) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    settings.NUCLEUS_MODEL = str(tmp_path / "bad.onnx")
    ScoringSettings.objects.create(project=pair.real.project, detector=ScoringSettings.Detector.MODEL)
    score = queued(pair.real)
    tasks.score_slide(score_pk=score.pk)
    score.refresh_from_db()
    assert (score.state, score.positive, score.cells_key) == (State.FAILED, None, "")
    assert score.message.startswith("bad.onnx is no ONNX model, or a damaged one")

from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.errors import ApplicationError
from accounts.models import User
from review import launch
from review.models import Alignment, CellScore
from review.tables import comparison
from tests.review.conftest import Pair
from viewer.models import Slide

State = CellScore.State


def test_a_pair_is_counted_alike_the_real_slide_first_and_then_aligned(
    pair: Pair, clinician: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        real, synthetic = launch.score_pair(pair.synthetic, clinician)
    assert real is not None
    real.refresh_from_db()
    synthetic.refresh_from_db()
    assert (real.state, synthetic.state) == (State.DONE, State.DONE)
    assert (real.calibrated_on, synthetic.calibrated_on) == (pair.real, pair.real)
    assert real.parameters == synthetic.parameters
    assert real.heartbeat_at < synthetic.heartbeat_at
    assert Alignment.objects.get().fixed == pair.source
    table = comparison(pair.synthetic.project, clinician)
    assert table.compared == 1
    assert table.pairs[0].difference == synthetic.ratio - real.ratio


def test_a_synthetic_slide_alone_is_calibrated_on_itself_and_says_so(
    lone_synthetic: Slide, clinician: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        real, synthetic = launch.score_pair(lone_synthetic, clinician)
    assert real is None
    synthetic.refresh_from_db()
    assert (synthetic.state, synthetic.calibrated_on) == (State.DONE, lone_synthetic)
    assert "calibrated on the synthetic slide itself" in synthetic.message
    assert not Alignment.objects.exists()


def test_a_failed_count_of_the_real_slide_does_not_keep_the_synthetic_one_waiting(
    pair: Pair,
    clinician: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    from review import runner

    count_cells = runner.count_cells

    def fail_on_real(score: CellScore, on_progress: runner.OnProgress) -> Any:
        if not score.slide.is_synthetic:
            raise ZeroDivisionError
        return count_cells(score, on_progress)

    monkeypatch.setattr(runner, "count_cells", fail_on_real)
    with django_capture_on_commit_callbacks(execute=True):
        real, synthetic = launch.score_pair(pair.synthetic, clinician)
    assert real is not None
    real.refresh_from_db()
    synthetic.refresh_from_db()
    assert (real.state, synthetic.state) == (State.FAILED, State.DONE)


def test_nothing_is_sent_to_a_worker_when_the_slide_cannot_be_counted(
    pair: Pair, clinician: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with (
        django_capture_on_commit_callbacks() as callbacks,
        pytest.raises(ApplicationError),
    ):
        launch.score_slide(pair.source, clinician)
    assert callbacks == []
    assert not CellScore.objects.exists()


def test_asking_again_for_a_count_whose_message_was_lost_sends_it_again(
    pair: Pair, clinician: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    lost = launch.score_slide(pair.real, clinician)
    assert CellScore.objects.get().state == State.QUEUED
    with django_capture_on_commit_callbacks(execute=True):
        assert launch.score_slide(pair.real, clinician) == lost
    assert CellScore.objects.get().state == State.DONE

import threading
from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from review import services
from review.models import Alignment, CellScore, Review, ScoringSettings
from tests.factories import make_case, make_slide, make_slide_without_mpp, make_synthetic_slide
from tests.review.conftest import Pair, make_score, queued
from viewer.imaging.cells import CellCount, CountParameters
from viewer.imaging.errors import RegistrationFailed
from viewer.imaging.registration import register
from viewer.models import Slide

State = CellScore.State


@pytest.fixture
def slide(project: Project) -> Slide:
    """A Ki-67 slide without a file."""
    return make_slide(make_case(project), "KI67")


def counted(positive: int, negative: int, warnings: tuple[str, ...] = ()) -> CellCount:
    total = positive + negative
    return CellCount(
        mpp=0.25,
        region=(0, 0, 6720, 6720),
        parameters=CountParameters().as_dict(),
        x=np.arange(total, dtype=float),
        y=np.arange(total, dtype=float),
        area_um2=np.full(total, 50.0),
        dab=np.where(np.arange(total) < positive, 0.25, 0.05),
        is_positive=np.arange(total) < positive,
        warnings=warnings,
    )


def fall_silent(score: CellScore, **fields: object) -> None:
    CellScore.objects.filter(pk=score.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61), **fields)


def test_a_real_slide_is_calibrated_on_itself(slide: Slide, clinician: User) -> None:
    score = services.create_score(slide, clinician)
    assert (score.state, score.slide_version, score.calibrated_on, score.region_l0, score.created_by) == (
        State.QUEUED,
        slide.version,
        slide,
        None,
        clinician,
    )


def test_a_synthetic_slide_is_calibrated_on_the_newest_real_one_of_its_case(project: Project, clinician: User) -> None:
    case = make_case(project)
    source, _older, real = (make_slide(case, stain) for stain in ("HE", "KI67", "KI67"))
    make_slide_without_mpp(case, "KI67")
    make_slide(make_case(project), "KI67")
    synthetic = make_synthetic_slide(source, published=True)
    assert services.create_score(synthetic, clinician).calibrated_on == real


def test_a_synthetic_slide_without_a_real_one_is_calibrated_on_itself(project: Project, clinician: User) -> None:
    synthetic = make_synthetic_slide(make_slide(make_case(project), "HE"), published=True)
    assert services.create_score(synthetic, clinician).calibrated_on == synthetic


def test_asking_twice_counts_once(slide: Slide, clinician: User) -> None:
    first = services.create_score(slide, clinician)
    assert services.create_score(slide, clinician) == first
    services.claim_score(first.pk)
    assert services.create_score(slide, clinician) == first
    region = services.create_score(slide, clinician, [0, 0, 512, 512])
    assert region != first
    assert services.create_score(slide, clinician, [0, 0, 512, 512]) == region
    assert services.create_score(slide, clinician, [0, 0, 512, 513]) not in (first, region)


def test_a_new_count_after_a_finished_one_is_a_new_row(slide: Slide, clinician: User) -> None:
    finished = make_score(slide)
    assert services.create_score(slide, clinician) != finished
    assert CellScore.objects.filter(slide=slide).count() == 2


def test_a_haematoxylin_and_eosin_slide_is_refused_with_the_reason(project: Project, clinician: User) -> None:
    with pytest.raises(ApplicationError, match="which H&E does not have"):
        services.create_score(make_slide(make_case(project), "HE"), clinician)
    assert not CellScore.objects.exists()


def test_a_slide_without_mpp_is_refused_with_the_remedy(project: Project, clinician: User) -> None:
    with pytest.raises(ApplicationError, match="A project lead supplies its mpp first"):
        services.create_score(make_slide_without_mpp(make_case(project), "KI67"), clinician)
    assert not CellScore.objects.exists()


def test_a_project_that_asks_for_a_model_the_server_does_not_have_is_told_at_once(
    slide: Slide, clinician: User
) -> None:
    ScoringSettings.objects.create(project=slide.project, detector=ScoringSettings.Detector.MODEL)
    with pytest.raises(ApplicationError, match="the server has none"):
        services.create_score(slide, clinician)
    assert not CellScore.objects.exists()


@pytest.mark.parametrize(
    "region", [[-1, 0, 10, 10], [0, 0, 0, 10], [0, 0, 6721, 10], [6700, 0, 21, 10], [0, 6720, 1, 1], [0, 0, 10]]
)
def test_a_region_off_the_slide_is_refused(slide: Slide, clinician: User, region: list[int]) -> None:
    with pytest.raises(ApplicationError, match="within 6720 × 6720 level-0 pixels"):
        services.create_score(slide, clinician, region)
    assert not CellScore.objects.exists()


def test_a_region_may_reach_the_far_corner(slide: Slide, clinician: User) -> None:
    assert services.create_score(slide, clinician, [6719, 6719, 1, 1]).region_l0 == [6719, 6719, 1, 1]


def test_a_score_is_claimed_once(slide: Slide) -> None:
    score = queued(slide)
    claimed = services.claim_score(score.pk)
    assert claimed is not None and (claimed.state, claimed.attempt) == (State.RUNNING, 1)
    assert services.claim_score(score.pk) is None
    assert CellScore.objects.get().attempt == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_gets_the_score(slide: Slide) -> None:
    score = queued(slide)
    together = threading.Barrier(2, timeout=20)
    got: list[CellScore | None] = []

    def claim() -> None:
        together.wait()
        got.append(services.claim_score(score.pk))
        connection.close()

    workers = [threading.Thread(target=claim) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(got) == 2 and got.count(None) == 1
    assert CellScore.objects.get().attempt == 1


def test_a_score_whose_worker_fell_silent_is_taken_over_and_the_old_worker_writes_no_more(slide: Slide) -> None:
    score = queued(slide)
    first = services.claim_score(score.pk)
    assert first is not None
    fall_silent(first)
    second = services.claim_score(score.pk)
    assert second is not None and second.attempt == 2
    with pytest.raises(services.ClaimLost):
        services.record_progress(first, 0.5)
    services.record_failure(first, "too late")
    assert services.record_counts(first, counted(1, 1), "scores/late.npz") is False
    score.refresh_from_db()
    assert (score.state, score.message, score.positive, score.progress) == (State.RUNNING, "", None, 0)


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_a_finished_score_is_not_taken_again(slide: Slide, state: str) -> None:
    score = make_score(slide, state=state)
    assert services.claim_score(score.pk) is None
    score.refresh_from_db()
    assert score.state == state


def test_a_count_that_kills_its_workers_is_given_up_with_a_message(slide: Slide) -> None:
    score = queued(slide)
    for _attempt in range(services.MAX_ATTEMPTS):
        assert services.claim_score(score.pk) is not None
        fall_silent(score)
    assert services.claim_score(score.pk) is None
    score.refresh_from_db()
    assert score.state == State.FAILED
    assert "The worker died 3 times" in score.message


def test_a_result_is_kept_with_its_interval_and_its_method(slide: Slide) -> None:
    score = services.claim_score(queued(slide).pk)
    assert score is not None
    assert services.record_counts(score, counted(20, 80), "scores/1/attempt-1.npz")
    score.refresh_from_db()
    assert (score.state, score.progress, score.message) == (State.DONE, 1, "")
    assert (score.positive, score.negative, score.cells, score.ratio) == (20, 80, 100, 0.2)
    assert (score.interval_low, score.interval_high) == pytest.approx((0.1334, 0.2888), abs=1e-4)
    assert score.sensitivity[0] == {"dab_threshold": 0.1, "positive": 20, "ratio": 0.2}
    assert score.parameters["method"] == "hdab-nuclei"
    assert score.cells_key == "scores/1/attempt-1.npz"


def test_no_cells_give_no_ratio_and_say_so(slide: Slide) -> None:
    score = services.claim_score(queued(slide).pk)
    assert score is not None and services.record_counts(score, counted(0, 0), "scores/1.npz")
    score.refresh_from_db()
    assert (score.ratio, score.interval_low, score.interval_high) == (None, None, None)
    assert (score.positive, score.negative) == (0, 0)
    assert "No nuclei were found" in score.message


def test_warnings_of_the_counter_reach_the_reader(slide: Slide) -> None:
    score = services.claim_score(queued(slide).pk)
    assert score is not None and services.record_counts(score, counted(1, 1, ("Only 12 fragments.",)), "k")
    score.refresh_from_db()
    assert score.message == "Only 12 fragments."


def test_another_stain_is_counted_and_the_score_says_that_it_is_not_ki67(project: Project) -> None:
    score = services.claim_score(queued(make_slide(make_case(project), "SYN")).pk)
    assert score is not None and services.record_counts(score, counted(5, 5), "k")
    score.refresh_from_db()
    assert score.message.startswith("This is a SYN slide, not Ki-67")


def test_a_synthetic_slide_calibrated_on_itself_says_so(project: Project) -> None:
    synthetic = make_synthetic_slide(make_slide(make_case(project), "HE"), published=True)
    score = services.claim_score(queued(synthetic).pk)
    assert score is not None and services.record_counts(score, counted(5, 5), "k")
    score.refresh_from_db()
    assert "no real Ki-67 slide" in score.message and "calibrated on the synthetic slide itself" in score.message


def test_a_slide_that_was_replaced_while_it_was_counted_gets_no_number(slide: Slide) -> None:
    score = services.claim_score(queued(slide).pk)
    assert score is not None
    Slide.objects.filter(pk=slide.pk).update(version="000000000000")
    assert services.record_counts(score, counted(5, 5), "k") is False
    score.refresh_from_db()
    assert (score.state, score.positive, score.ratio, score.cells_key) == (State.FAILED, None, None, "")
    assert "replaced" in score.message


def test_cells_of_an_unfinished_score_are_refused(slide: Slide) -> None:
    with pytest.raises(Conflict, match="This count is queued"):
        services.refuse_unfinished(queued(slide))


def test_two_sections_are_aligned_once_and_kept(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.alignment, "register", register)
    first = services.align_pair(pair.source, pair.real)
    assert first.matrix is not None and len(first.matrix) == 6
    assert first.correlation is not None and 0.3 < first.correlation <= 1
    monkeypatch.setattr(services.alignment, "register", None)
    assert services.align_pair(pair.source, pair.real) == first
    assert Alignment.objects.count() == 1


def test_sections_that_do_not_fit_are_kept_with_the_reason(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise RegistrationFailed("The sections do not fit.")

    monkeypatch.setattr(services.alignment, "register", refuse)
    failed = services.align_pair(pair.source, pair.real)
    assert (failed.matrix, failed.correlation, failed.message) == (None, None, "The sections do not fit.")


def test_a_pair_that_did_not_fit_may_be_tried_again(pair: Pair) -> None:
    failed = Alignment.objects.create(fixed=pair.source, moving=pair.real, method="x", message="The file was away.")
    again = services.align_pair(pair.source, pair.real)
    assert again.pk == failed.pk
    assert again.matrix is not None and again.message == ""


def test_the_database_refuses_an_alignment_that_neither_fits_nor_says_why(pair: Pair) -> None:
    with pytest.raises(IntegrityError, match="alignment_fits_or_says_why_not"), transaction.atomic():
        Alignment.objects.create(fixed=pair.source, moving=pair.real, method="x")


def test_a_verdict_is_signed_with_the_scores_that_stand(pair: Pair, clinician: User) -> None:
    make_score(pair.synthetic, positive=1)
    real, synthetic = make_score(pair.real), make_score(pair.synthetic, positive=30)
    queued(pair.synthetic)
    review = services.sign_verdict(pair.synthetic, clinician, "minor_flaws", "Pale at the edge.")
    assert (review.slide, review.slide_version, review.reader) == (pair.synthetic, pair.synthetic.version, clinician)
    assert (review.verdict, review.comment) == ("minor_flaws", "Pale at the edge.")
    assert (review.real_score, review.synthetic_score) == (real, synthetic)


def test_a_later_verdict_is_a_new_row(pair: Pair, clinician: User) -> None:
    first = services.sign_verdict(pair.synthetic, clinician, "usable")
    services.reopen_verdict(first, clinician, "Looked again.")
    services.sign_verdict(pair.synthetic, clinician, "not_usable", "Blurred.")
    assert list(Review.objects.order_by("pk").values_list("verdict", flat=True)) == ["usable", "not_usable"]


def test_only_a_published_synthetic_slide_is_judged(pair: Pair, clinician: User) -> None:
    hidden = make_synthetic_slide(pair.source)
    for slide in (hidden, pair.real, pair.source):
        with pytest.raises(ApplicationError, match="is not a published synthetic slide"):
            services.sign_verdict(slide, clinician, "usable")
    assert not Review.objects.exists()


def test_a_verdict_that_does_not_exist_is_refused(pair: Pair, clinician: User) -> None:
    with pytest.raises(ApplicationError, match="expected one of usable, minor_flaws, not_usable"):
        services.sign_verdict(pair.synthetic, clinician, "splendid")
    assert not Review.objects.exists()

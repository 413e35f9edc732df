import pytest
from django.db import IntegrityError, transaction

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from review.models import Alignment
from review.selectors import alignment_of, alignment_versions
from review.services import align_pair, correct_alignment
from tests.review.conftest import Pair

POINTS = [(100.0, 100.0, 110.0, 95.0), (700.0, 120.0, 710.0, 115.0), (400.0, 700.0, 410.0, 695.0)]


def test_a_correction_by_points_is_a_new_version_that_stands(pair: Pair, clinician: User) -> None:
    automatic = align_pair(pair.source, pair.real)
    corrected = correct_alignment(pair.source, pair.real, POINTS, clinician, automatic.version)
    assert (corrected.version, corrected.created_by, corrected.method) == (2, clinician, "point pairs")
    assert corrected.matrix == pytest.approx([1, 0, 10, 0, 1, -5], abs=1e-9)
    assert (corrected.error_um, corrected.points[0]) == (0.0, [100.0, 100.0, 110.0, 95.0])
    assert alignment_of(pair.source, pair.real) == corrected
    assert align_pair(pair.source, pair.real) == corrected
    assert list(alignment_versions(pair.source, pair.real)) == [corrected, automatic]


def test_a_pair_that_could_not_be_aligned_takes_points(pair: Pair, clinician: User) -> None:
    Alignment.objects.create(fixed=pair.source, moving=pair.real, method="automatic affine", message="They do not fit.")
    assert correct_alignment(pair.source, pair.real, POINTS[:2], clinician, 1).version == 2


def test_of_two_readers_the_second_is_told_of_the_first(pair: Pair, clinician: User) -> None:
    correct_alignment(pair.source, pair.real, POINTS, clinician, None)
    with pytest.raises(Conflict, match="clinician has aligned these sections in the meantime"):
        correct_alignment(pair.source, pair.real, POINTS, clinician, None)
    assert Alignment.objects.count() == 1


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (POINTS[:1], "at least 2 are needed"),
        ([(100.0, 100.0, 100.0, 100.0), (110.0, 100.0, 110.0, 100.0)], "at least 100 µm"),
        ([(0.0, 0.0, 0.0, 0.0), (700.0, 0.0, 250.0, 0.0)], "stretch the section"),
        ([(100.0, 100.0, 110.0, 95.0), (800.0, 100.0, 10.0, 10.0)], "does not lie on"),
        (POINTS * 7, "at most 20"),
    ],
)
def test_points_that_make_no_map_are_refused(
    pair: Pair, clinician: User, points: list[tuple[float, float, float, float]], told: str
) -> None:
    with pytest.raises(ApplicationError, match=told):
        correct_alignment(pair.source, pair.real, points, clinician, None)
    assert not Alignment.objects.exists()


def test_the_database_keeps_one_row_per_version(pair: Pair) -> None:
    align_pair(pair.source, pair.real)
    with pytest.raises(IntegrityError, match="alignment_once_per_version"), transaction.atomic():
        Alignment.objects.create(fixed=pair.source, moving=pair.real, method="x", message="y")

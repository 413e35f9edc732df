from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Project, User
from review.models import Review
from review.services import sign_verdict
from tests.factories import make_case, make_slide, make_synthetic_slide

migration = import_module("review.migrations.0002_append_only_reviews")


def test_the_guard_can_be_taken_back_and_put_up_again(db: None) -> None:
    def guards() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'review_append_only'")
            return int(cursor.fetchone()[0])

    assert guards() == 1
    with connection.cursor() as cursor:
        cursor.execute(migration.BACKWARD)
        assert guards() == 0
        cursor.execute(migration.FORWARD)
    assert guards() == 1


def test_the_database_refuses_to_change_or_delete_a_verdict(project: Project, clinician: User) -> None:
    synthetic = make_synthetic_slide(make_slide(make_case(project)), published=True)
    sign_verdict(synthetic, clinician, "usable", "Good.")
    with pytest.raises(IntegrityError, match="append-only: UPDATE refused"), transaction.atomic():
        Review.objects.update(verdict="not_usable")
    with pytest.raises(IntegrityError, match="append-only: DELETE refused"), transaction.atomic():
        Review.objects.all().delete()
    assert list(Review.objects.values_list("verdict", "comment")) == [("usable", "Good.")]

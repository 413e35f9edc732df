from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from annotation.models import LargePatch, WeakLabel
from tests.annotation.conftest import give

migration = import_module("annotation.migrations.0002_append_only_labels")


def test_the_guard_can_be_taken_back_and_put_up_again(db: None) -> None:
    def guards() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'weak_label_append_only'")
            return int(cursor.fetchone()[0])

    assert guards() == 1
    with connection.cursor() as cursor:
        cursor.execute(migration.BACKWARD)
        assert guards() == 0
        cursor.execute(migration.FORWARD)
    assert guards() == 1


@pytest.mark.parametrize("change", [{"value": "normal"}, {"milliseconds": 1}, {"value": None}])
def test_the_database_refuses_to_change_a_label(
    patch: LargePatch, pathologist: User, change: dict[str, object]
) -> None:
    label = give(patch, "tumor", pathologist)
    with pytest.raises(IntegrityError, match="append-only: UPDATE refused"), transaction.atomic():
        WeakLabel.objects.filter(pk=label.pk).update(**change)
    assert WeakLabel.objects.get().value == "tumor"


def test_the_database_refuses_to_delete_a_label(patch: LargePatch, pathologist: User) -> None:
    give(patch, "tumor", pathologist)
    with pytest.raises(IntegrityError, match="append-only: DELETE refused"), transaction.atomic():
        WeakLabel.objects.all().delete()
    assert WeakLabel.objects.count() == 1

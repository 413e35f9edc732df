"""Show a synthetic slide, take it back, keep the history."""

import pytest
from django.db import DatabaseError, transaction

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from tests.factories import make_case, make_slide, make_synthetic_slide
from tests.training.builders import change, make_done_generator
from training.models import Publication, Run
from training.services import create_run, publish, publish_product, withdraw
from viewer.models import Slide


@pytest.fixture
def synthetic(project: Project) -> Slide:
    return make_synthetic_slide(make_slide(make_case(project), "HE"))


def test_publishing_shows_the_slide_and_says_who_did_it(synthetic: Slide, lead: User) -> None:
    publication = publish(synthetic, lead)
    synthetic.refresh_from_db()
    assert synthetic.published_at is not None
    assert (publication.slide, publication.published_by, publication.withdrawn_at) == (synthetic, lead, None)


def test_publishing_twice_is_one_publication(synthetic: Slide, lead: User) -> None:
    assert publish(synthetic, lead) == publish(synthetic, lead)
    assert Publication.objects.count() == 1


def test_withdrawing_keeps_the_row(synthetic: Slide, lead: User) -> None:
    publish(synthetic, lead)
    withdraw(synthetic, lead, " seams ")
    synthetic.refresh_from_db()
    assert synthetic.published_at is None
    row = Publication.objects.get()
    assert (row.withdrawn_by, row.reason) == (lead, "seams")
    assert row.withdrawn_at is not None


def test_a_slide_can_be_published_again(synthetic: Slide, lead: User) -> None:
    publish(synthetic, lead)
    withdraw(synthetic, lead, "seams")
    publish(synthetic, lead)
    assert list(Publication.objects.order_by("pk").values_list("reason", flat=True)) == ["seams", ""]
    synthetic.refresh_from_db()
    assert synthetic.published_at is not None


def test_a_withdrawal_needs_a_reason(synthetic: Slide, lead: User) -> None:
    publish(synthetic, lead)
    with pytest.raises(ApplicationError, match="needs a reason"):
        withdraw(synthetic, lead, "  ")
    synthetic.refresh_from_db()
    assert synthetic.published_at is not None


def test_what_is_not_published_is_not_withdrawn(synthetic: Slide, lead: User) -> None:
    with pytest.raises(Conflict, match="is not published"):
        withdraw(synthetic, lead, "seams")
    assert not Publication.objects.exists()


def test_a_real_slide_is_not_published(synthetic: Slide, lead: User) -> None:
    real = synthetic.derived_from
    assert real is not None
    with pytest.raises(ApplicationError, match="is a real slide"):
        publish(real, lead)
    assert not Publication.objects.exists()


def test_the_publication_names_the_run_that_painted_the_slide(project: Project, lead: User, synthetic: Slide) -> None:
    generator = make_done_generator(project, lead)
    run = create_run(project, "synthesis", lead, generator_run=generator, slide=synthetic.derived_from)
    assert publish_product(run, lead) is None
    change(run, status=Run.Status.SUCCEEDED, inputs={"generator": synthetic.generator_sha256})
    publication = publish_product(run, lead)
    assert publication is not None
    assert (publication.run, publication.slide) == (run, synthetic)
    withdraw(synthetic, lead, "seams")
    publish_product(run, lead)  # the same message, delivered late
    synthetic.refresh_from_db()
    assert synthetic.published_at is None


def test_the_database_keeps_the_history(synthetic: Slide, lead: User) -> None:
    publication = publish(synthetic, lead)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        publication.delete()
    withdraw(synthetic, lead, "seams")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Publication.objects.update(reason="nothing happened")
    assert Publication.objects.get().reason == "seams"

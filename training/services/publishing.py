"""Show a synthetic slide to clinicians, or take it back. What was shown, by whom and when, stays on record."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from training.models import Publication, Run
from training.selectors import product_of, run_that_made
from viewer import services as viewer_services
from viewer.models import Slide


@transaction.atomic
def publish(slide: Slide, by: User) -> Publication:
    """Publish a synthetic slide; publishing one that is published returns the publication that stands."""
    slide = _locked(slide)
    if standing := slide.publications.filter(withdrawn_at=None).first():
        return standing
    viewer_services.publish_slide(slide)
    return Publication.objects.create(slide=slide, run=run_that_made(slide), published_by=by)


@transaction.atomic
def withdraw(slide: Slide, by: User, reason: str) -> Publication:
    """Take a published slide back; the row keeps who published it and why it was withdrawn.

    Raises:
        ApplicationError: no reason was given.
        Conflict: it is not published.
    """
    slide = _locked(slide)
    if not reason.strip():
        raise ApplicationError(_("A withdrawal needs a reason: clinicians may have read this slide."))
    standing = slide.publications.filter(withdrawn_at=None).first()
    if standing is None:
        raise Conflict(_("“%(slide)s” is not published.") % {"slide": slide})
    viewer_services.withdraw_slide(slide)
    standing.withdrawn_by, standing.withdrawn_at, standing.reason = by, timezone.now(), reason.strip()
    standing.save(update_fields=["withdrawn_by", "withdrawn_at", "reason"])
    return standing


@transaction.atomic
def publish_product(run: Run, by: User) -> Publication | None:
    """Publish what a synthesis run made, once: a message that comes late never brings back what was withdrawn.

    None when it made nothing, as after a failed predecessor.
    """
    slide = product_of(run)
    if slide is None:
        return None
    return _locked(slide).publications.order_by("-pk").first() or publish(slide, by)


def _locked(slide: Slide) -> Slide:
    slide = Slide.objects.select_for_update(no_key=True, of=("self",)).select_related("case__project").get(pk=slide.pk)
    if not slide.is_synthetic:
        raise ApplicationError(
            _("“%(slide)s” is a real slide: every member sees it, there is nothing to publish.") % {"slide": slide}
        )
    return slide

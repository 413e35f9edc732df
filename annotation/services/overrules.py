"""Bring patches in that Otsu's threshold dropped, or leave some out that it kept."""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import User
from annotation.models import LargePatch, Overrule
from viewer.models import Slide


@transaction.atomic
def overrule_tissue(slide: Slide, patch_ids: list[int], offered: bool, by: User) -> list[int]:
    """Offer patches, or leave them out; labels that were given stay in the history. Returns those that changed."""
    patches = {
        patch.pk: patch
        for patch in LargePatch.objects.select_for_update(no_key=True).filter(slide=slide, pk__in=patch_ids)
    }
    if foreign := sorted(set(patch_ids) - patches.keys()):
        raise ApplicationError(
            _("Patch %(patch)s is not one of “%(slide)s”. Nothing was changed.") % {"patch": foreign[0], "slide": slide}
        )
    changed = [pk for pk, patch in sorted(patches.items()) if patch.offered != offered]
    LargePatch.objects.filter(pk__in=changed).update(offered=offered)
    Overrule.objects.bulk_create([Overrule(patch_id=pk, by=by, offered=offered) for pk in changed], batch_size=1000)
    return changed

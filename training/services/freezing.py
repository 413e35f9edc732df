"""Freeze labels into a data set that later clicks can't change."""

import hashlib
from collections.abc import Mapping

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project, User
from training.learning.errors import ManifestError
from training.models import Dataset
from training.selectors import FreezePlan, freeze_plan
from viewer import storage


def freeze_dataset(
    project: Project,
    by: User,
    allow_dependent_validation: bool = False,
    splits: Mapping[str, str] | None = None,
    note: str = "",
) -> Dataset:
    """Write the project's agreed labels to a manifest and name it by its sha256.

    splits: the split of each case that shall not follow the rule, see `selectors.freeze_plan`.

    Raises:
        ApplicationError: labels or slides are missing, or validation would not be independent and nobody confirmed
            that. Nothing was written.
    """
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # numbers follow one another
        plan = freeze_plan(project, splits)
        if plan.refusals:
            raise ApplicationError(" ".join(plan.refusals), {"refusals": list(plan.refusals), "counts": plan.counts})
        if plan.dependence and not allow_dependent_validation:
            raise ApplicationError(plan.dependence, {"needs_confirmation": True, "counts": plan.counts})
        return _write(plan, by, note)


def _write(plan: FreezePlan, by: User, note: str) -> Dataset:
    try:
        content = plan.manifest().to_bytes()
    except ManifestError as error:
        raise ApplicationError(_("The labels can't be frozen: %(reason)s") % {"reason": error}) from error
    sha256 = hashlib.sha256(content).hexdigest()
    last = Dataset.objects.filter(project=plan.project).aggregate(last=Max("number"))["last"] or 0
    key = f"datasets/project-{plan.project.pk}/set-{last + 1:04d}-{sha256[:12]}.jsonl"
    default_storage.save(key, ContentFile(content))
    try:
        return Dataset.objects.create(
            project=plan.project,
            number=last + 1,
            source_stain=plan.stains[0],
            target_stain=plan.stains[1],
            manifest_key=key,
            manifest_sha256=sha256,
            consensus=plan.header.consensus if plan.header else "",
            counts=plan.counts,
            splits=plan.splits,
            independent_validation=not plan.dependence,
            note="\n".join(filter(None, [note.strip(), *plan.warnings])),
            created_by=by,
        )
    except BaseException:
        storage.delete(key)
        raise

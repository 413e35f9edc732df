"""Write blinded studies: make, read, close."""

import secrets
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from review import blinding
from review.models import Study, StudyAnswer, StudyField
from viewer.storage import save_file

State = Study.State


@transaction.atomic
def create_study(project: Project, by: User, name: str, **options: Any) -> Study:
    """Ask for a study; its fields are cut by a worker.

    Raises:
        ApplicationError: the name is taken or empty, or more repeats than fields.
    """
    if not name.strip():
        raise ApplicationError(_("A study needs a name."))
    if Study.objects.filter(project=project, name=name.strip()).exists():
        raise Conflict(_("This project has a study “%(name)s” already.") % {"name": name.strip()})
    study = Study(project=project, name=name.strip(), created_by=by, seed=secrets.randbits(48), **options)
    if study.repeats > 2 * study.fields_per_kind:
        raise ApplicationError(_("No more fields can come twice than there are."))
    study.save()
    return study


def fill_study(study: Study) -> None:
    """Cut, encode and store the fields of a study; a study that cannot be filled says why. A repeat changes nothing."""
    if study.state != State.QUEUED:
        return
    rng = np.random.default_rng(study.seed)
    least_px = blinding.coarsest_px(study.project, study.field_um)
    try:
        cuts = [
            (synthetic, cut)
            for synthetic in (False, True)
            for cut in blinding.cut_fields(
                study.project, study.fields_per_kind, study.field_um, rng, synthetic=synthetic, least_px=least_px
            )
        ]
    except ApplicationError as refusal:
        Study.objects.filter(pk=study.pk, state=State.QUEUED).update(state=State.FAILED, message=refusal.message)
        return
    files = blinding.encode([cut.picture for _synthetic, cut in cuts])
    twice = set(rng.permutation(len(cuts))[: study.repeats].tolist())
    settings.LAYOUT.work.mkdir(parents=True, exist_ok=True)
    rows = []
    with tempfile.TemporaryDirectory(dir=settings.LAYOUT.work) as folder:
        for number, ((synthetic, cut), file) in enumerate(zip(cuts, files, strict=True)):
            first = _field(study, synthetic, cut)
            copies = [first, _field(study, synthetic, cut, repeats=first)] if number in twice else [first]
            for field in copies:
                path = Path(folder) / f"{field.code}.jpg"
                path.write_bytes(file)
                save_file(path, field.key, may_link=True)
            rows += copies
    # The order of the rows tells nothing of the kinds either.
    with transaction.atomic():
        if Study.objects.filter(pk=study.pk, state=State.QUEUED).update(state=State.READY) == 1:
            for i in rng.permutation(len(rows)):
                if rows[i].repeats is not None and rows[i].repeats.pk is None:
                    rows[i].repeats.save()
                if rows[i].pk is None:
                    rows[i].save()


def _field(study: Study, synthetic: bool, cut: blinding.Cut, repeats: StudyField | None = None) -> StudyField:
    code = blinding.random_code()
    return StudyField(
        study=study,
        code=code,
        etag=blinding.random_code(),
        synthetic=synthetic,
        slide=cut.slide,
        x_l0=cut.x_l0,
        y_l0=cut.y_l0,
        side_l0=cut.side_l0,
        repeats=repeats,
        key=f"studies/{study.pk}/{code}.jpg",
    )


def answer_field(
    field: StudyField, reader: User, says_synthetic: bool, confidence: int, milliseconds: int | None
) -> StudyAnswer:
    """Keep what a reader takes a field for. The first answer stands; the same sent again is the same answer.

    Raises:
        Conflict: the study is closed, or another answer stands.
    """
    if field.study.state != State.READY:
        raise Conflict(_("The study “%(study)s” takes no answers any more.") % {"study": field.study})
    try:
        with transaction.atomic():
            return StudyAnswer.objects.create(
                field=field,
                reader=reader,
                says_synthetic=says_synthetic,
                confidence=confidence,
                milliseconds=milliseconds,
            )
    except IntegrityError as error:
        standing = StudyAnswer.objects.filter(field=field, reader=reader).first()
        if standing is None:
            raise
        if (standing.says_synthetic, standing.confidence) == (says_synthetic, confidence):
            return standing
        raise Conflict(_("You have answered for this field already; the first answer stands.")) from error


def close_study(study: Study) -> Study:
    """End a study: nobody answers any more, and readers may see what the fields were.

    Raises:
        Conflict: it is not open.
    """
    closed = Study.objects.filter(pk=study.pk, state=State.READY).update(state=State.CLOSED, closed_at=timezone.now())
    if closed != 1:
        raise Conflict(_("The study “%(study)s” is not open.") % {"study": study})
    study.refresh_from_db()
    return study

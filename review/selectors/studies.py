"""Read blinded studies, without telling what a field is."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from accounts.access import Act, Person, may
from accounts.models import Project, User
from review.blinding import reader_order
from review.models import Study, StudyAnswer, StudyField
from viewer.selectors import get_project


def studies_of(project: Project) -> QuerySet[Study]:
    return Study.objects.filter(project=project).select_related("created_by").order_by("-pk")


def get_study(user: Person, pk: int) -> Study:
    """Return a study of a project that the user may see; 404 otherwise."""
    study = get_object_or_404(Study.objects.select_related("project"), pk=pk)
    get_project(user, study.project.slug)
    return study


def get_field(user: Person, code: str) -> StudyField:
    field = get_object_or_404(StudyField.objects.select_related("study__project"), code=code)
    get_project(user, field.study.project.slug)
    return field


def may_see_results(user: User, study: Study) -> bool:
    """Leads watch; readers learn what the fields were when the study is closed.

    A lead who has begun to read is a reader until all is answered: the results would tell after every answer.
    """
    if study.state == Study.State.CLOSED:
        return True
    answers = StudyAnswer.objects.filter(field__study=study, reader=user).count()
    return may(user, Act.PUBLISH, study.project) and answers in (0, study.fields.count())


def reading_payload(study: Study, reader: User) -> dict[str, Any]:
    """Return what the reading page needs: the codes that are left, in the reader's own order."""
    codes = reader_order(study.seed, reader.pk, list(study.fields.values_list("code", flat=True)))
    done = set(StudyAnswer.objects.filter(field__study=study, reader=reader).values_list("field__code", flat=True))
    return {
        "study": study.pk,
        "total": len(codes),
        "left": [code for code in codes if code not in done],
        "field_um": study.field_um,
        "answers_url": f"/api/v1/studies/{study.pk}/answers/",
        # With {code}.
        "picture_url": "/studies/fields/{code}.jpg",
    }

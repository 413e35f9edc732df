"""Hand work of this room to the workers."""

from collections.abc import Iterable
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts.errors import OutOfReach
from accounts.models import Project, User
from viewer import services, tasks
from viewer.models import SlideImport


def import_slides(
    paths: Iterable[Path],
    project: Project,
    case_name: str,
    stain: str,
    mpp: float | None = None,
    by: User | None = None,
    drawn: bool = False,
) -> list[SlideImport]:
    """Queue the import of each path, a file or a folder, into one case; of bad arguments nothing is queued.

    Raises:
        ApplicationError: a path, name or number that cannot be right.
        OutOfReach: the broker does not answer; the imports are marked as failed.
    """
    with transaction.atomic():
        asked = [
            services.request_import(
                path=Path(path), project=project, case_name=case_name, stain=stain, mpp=mpp, by=by, drawn=drawn
            )
            for path in paths
        ]
    start_imports(asked)
    return asked


def start_imports(asked: list[SlideImport]) -> None:
    """Enqueue imports once the transaction round this call, if any, is committed.

    Without a broker an import by path is marked as failed. An uploaded file would be lost with it, so that one waits:
    asking for its upload again starts it.
    """
    try:
        for slide_import in asked:
            tasks.import_slide.delay_on_commit(import_pk=slide_import.pk)
    except OperationalError as error:
        message = _("The task queue cannot be reached, so nothing was imported. Start it (make run), then try again.")
        for slide_import in asked:
            if not slide_import.owns_source:
                services.fail_import(slide_import.pk, message)
        raise OutOfReach(message) from error

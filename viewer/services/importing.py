"""Bring a slide from a file into its case. A task may be delivered twice, or die half way: neither leaves a trace."""

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import Project, User
from viewer import storage
from viewer.imaging.errors import ImagingError
from viewer.imaging.passthrough import TileIndex
from viewer.imaging.slides import open_slide, verify
from viewer.models import Case, Slide, SlideImport
from viewer.selectors import silent_since
from viewer.services.checks import checked_case_name, checked_mpp, checked_stain
from viewer.services.storing import SlideFiles, Stored, clear_file_errors, indexed, measured, store_index, stored

MAX_ATTEMPTS = 3
SECONDS_BETWEEN_WRITES = 1.0
SAME_MPP_WITHIN = 0.01
HASHED_AT = 0.45
STORED_AT = 0.98

Progress = Callable[[float], None]


class ClaimLost(Exception):
    """Another worker took the import over, since this one was silent for too long."""


def request_import(
    *,
    path: Path,
    project: Project,
    case_name: str,
    stain: str,
    by: User | None,
    mpp: float | None = None,
    drawn: bool = False,
    owns_source: bool = False,
) -> SlideImport:
    """Note that a slide is to be imported. `owns_source`: the file is ours, and removed when the import ends."""
    if not path.exists():
        raise ApplicationError(_("There is no file or folder at %(path)s. Check the path.") % {"path": path})
    if mpp is not None and by is None:
        raise ApplicationError(_("A resolution supplied by hand needs the person who supplies it."))
    return SlideImport.objects.create(
        project=project,
        case_name=checked_case_name(case_name),
        stain=checked_stain(stain),
        source_path=str(path.absolute()),
        mpp=None if mpp is None else checked_mpp(mpp),
        created_by=by,
        drawn=drawn,
        owns_source=owns_source,
    )


def import_slide(import_pk: int, on_progress: Progress | None = None) -> Slide | None:
    """Import what a row asks for. None: it failed and the row says why, or another worker has it."""
    claimed = _claim(import_pk)
    if claimed is None:
        return None
    source = Path(claimed.source_path)
    try:
        with clear_file_errors():
            slide = _bring_in(claimed, source, _Reporter(claimed, on_progress))
    except ClaimLost:
        return None
    except (ApplicationError, ImagingError) as refusal:
        _fail(claimed, _without_names(str(refusal), source))
        return None
    except Exception:
        _fail(claimed, _("The import stopped on an error of the program. The log of the worker has the details."))
        raise
    _forget_source(claimed)
    return slide


def fail_import(import_pk: int, message: str) -> None:
    """Mark an import that no worker has begun as failed."""
    for waiting in SlideImport.objects.filter(pk=import_pk, state=SlideImport.State.QUEUED):
        _fail(waiting, message)


def _claim(import_pk: int) -> SlideImport | None:
    """Take the import by compare-and-set: queued, or running but silent. Sweep what a dead attempt left."""
    silent = Q(state=SlideImport.State.RUNNING, heartbeat_at__lt=silent_since())
    free = SlideImport.objects.filter(Q(state=SlideImport.State.QUEUED) | silent, pk=import_pk)
    worn_out = free.filter(attempt__gte=MAX_ATTEMPTS).first()
    if worn_out is not None:
        _fail(
            worn_out,
            _("The worker died %(count)d times over this file, perhaps for want of memory. Save it as a pyramid.")
            % {"count": MAX_ATTEMPTS},
        )
        return None
    won = free.filter(attempt__lt=MAX_ATTEMPTS).update(
        state=SlideImport.State.RUNNING, heartbeat_at=Now(), attempt=F("attempt") + 1, progress=0, message=""
    )
    if won != 1:
        return None
    claimed = SlideImport.objects.select_related("project", "created_by").get(pk=import_pk)
    if claimed.stored_key:
        storage.sweep(claimed.stored_key)
    return claimed


def _bring_in(claimed: SlideImport, source: Path, report: "_Reporter") -> Slide:
    files = SlideFiles.at(source)
    with open_slide(source) as reader:
        verify(reader)
        report(0.02)
        sha256 = files.sha256(lambda share: report(0.02 + share * (HASHED_AT - 0.02)))
        columns = {**measured(reader, sha256), **_resolution(claimed, reader.mpp)}
        index = indexed(reader)
    _refuse_duplicate(claimed, sha256)
    with stored(
        files,
        sha256,
        lambda share: report(HASHED_AT + share * (STORED_AT - HASHED_AT)),
        lambda prefix: _of_this_attempt(claimed, stored_key=prefix),
        may_link=claimed.owns_source,
    ) as place:
        return _accept(claimed, place, {**columns, "size_bytes": files.size_bytes}, index)


def _resolution(claimed: SlideImport, mpp_of_file: float | None) -> dict[str, Any]:
    given = claimed.mpp
    if mpp_of_file is None and given is None:
        return {"state": Slide.State.NEEDS_MPP, "mpp": None, "mpp_source": ""}
    if mpp_of_file is None:
        by_hand = {"mpp_by": claimed.created_by, "mpp_at": claimed.created_at}
        return {"state": Slide.State.READY, "mpp": given, "mpp_source": Slide.MppSource.HAND, **by_hand}
    if given is not None and abs(given - mpp_of_file) > SAME_MPP_WITHIN * mpp_of_file:
        raise ApplicationError(
            _(
                "The file says that a pixel measures %(file).4g µm; %(given)g was given by hand. "
                "Import it without a resolution to use the file's own."
            )
            % {"file": mpp_of_file, "given": given}
        )
    return {"state": Slide.State.READY, "mpp": mpp_of_file, "mpp_source": Slide.MppSource.FILE}


def _refuse_duplicate(claimed: SlideImport, sha256: str) -> None:
    same = Slide.objects.filter(
        case__project=claimed.project, case__name=claimed.case_name, stain=claimed.stain, content_sha256=sha256
    ).first()
    if same is not None:
        raise Conflict(
            _("The same file is already in %(case)s as %(stain)s: it is slide %(pk)d. Nothing was stored twice.")
            % {"case": claimed.case_name, "stain": same.stain_name, "pk": same.pk}
        )


def _accept(claimed: SlideImport, place: Stored, columns: dict[str, Any], index: TileIndex) -> Slide:
    """Write slide, tile index, case and the import's end together, if the import is still ours."""
    try:
        with transaction.atomic():
            _of_this_attempt(claimed, heartbeat_at=Now())  # locks the row: nobody takes it over from here
            case, _made = Case.objects.get_or_create(project=claimed.project, name=claimed.case_name)
            slide = Slide.objects.create(
                case=case,
                stain=claimed.stain,
                drawn=claimed.drawn,
                key=place.key,
                folder_key=place.folder_key,
                imported_by=claimed.created_by,
                **columns,
            )
            store_index(slide, index)
            ended = {"state": SlideImport.State.DONE, "progress": 1, "source_path": "", "stored_key": ""}
            _of_this_attempt(claimed, **ended, slide=slide, message=_elsewhere(slide))
            return slide
    except IntegrityError:
        _refuse_duplicate(claimed, columns["content_sha256"])  # two imports of one file met here
        raise


def _elsewhere(slide: Slide) -> str:
    """Warn of the same file in another place of the project: the split by case would not keep it apart."""
    same = Slide.objects.filter(case__project=slide.case.project, content_sha256=slide.content_sha256)
    others = [f"{other.case.name} · {other.stain_name}" for other in same.exclude(pk=slide.pk).select_related("case")]
    if not others:
        return ""
    return _("Take care: the same file is also in %(places)s.") % {"places": ", ".join(others)}


class _Reporter:
    """Write progress and sign of life at most once a second; raise ClaimLost when the import is no longer ours."""

    def __init__(self, claimed: SlideImport, on_progress: Progress | None) -> None:
        self.claimed = claimed
        self.on_progress = on_progress
        self.written_at = time.monotonic()

    def __call__(self, share: float) -> None:
        if self.on_progress is not None:
            self.on_progress(share)
        if time.monotonic() - self.written_at >= SECONDS_BETWEEN_WRITES:
            self.written_at = time.monotonic()
            _of_this_attempt(self.claimed, progress=share, heartbeat_at=Now())


def _of_this_attempt(claimed: SlideImport, **columns: Any) -> None:
    mine = SlideImport.objects.filter(pk=claimed.pk, attempt=claimed.attempt, state=SlideImport.State.RUNNING)
    if mine.update(**columns) != 1:
        raise ClaimLost


def _fail(claimed: SlideImport, message: str) -> None:
    unfinished = SlideImport.objects.filter(
        pk=claimed.pk, attempt=claimed.attempt, state__in=[SlideImport.State.QUEUED, SlideImport.State.RUNNING]
    )
    if unfinished.update(state=SlideImport.State.FAILED, message=message, source_path="", stored_key=""):
        _forget_source(claimed)


def _forget_source(claimed: SlideImport) -> None:
    """Remove an uploaded file with its folder; files of other people are never touched."""
    if claimed.owns_source:
        shutil.rmtree(Path(claimed.source_path).parent, ignore_errors=True)


def _without_names(message: str, source: Path) -> str:
    """Take file names out of a message that others may read: scanners name files after patients."""
    named = [source, *(source.iterdir() if source.is_dir() else [])]
    names = {name for path in named for name in (str(path), str(path.with_suffix("")), path.name)}
    for name in sorted(names, key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "…", message)
    return message

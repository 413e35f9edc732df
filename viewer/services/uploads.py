"""Receive a slide in pieces, each taken up where the last one ended, and hand it on when it is whole.

Bytes lie in `<uploads>/<id>/slide<suffix>`. The row is locked while a piece comes in; how far it is, the file says.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Generator, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict, DiskIsFull, TooLarge
from accounts.models import Project, User
from viewer.keys import KNOWN_SUFFIXES
from viewer.models import SlideImport, Upload
from viewer.services.checks import checked_case_name, checked_mpp, checked_stain
from viewer.services.importing import request_import
from viewer.services.storing import CHUNK_BYTES, clear_file_errors

FREE_BYTES_KEPT = 200_000_000
CHECKSUMS = {"sha256": hashlib.sha256, "sha1": hashlib.sha1}


class ChecksumMismatch(ApplicationError):
    """The bytes are not those that were sent; tus has a status of its own for that."""

    status = 460


class Locked(ApplicationError):
    """Another request is writing to the upload."""

    status = 423


class Gone(ApplicationError):
    """The upload has expired."""

    status = 410


class Checksum(NamedTuple):
    """What the sender says that a piece hashes to."""

    algorithm: str
    digest: bytes


def begin_upload(
    *, project: Project, by: User, size_bytes: int, case_name: str, stain: str, suffix: str, mpp: float | None = None
) -> Upload:
    """Make room for a slide of so many bytes; what expired before is cleaned first."""
    clean_uploads()
    suffix = suffix.lower()
    if suffix not in KNOWN_SUFFIXES:
        raise ApplicationError(
            _(
                "Files ending in “%(suffix)s” cannot be uploaded; expected one of %(known)s. A slide that is a folder "
                "(MIRAX, DICOM) is imported with the command `manage.py import_slides`."
            )
            % {"suffix": suffix[:12], "known": ", ".join(sorted(KNOWN_SUFFIXES))}
        )
    if size_bytes < 1:
        raise ApplicationError(_("The file is empty. Choose the slide's file itself."))
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise TooLarge(
            _("The file has %(size)d bytes; at most %(most)d are accepted. Import it with `manage.py import_slides`.")
            % {"size": size_bytes, "most": settings.UPLOAD_MAX_BYTES}
        )
    settings.LAYOUT.uploads.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.LAYOUT.uploads).free - FREE_BYTES_KEPT
    if size_bytes > free:
        raise DiskIsFull(
            _("The file has %(size)d bytes; the server's disk has room for %(free)d. Ask for more space.")
            % {"size": size_bytes, "free": max(0, free)}
        )
    with clear_file_errors(), transaction.atomic():
        upload = Upload.objects.create(
            project=project,
            created_by=by,
            size_bytes=size_bytes,
            case_name=checked_case_name(case_name),
            stain=checked_stain(stain),
            suffix=suffix,
            mpp=None if mpp is None else checked_mpp(mpp),
            expires_at=_expiry(),
        )
        file_of(upload).parent.mkdir()
        file_of(upload).touch()
    return upload


def append_to_upload(
    upload_pk: uuid.UUID, *, offset_bytes: int, pieces: Iterable[bytes], checksum: Checksum | None = None
) -> Upload:
    """Append what arrives to the file. A connection that breaks keeps what came; a wrong checksum keeps nothing.

    When the last byte is there, the import is requested in the same transaction; the caller launches it.

    Raises:
        Conflict: the piece does not begin where the file ends; `extra` says where that is.
        Locked: another piece is coming in.
    """
    with clear_file_errors(), _locked(upload_pk) as upload:
        if offset_bytes != upload.offset_bytes:
            raise Conflict(
                _("The upload has %(has)d bytes; a piece that begins at %(offset)d does not fit.")
                % {"has": upload.offset_bytes, "offset": offset_bytes},
                {"offset": upload.offset_bytes},
            )
        received = _received(pieces, upload.size_bytes - upload.offset_bytes)
        if checksum is None:
            _append(upload, received)
        else:
            _append_checked(upload, received, checksum)
        upload.expires_at = _expiry()
        return _brought_up_to_date(upload)


def look_at_upload(upload_pk: uuid.UUID) -> Upload:
    """Return the upload as its file stands; one that was cut off after its last byte is finished now."""
    with _locked(upload_pk) as upload:
        return _brought_up_to_date(upload)


def abandon_upload(upload_pk: uuid.UUID) -> None:
    """Forget an upload and its bytes; a slide that was already handed on stays."""
    with _locked(upload_pk) as upload:
        if upload.slide_import is None:
            shutil.rmtree(file_of(upload).parent, ignore_errors=True)
        upload.delete()


def clean_uploads() -> int:
    """Remove uploads that expired, and folders that belong to nothing any more. Returns how many were removed."""
    removed = 0
    with transaction.atomic():
        expired = Upload.objects.select_for_update(skip_locked=True).filter(expires_at__lt=timezone.now())
        for upload in expired:
            if upload.slide_import_id is None:
                shutil.rmtree(file_of(upload).parent, ignore_errors=True)
            upload.delete()
            removed += 1
    return removed + _clean_folders()


def file_of(upload: Upload) -> Path:
    """Return where the bytes of an upload lie; the person's own file name is never kept."""
    return settings.LAYOUT.uploads / str(upload.pk) / f"slide{upload.suffix}"


@contextlib.contextmanager
def _locked(upload_pk: uuid.UUID) -> Generator[Upload]:
    """Lend the upload with its row locked and its offset as the file says."""
    with transaction.atomic():
        try:
            upload = Upload.objects.select_for_update(of=["self"], nowait=True).get(pk=upload_pk)
        except Upload.DoesNotExist as error:
            raise Http404 from error
        except OperationalError as error:
            raise Locked(_("Another piece of this upload is coming in. Try again in a moment.")) from error
        if upload.expires_at < timezone.now():
            raise Gone(_("This upload has expired. Begin it again."))
        if upload.slide_import_id is None:
            upload.offset_bytes = file_of(upload).stat().st_size
        yield upload


def _received(pieces: Iterable[bytes], most_bytes: int) -> Generator[bytes]:
    """Pass on what arrives, until the connection ends or breaks; refuse more than was announced."""
    arriving = iter(pieces)
    while True:
        try:
            piece = next(arriving, b"")
        except OSError:
            return
        if not piece:
            return
        most_bytes -= len(piece)
        if most_bytes < 0:
            raise TooLarge(_("More bytes were sent than the upload announced."))
        yield piece


def _append(upload: Upload, pieces: Iterable[bytes]) -> None:
    with file_of(upload).open("r+b") as file:
        file.seek(upload.offset_bytes)
        try:
            for piece in pieces:
                file.write(piece)
        except TooLarge:
            file.truncate(upload.offset_bytes)
            raise
        file.flush()
        os.fsync(file.fileno())


def _append_checked(upload: Upload, pieces: Iterable[bytes], checksum: Checksum) -> None:
    """Let a piece lie apart until it is known to be right: a killed server must leave no unchecked byte in the file."""
    if checksum.algorithm not in CHECKSUMS:
        raise ApplicationError(
            _("The checksum algorithm “%(algorithm)s” is not known; expected %(known)s.")
            % {"algorithm": checksum.algorithm[:20], "known": ", ".join(CHECKSUMS)}
        )
    apart = file_of(upload).with_name("piece")
    hashed = CHECKSUMS[checksum.algorithm]()
    try:
        with apart.open("wb") as file:
            for piece in pieces:
                hashed.update(piece)
                file.write(piece)
        if hashed.digest() != checksum.digest:
            raise ChecksumMismatch(_("The piece arrived damaged: its checksum differs. Send it again."))
        with apart.open("rb") as file:
            _append(upload, iter(lambda: file.read(CHUNK_BYTES), b""))
    finally:
        apart.unlink(missing_ok=True)


def _brought_up_to_date(upload: Upload) -> Upload:
    """Write how far the upload is; when it is whole, ask for its import."""
    if upload.slide_import_id is None:
        upload.offset_bytes = file_of(upload).stat().st_size
        if upload.offset_bytes == upload.size_bytes:
            upload.slide_import = request_import(
                path=file_of(upload),
                project=upload.project,
                case_name=upload.case_name,
                stain=upload.stain,
                mpp=upload.mpp,
                by=upload.created_by,
                owns_source=True,
            )
    upload.save(update_fields=["offset_bytes", "slide_import", "expires_at"])
    return upload


def _expiry() -> datetime:
    return timezone.now() + timedelta(hours=settings.UPLOAD_EXPIRES_HOURS)


def _clean_folders() -> int:
    """Remove folders without an upload or a pending import, once they are older than any upload may be."""
    if not settings.LAYOUT.uploads.is_dir():
        return 0
    oldest = (timezone.now() - timedelta(hours=settings.UPLOAD_EXPIRES_HOURS)).timestamp()
    known = {str(pk) for pk in Upload.objects.values_list("pk", flat=True)}
    pending = SlideImport.objects.filter(owns_source=True).exclude(source_path="").values_list("source_path", flat=True)
    known |= {Path(path).parent.name for path in pending}
    stray = [
        folder
        for folder in settings.LAYOUT.uploads.iterdir()
        if folder.name not in known and folder.stat().st_mtime < oldest
    ]
    for folder in stray:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stray)

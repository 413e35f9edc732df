"""Receive a slide in pieces, each taken up where the last one ended, and hand it on when it is whole.

Bytes lie in `<uploads>/<id>/part`. The row is locked while a piece comes in; how far the upload is, the file says.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict, DiskIsFull, TooLarge
from accounts.models import Project, User
from viewer.keys import KNOWN_SUFFIXES
from viewer.models import SlideImport, Upload
from viewer.services.checks import checked_case_name, checked_mpp, checked_stain
from viewer.services.importing import request_import
from viewer.services.storing import clear_file_errors

FREE_BYTES_KEPT = 200_000_000
PART = "part"


class ChecksumMismatch(ApplicationError):
    """The bytes are not those that were sent; tus gives this a status of its own."""

    status = 460


class Locked(ApplicationError):
    """Another request is writing to the upload."""

    status = 423


class Checksum(NamedTuple):
    """What the sender says that a piece hashes to."""

    algorithm: str
    digest: bytes

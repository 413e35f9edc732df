"""Remove uploads that were begun and never finished: `manage.py clean_uploads`, daily."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from viewer.services import clean_uploads


class Command(BaseCommand):
    help = "Remove expired uploads and their bytes."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(_("%(count)d expired uploads removed.") % {"count": clean_uploads()})

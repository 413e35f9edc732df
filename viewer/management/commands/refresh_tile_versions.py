"""Give every slide the tile version of this release: `manage.py refresh_tile_versions`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from viewer.services import refresh_versions


class Command(BaseCommand):
    help = "Name tiles anew after the tile rule has changed. Restart the web server afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(_("%(count)d slides have a new tile version.") % {"count": refresh_versions()})

"""Give every slide the tile index and version of this release: `manage.py refresh_tile_versions`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from viewer.imaging.errors import ImagingError
from viewer.imaging.tiles import TILE_RULE_VERSION
from viewer.models import Slide
from viewer.services import index_again, refresh_versions


class Command(BaseCommand):
    help = "Index and name tiles anew after the tile rule has changed. Restart the web server afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        indexed = 0
        for slide in Slide.objects.exclude(tile_index__rule=TILE_RULE_VERSION):
            try:
                index_again(slide)
                indexed += 1
            except (ImagingError, OSError) as error:
                # It can still be shown as far as it can be read; every tile is decoded.
                reason = error.strerror if isinstance(error, OSError) else error
                self.stderr.write(_("Slide %(pk)d was not indexed: %(reason)s") % {"pk": slide.pk, "reason": reason})
        self.stdout.write(_("%(count)d slides were indexed.") % {"count": indexed})
        self.stdout.write(_("%(count)d slides have a new tile version.") % {"count": refresh_versions()})

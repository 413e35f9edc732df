"""Look at every part of the installation and say what to do about each that fails."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from config.diagnosis import diagnose


class Command(BaseCommand):
    help = "Check database, broker, workers, storage, OpenSlide, torch, front end and disk. Exit code 1 if one fails."
    requires_system_checks: list[str] = []  # a missing part is what this command reports

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for finding in diagnose():
            word = self.style.SUCCESS("ok    ") if finding.works else self.style.ERROR("failed")
            self.stdout.write(f"{word} {finding.part:11} {finding.found}")
            if not finding.works:
                failed += 1
                self.stdout.write(f"       {'':11} {finding.remedy}")
        if failed:
            sys.exit(1)

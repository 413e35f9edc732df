"""Import slides from paths: `manage.py import_slides PATH… --project P --case C --stain NAME`."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project, User
from accounts.named import project_named
from viewer import launch, selectors
from viewer.models import SlideImport

COMMAND_LINE_USER = "command-line"
POLL_SECONDS = 0.5
HINT_AFTER_POLLS = 20


class Command(BaseCommand):
    """Exit codes: 0 all queued (with --wait: all imported), 1 some path was refused or failed, 2 wrong arguments."""

    help = "Import whole-slide images into a case. A folder with a DICOM or MIRAX slide is one slide."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="+", type=Path, metavar="PATH", help="a slide file, or a folder of one slide"
        )
        parser.add_argument("--project", required=True, help="the project's slug or name")
        parser.add_argument("--case", required=True, help="pseudonym of the case; made if it does not exist")
        parser.add_argument("--stain", required=True, help="HE, KI67 or any name of capital letters and digits")
        parser.add_argument("--mpp", type=float, help="micrometres per pixel, where the file does not say it")
        parser.add_argument("--drawn", action="store_true", help="drawn tissue, no patient")
        parser.add_argument("--by", metavar="USERNAME", help="who imports and vouches for --mpp")
        parser.add_argument("--wait", action="store_true", help="follow the progress to the end")

    def handle(self, *args: Any, **options: Any) -> None:
        project = self._project(options["project"])
        by = self._person(options["by"])
        if options["stain"] not in selectors.stains_of(project):
            self.stderr.write(
                _("Note: %(stain)s is a new stain in “%(project)s”; known are %(known)s.")
                % {
                    "stain": options["stain"],
                    "project": project.name,
                    "known": ", ".join(selectors.stains_of(project)),
                }
            )
        queued: dict[Path, SlideImport] = {}
        refused = 0
        for path in options["paths"]:
            try:
                [queued[path]] = launch.import_slides(
                    paths=[path],
                    project=project,
                    case_name=options["case"],
                    stain=options["stain"],
                    mpp=options["mpp"],
                    by=by,
                    drawn=options["drawn"],
                )
            except ApplicationError as refusal:
                refused += 1
                self.stderr.write(self.style.ERROR(f"{path}: {refusal.message}"))
            else:
                self.stdout.write(_("%(path)s: queued as import %(pk)d") % {"path": path, "pk": queued[path].pk})
        if options["wait"]:
            refused += self._follow(queued)
        if refused:
            total = len(options["paths"])
            raise CommandError(_("%(bad)d of %(total)d not imported.") % {"bad": refused, "total": total}, returncode=1)

    def _project(self, named: str) -> Project:
        try:
            return project_named(named)
        except ApplicationError as refusal:
            raise CommandError(refusal.message, returncode=2) from refusal

    def _person(self, username: str | None) -> User:
        """Return who is named, else the account that stands for this command; nobody can sign in as that."""
        if username is None:
            account, made = User.objects.get_or_create(username=COMMAND_LINE_USER, defaults={"is_active": False})
            if made:
                account.set_unusable_password()
                account.save(update_fields=["password"])
            return account
        person = User.objects.filter(username=username, is_active=True).first()
        if person is None:
            raise CommandError(_("There is no active account “%(name)s”.") % {"name": username}, returncode=2)
        return person

    def _follow(self, queued: dict[Path, SlideImport]) -> int:
        """Print what happens to each import until all have ended; return how many failed."""
        pending, shown = dict(queued), dict.fromkeys(queued, "")
        failed = polls = 0
        while pending:
            for path, slide_import in list(pending.items()):
                slide_import.refresh_from_db()
                line = self._standing(slide_import)
                if slide_import.state == SlideImport.State.FAILED:
                    failed += 1
                    self.stderr.write(self.style.ERROR(f"{path}: {line}"))
                elif line != shown[path]:
                    shown[path] = line
                    self.stdout.write(f"{path}: {line}")
                if slide_import.state in {SlideImport.State.DONE, SlideImport.State.FAILED}:
                    del pending[path]
            if pending:
                time.sleep(POLL_SECONDS)
                polls += 1
                if polls == HINT_AFTER_POLLS and all(row.state == SlideImport.State.QUEUED for row in pending.values()):
                    self.stderr.write(_("No worker has begun yet. Is one running? `make run` starts it."))
        return failed

    def _standing(self, slide_import: SlideImport) -> str:
        """Say in one line how far an import is, why it failed, or which slide it made."""
        if slide_import.state == SlideImport.State.FAILED:
            return slide_import.message
        if slide_import.state != SlideImport.State.DONE or slide_import.slide is None:
            return f"{slide_import.get_state_display()} {slide_import.progress:.0%}"
        notes = [_("slide %(pk)d.") % {"pk": slide_import.slide.pk}, slide_import.message]
        if slide_import.slide.mpp is None:
            notes.append(_("It waits for its resolution: supply it on its page, or with --mpp."))
        return " ".join(note for note in notes if note)

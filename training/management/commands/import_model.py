"""Bring in a model that was trained elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import User
from accounts.named import project_named
from training import services


class Command(BaseCommand):
    """Exit codes: 0 brought in (or was here before), 1 refused, 2 wrong arguments."""

    help = "Bring in a generator and its two classifiers, trained elsewhere; a lead then synthesises slides with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, help="the project's slug or name")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="who brings it in")
        for option in ("--generator", "--source-classifier", "--target-classifier"):
            parser.add_argument(option, required=True, type=Path, metavar="FILE", help="a checkpoint (.safetensors)")
        parser.add_argument("--note", default="", help="where it comes from; the run's page shows it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            project = project_named(options["project"])
        except ApplicationError as refusal:
            raise CommandError(refusal.message, returncode=2) from refusal
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None:
            raise CommandError(_("There is no active account “%(name)s”.") % {"name": options["by"]}, returncode=2)
        try:
            run = services.import_model(
                project,
                by,
                source_classifier=options["source_classifier"],
                target_classifier=options["target_classifier"],
                generator=options["generator"],
                note=options["note"],
            )
        except ApplicationError as refusal:
            raise CommandError(refusal.message, returncode=1) from refusal
        self.stdout.write(_("Run %(pk)d holds the generator: launch a synthesis with it.") % {"pk": run.pk})

"""Fill the demo project: draw its cases, label them from the truth, queue one small training."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from config.demo.accounts import ensure_accounts
from config.demo.cohort import Cohort, draw_and_import, ensure_project, has_runs, label_from_truth, visitors_slide
from config.demo.members import give_demo_roles
from config.demo.training import launch_demo_chain


class Command(BaseCommand):
    help = "Make what is missing of the demo: accounts, drawn cases, labels from the truth, one training chain."

    def handle(self, *args: Any, **options: Any) -> None:
        cohort = Cohort()
        users = ensure_accounts()
        project = ensure_project(cohort)
        give_demo_roles(project, users)
        draw_and_import(project, cohort, by=users["lead"], report=self._report)
        if written := label_from_truth(project, cohort):
            self._report(_("%(number)s patches are labelled from the drawn truth") % {"number": written})
        if not has_runs(project):
            launch_demo_chain(project, visitors_slide(project, cohort), by=users["lead"], scored_by=users["clinician"])
            self._report(_("the training chain is queued: two classifiers, CycleGAN, synthesis, publication, scores"))

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

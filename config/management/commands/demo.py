"""Fill the demo project: draw its cases, label them from the truth, queue one small training."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from config.demo.accounts import ensure_accounts
from config.demo.cohort import (
    Cohort,
    draw_and_import,
    ensure_project,
    has_shipped_model,
    has_trained,
    label_from_truth,
    visitors_slide,
)
from config.demo.example import example_slide, sign_example
from config.demo.members import give_demo_roles
from config.demo.training import launch_demo_chain, show_shipped_model


class Command(BaseCommand):
    help = "Make what is missing of the demo: accounts, drawn cases, labels from the truth, one training chain."

    def handle(self, *args: Any, **options: Any) -> None:
        cohort = Cohort()
        users = ensure_accounts()
        project = ensure_project(cohort)
        give_demo_roles(project, users)
        lead, clinician = users["lead"], users["clinician"]
        # The visitor's own case comes first, so that there is something to look at early.
        draw_and_import(project, cohort, by=lead, report=self._report, labelled=False)
        if not has_shipped_model(project):
            show_shipped_model(project, visitors_slide(project, cohort), by=lead, scored_by=clinician)
            self._report(_("a first synthetic slide is queued, painted by the model that is shipped"))
        draw_and_import(project, cohort, by=lead, report=self._report, labelled=True)
        if written := label_from_truth(project, cohort):
            self._report(_("%(number)s patches are labelled from the drawn truth") % {"number": written})
        # A demo that an earlier release filled has its slide already, and no example on it.
        if (slide := example_slide(project)) and sign_example(slide, clinician):
            self._report(_("an example verdict is signed on the slide of the model that is shipped"))
        if not has_trained(project):
            launch_demo_chain(project, visitors_slide(project, cohort), by=lead, scored_by=clinician)
            self._report(_("the training chain is queued: two classifiers, CycleGAN, synthesis, publication, scores"))

    def _report(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

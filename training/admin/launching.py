"""The pages that launch a run, or the whole chain, with the paper's defaults filled in."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from accounts.access import Act, signed_in
from accounts.errors import ApplicationError
from accounts.models import Project
from training import launch, selectors, services
from training.admin.datasets import ask_for_project, chosen_project
from training.admin.forms import PRESET_NAMES, ConfigForm, InputsForm
from training.models import Run

CHAIN = "chain"
CHAIN_KINDS = (Run.Kind.MIL, Run.Kind.CYCLEGAN, Run.Kind.SYNTHESIS)


class LaunchPages(admin.ModelAdmin):
    """Views of the run admin."""

    def launch_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("launch/", view(self.launch_index_view), name="training_run_launch_index"),
            path("launch/<slug:kind>/", view(self.launch_view), name="training_run_launch"),
        ]

    def launch_index_view(self, request: HttpRequest) -> HttpResponse:
        """Say what can be launched, and what is missing for the rest."""
        project = chosen_project(request, Act.LAUNCH_RUN)
        if project is None:
            return ask_for_project(request, Act.LAUNCH_RUN, _("Launch"))
        kinds = [
            {"kind": kind, "name": name, "about": about, "missing": InputsForm(project, kind).missing}
            for kind, name, about in launchable()
        ]
        dataset = selectors.latest_dataset(project)
        return render(request, "training/launch_index.html", {"project": project, "kinds": kinds, "dataset": dataset})

    def launch_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """One kind of run, or the chain: what it works from, and every key of its configuration."""
        names = {str(known): name for known, name, _about in launchable()}
        if kind not in names:
            raise Http404
        project = chosen_project(request, Act.LAUNCH_RUN)
        if project is None:
            return ask_for_project(request, Act.LAUNCH_RUN, names[kind])
        preset = request.GET.get("preset", "paper")
        if preset not in PRESET_NAMES:
            raise Http404
        data = request.POST if request.method == "POST" else None
        inputs = InputsForm(project, kind, data)
        configs = [ConfigForm(part, preset, data) for part in (CHAIN_KINDS if kind == CHAIN else [kind])]
        if data is not None and all([inputs.is_valid(), *(config.is_valid() for config in configs)]):
            try:
                run = send(project, kind, inputs, configs, request)
            except ApplicationError as refusal:
                messages.error(request, refusal.message)
            else:
                messages.success(request, _("%(run)s is on its way.") % {"run": run})
                return redirect(selectors.run_page(run))
        context = {
            "project": project,
            "kind": kind,
            "name": names[kind],
            "inputs": inputs,
            "configs": [{"form": form, "name": names[form.kind]} for form in configs],
            "presets": [{"name": name, "about": about, "on": name == preset} for name, about in PRESET_NAMES.items()],
            "preset": preset,
            "workers": launch.worker_names(),
        }
        return render(request, "training/launch.html", context)


def launchable() -> list[tuple[str, str, str]]:
    """Return what can be launched: name in the address, title, what it does."""
    return [
        (
            CHAIN,
            _("The whole chain"),
            _("Both classifiers, the CycleGAN and the synthesis of one slide, one after the other."),
        ),
        (Run.Kind.MIL, _("MIL classifier"), _("Learns tumour and normal from the large patches of one stain.")),
        (Run.Kind.CYCLEGAN, _("CycleGAN"), _("Learns to translate between the stains, class by class.")),
        (Run.Kind.SYNTHESIS, _("Synthesis"), _("Paints a whole slide in the target stain.")),
        (Run.Kind.SCORE, _("Class map"), _("Scores the patches of a slide with a classifier.")),
    ]


def send(project: Project, kind: str, inputs: InputsForm, configs: list[ConfigForm], request: HttpRequest) -> Run:
    """Make the run or the chain and send it to the workers; return the run whose page comes next."""
    by, given = signed_in(request.user), dict(inputs.cleaned_data)
    keys: dict[str, dict[str, Any]] = {config.kind: config.cleaned_data for config in configs}
    if kind == CHAIN:
        then = [launch.publish_step(by)] if given["publish"] else []
        runs = launch.launch_chain(
            project, by, "paper", given["slide"], then=then, dataset=given["dataset"], configs=keys
        )
        return runs[0]
    return launch.launch_run(services.create_run(project, kind, by, config=keys[kind], **given))

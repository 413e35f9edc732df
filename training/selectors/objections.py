"""What speaks against a freeze."""

from collections import Counter
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Project
from annotation.selectors import standing_labels
from training.models import Split
from training.selectors.plan import FreezePlan, PlannedPatch
from viewer.models import Slide


def refusals(plan: FreezePlan) -> list[str]:
    """Say why the plan can't be frozen, and what to do."""
    return _missing_side(plan) + _unknown_resolution(plan) + (_one_sided(plan) if plan.patches else _no_labels(plan))


def _missing_side(plan: FreezePlan) -> list[str]:
    source, target = plan.stains
    return [
        _("The project has no %(stain)s slide, and the pair %(source)s → %(target)s needs both. Import one.")
        % {"stain": stain, "source": source, "target": target}
        for stain in plan.stains
        if not any(slide.stain == stain for slide in plan.slides)
    ]


def _unknown_resolution(plan: FreezePlan) -> list[str]:
    slides = [str(slide) for slide in plan.slides if slide.state == Slide.State.NEEDS_MPP]
    if not slides:
        return []
    message = ngettext(
        "The resolution (mpp) of %(slides)s is not known. Supply it on the slide's page, or leave the case out.",
        "The resolution (mpp) of %(number)s slides is not known: %(slides)s. Supply it on each slide's page, or "
        "leave the cases out.",
        len(slides),
    )
    return [message % {"number": len(slides), "slides": ", ".join(slides)}]


def _no_labels(plan: FreezePlan) -> list[str]:
    source, target = plan.stains
    message = _(
        "There are no labels to freeze: no %(source)s or %(target)s patch is labelled tumour or normal with all its "
        "readers agreeing. Label patches of both stains first."
    )
    return [message % {"source": source, "target": target}]


def _one_sided(plan: FreezePlan) -> list[str]:
    found = []
    for stain in plan.stains:
        train = plan.counts[stain][Split.TRAIN]
        everything = Counter(row.label for row in plan.patches if row.stain == stain)
        values = {
            "stain": stain,
            "tumor": train["tumor"],
            "normal": train["normal"],
            "all_tumor": everything["tumor"],
            "all_normal": everything["normal"],
            "slides": sum(slide.stain == stain for slide in plan.slides),
        }
        if not everything:
            if values["slides"]:
                found.append(
                    _(
                        "%(stain)s has no labelled patch on its %(slides)s slides; each stain of the pair needs tumour "
                        "and normal patches. Label some."
                    )
                    % values
                )
        elif not (everything["tumor"] and everything["normal"]):
            found.append(
                _(
                    "%(stain)s has one class only: %(all_tumor)s tumour and %(all_normal)s normal patches. A "
                    "classifier learns from both; label patches of the other class."
                )
                % values
            )
        elif not (train["tumor"] and train["normal"]):
            found.append(
                _(
                    "The training cases have one class only in %(stain)s: %(tumor)s tumour and %(normal)s normal "
                    "patches (%(all_tumor)s and %(all_normal)s in all cases). Move a case to training, or label more."
                )
                % values
            )
    return found


def warnings(plan: FreezePlan) -> list[str]:
    """Say what a lead should know of a plan that can be frozen."""
    found = []
    if plan.header is not None:
        target = plan.header.target_mpp
        resampled = [f"{slide} ({slide.mpp:.4g})" for slide in plan.slides if slide.mpp and slide.mpp != target]
        if resampled:
            found.append(
                _("Resampled to %(target).4g µm per pixel: %(slides)s.")
                % {"target": target, "slides": ", ".join(resampled)}
            )
    by_hand = [str(slide) for slide in plan.slides if slide.mpp_source == Slide.MppSource.HAND]
    if by_hand:
        found.append(_("Resolution supplied by hand: %(slides)s.") % {"slides": ", ".join(by_hand)})
    for stain in plan.stains:
        judged = plan.counts[stain][Split.VALIDATION]
        lacking = [str(name) for label, name in (("tumor", _("tumour")), ("normal", _("normal"))) if not judged[label]]
        if plan.patches and lacking:
            found.append(
                _("Validation has no %(classes)s patch in %(stain)s: the best epoch is chosen half blind.")
                % {"classes": _(" and no ").join(lacking), "stain": stain}
            )
    if plan.slides and not plan.splits[Split.EVALUATION]:
        found.append(_("No case is left for evaluation: a figure on unseen cases can't be given."))
    if open_patches := labelled_without_agreement(plan.project, plan.patches):
        found.append(
            ngettext(
                "%(number)s labelled patch is not frozen: unsure, excluded, left out or not agreed on.",
                "%(number)s labelled patches are not frozen: unsure, excluded, left out or not agreed on.",
                open_patches,
            )
            % {"number": open_patches}
        )
    return found


def labelled_without_agreement(project: Project, agreed: Sequence[PlannedPatch]) -> int:
    """Count patches that carry a standing label but no agreed one: unsure, excluded, or readers disagree."""
    given = standing_labels().filter(
        patch__slide__case__project=project, patch__slide__origin=Slide.Origin.REAL, value__isnull=False
    )
    return given.exclude(patch__in=[row.patch.pk for row in agreed]).values("patch").distinct().count()

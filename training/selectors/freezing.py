"""Say what a freeze would hold, without writing anything."""

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import replace

from django.utils.translation import gettext as _

from accounts.models import Project
from annotation.models import GridSettings, LargePatch
from annotation.selectors import consensus_labels, consensus_rule, target_mpp
from training.learning.manifest import LABELS, Header
from training.models import Split
from training.selectors import objections
from training.selectors.plan import FreezePlan, PlannedPatch
from viewer.models import Slide

# Of a single case, every fourth patch of a label validates.
HELD_OUT_SHARE = 4


def freeze_plan(project: Project, splits: Mapping[str, str] | None = None) -> FreezePlan:
    """Return what a freeze would hold now.

    `splits` names cases: train, validation, test (the cases for evaluation) or left_out. Cases that it does not name
    train if they are labelled and are left for evaluation if not. Unless it names one for validation, one of the
    others validates: the last labelled one, by name, that training can spare.
    """
    named = dict(splits or {})
    stains = (project.source_stain, project.target_stain)
    slides = all_slides = _real_slides(project)
    cases = sorted({slide.case.name for slide in slides})
    patches = found = _labelled_patches(project)
    labelled = sorted({row.case for row in patches})

    split_of: dict[str, str] = {case: Split.TRAIN if case in labelled else Split.EVALUATION for case in cases}
    split_of |= {case: split for case, split in named.items() if case in split_of and split in Split.values}
    if Split.VALIDATION not in named.values():
        training = [row for row in patches if split_of[row.case] == Split.TRAIN]
        if (spared := _case_to_spare(training, stains, set(cases) - set(named))) is not None:
            split_of[spared] = Split.VALIDATION

    split_of = {case: split for case, split in split_of.items() if split != Split.LEFT_OUT}
    slides = [slide for slide in slides if slide.case.name in split_of]
    patches = [row for row in patches if row.case in split_of]
    dependence = ""
    if labelled and not any(split_of[row.case] == Split.VALIDATION for row in patches):
        dependence = _why_dependent(labelled, named)
        patches = _hold_out_patches(patches, split_of)

    grid = GridSettings.objects.filter(project=project).first() or GridSettings(project=project)
    resolution = target_mpp(project)
    plan = FreezePlan(
        project=project,
        header=Header(
            project.slug, stains, resolution, grid.patch_px, grid.instance_px, consensus=consensus_rule(project)
        )
        if resolution
        else None,
        slides=tuple(slides),
        patches=tuple(patches),
        all_slides=tuple(all_slides),
        found=tuple(found),
        split_of=split_of,
        dependence=dependence,
        refusals=(),
        warnings=(),
    )
    against = _unknown_names(named, cases) + objections.refusals(plan)
    return replace(plan, refusals=tuple(against), warnings=tuple(objections.warnings(plan)))


def _real_slides(project: Project) -> list[Slide]:
    pair = [project.source_stain, project.target_stain]
    slides = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL, stain__in=pair)
    return list(slides.select_related("case").order_by("case__name", "stain", "key"))


def _labelled_patches(project: Project) -> list[PlannedPatch]:
    labels = consensus_labels(project)
    pair = [project.source_stain, project.target_stain]
    found = LargePatch.objects.filter(pk__in=labels, slide__stain__in=pair).select_related("slide__case")
    return [
        PlannedPatch(
            patch,
            str(labels[patch.pk].value),
            tuple(sorted(labels[patch.pk].label_ids)),
            rule=str(labels[patch.pk].rule),
        )
        for patch in found.order_by("slide__case__name", "slide__stain", "slide__key", "row", "column")
    ]


def _unknown_names(named: Mapping[str, str], cases: list[str]) -> list[str]:
    refusals = [
        _("Case “%(case)s” is named for a split, but no slide of the stain pair belongs to it.") % {"case": case}
        for case in sorted(set(named) - set(cases))
    ]
    allowed = Split.values
    return refusals + [
        _("“%(split)s” is no split; expected one of %(allowed)s.") % {"split": split, "allowed": ", ".join(allowed)}
        for split in sorted(set(named.values()) - set(allowed))
    ]


def _case_to_spare(patches: list[PlannedPatch], stains: tuple[str, str], allowed: Set[str]) -> str | None:
    """Return the last allowed case, by name, without which both stains keep both classes; None when there is none.

    A case that itself has both classes in both stains comes before one that has not: it can judge both classifiers.
    """
    cases = sorted({row.case for row in patches}, reverse=True)
    needed = {(stain, label) for stain in stains for label in LABELS}
    classes = {case: {(row.stain, row.label) for row in patches if row.case == case} for case in cases}

    def rest_teaches(case: str) -> bool:
        rest = [classes[other] for other in cases if other != case]
        return bool(rest) and needed <= set[tuple[str, str]]().union(*rest)

    sparable = [case for case in cases if case in allowed and rest_teaches(case)]
    return max(sparable, key=lambda case: len(needed & classes[case]), default=None)


def _why_dependent(labelled: list[str], named: Mapping[str, str]) -> str:
    if named:
        found = _("No labelled case is named for validation.")
    elif len(labelled) == 1:
        found = _("Only one case (%(case)s) is labelled.") % {"case": labelled[0]}
    else:
        found = _("None of the %(number)s labelled cases can be spared: the others would lack a class.") % {
            "number": len(labelled)
        }
    return (
        found
        + " "
        + _(
            "Held-out patches of the training cases would validate, so a good figure may only mean that the case was "
            "learnt by heart. Label another case in both stains, or confirm that there is no independent validation."
        )
    )


def _hold_out_patches(patches: list[PlannedPatch], split_of: Mapping[str, str]) -> list[PlannedPatch]:
    """Let the last quarter of each stain's and label's training patches validate, at least one of two."""
    groups: dict[tuple[str, str], list[PlannedPatch]] = defaultdict(list)
    for row in patches:
        if split_of[row.case] == Split.TRAIN:
            groups[row.stain, row.label].append(row)
    held = {
        row.patch.pk
        for rows in groups.values()
        for row in rows[len(rows) - max(len(rows) // HELD_OUT_SHARE, min(len(rows) - 1, 1)) :]
    }
    return [replace(row, split=Split.VALIDATION) if row.patch.pk in held else row for row in patches]

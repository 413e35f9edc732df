"""Say what a freeze would hold, and what speaks against it, without writing anything."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Project
from annotation.models import GridSettings, LargePatch
from annotation.selectors import consensus_labels, standing_labels, target_mpp
from training.learning.manifest import LABELS, Header, Manifest, PatchRow, SlideRow
from training.models import SPLITS, Split
from viewer.models import Slide

# Of a single case, every fourth patch of a label validates.
HELD_OUT_SHARE = 4


@dataclass(frozen=True)
class PlannedPatch:
    """A labelled patch with the decisions behind its label. `split` overrules its case's split."""

    patch: LargePatch
    label: str
    label_ids: tuple[int, ...]
    split: str | None = None

    @property
    def case(self) -> str:
        return self.patch.slide.case.name

    @property
    def stain(self) -> str:
        return self.patch.slide.stain


@dataclass(frozen=True)
class FreezePlan:
    """What would be frozen now. Refusals speak against it; `dependence` is what a lead has to confirm.

    `all_slides` and `found` are what there is, cases that are left out included.
    """

    project: Project
    header: Header | None
    slides: tuple[Slide, ...]
    patches: tuple[PlannedPatch, ...]
    all_slides: tuple[Slide, ...]
    found: tuple[PlannedPatch, ...]
    split_of: dict[str, str]
    dependence: str
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def stains(self) -> tuple[str, str]:
        return (self.project.source_stain, self.project.target_stain)

    def labels_of(self, case: str, stain: str, label: str) -> int:
        """Count the agreed labels of a case in one stain, whatever its split."""
        return sum((row.case, row.stain, row.label) == (case, stain, label) for row in self.found)

    @property
    def splits(self) -> dict[str, list[str]]:
        """Case names by split."""
        return {split: sorted(case for case, into in self.split_of.items() if into == split) for split in SPLITS}

    def split(self, planned: PlannedPatch) -> str:
        return planned.split or self.split_of[planned.case]

    @property
    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Slides and patches of each label, by stain and split."""
        slides = Counter((slide.stain, self.split_of[slide.case.name]) for slide in self.slides)
        patches = Counter((row.stain, self.split(row), row.label) for row in self.patches)
        return {
            stain: {
                split: {"slides": slides[stain, split]} | {label: patches[stain, split, label] for label in LABELS}
                for split in SPLITS
            }
            for stain in self.stains
        }

    def manifest(self) -> Manifest:
        """Return the manifest of this plan. Raises ManifestError where the rows contradict each other."""
        if self.header is None:
            raise ValueError("A plan without a target resolution has no manifest; look at its refusals first.")
        return Manifest(
            self.header,
            tuple(_slide_row(slide, self.split_of[slide.case.name]) for slide in self.slides),
            tuple(_patch_row(row) for row in self.patches),
        )


def freeze_plan(project: Project, splits: Mapping[str, str] | None = None) -> FreezePlan:
    """Return what a freeze would hold now.

    `splits` names cases: train, validation, test (the cases for evaluation) or left_out. Cases that it does not name
    train if they are labelled and are left for evaluation if not; without it one labelled case validates, the last
    by name that training can spare.
    """
    named = dict(splits or {})
    stains = (project.source_stain, project.target_stain)
    slides = all_slides = _real_slides(project)
    cases = sorted({slide.case.name for slide in slides})
    patches = found = _labelled_patches(project)
    labelled = sorted({row.case for row in patches})
    refusals = _unknown_names(named, cases)

    split_of: dict[str, str] = {case: Split.TRAIN if case in labelled else Split.EVALUATION for case in cases}
    split_of |= {case: split for case, split in named.items() if case in split_of and split in Split.values}
    if not named and (spared := _case_to_spare(patches, stains)) is not None:
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
        header=Header(project.slug, stains, resolution, grid.patch_px, grid.instance_px, consensus="single")
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
    refusals += [*_refusals(plan)]
    return replace(plan, refusals=tuple(refusals), warnings=tuple(_warnings(plan)))


def labelled_without_agreement(project: Project, agreed: Sequence[PlannedPatch]) -> int:
    """Count patches that carry a standing label but no agreed one: unsure, excluded, or readers disagree."""
    given = standing_labels().filter(
        patch__slide__case__project=project, patch__slide__origin=Slide.Origin.REAL, value__isnull=False
    )
    return given.exclude(patch__in=[row.patch.pk for row in agreed]).values("patch").distinct().count()


def _real_slides(project: Project) -> list[Slide]:
    pair = [project.source_stain, project.target_stain]
    slides = Slide.objects.filter(case__project=project, origin=Slide.Origin.REAL, stain__in=pair)
    return list(slides.select_related("case").order_by("case__name", "stain", "key"))


def _labelled_patches(project: Project) -> list[PlannedPatch]:
    labels = consensus_labels(project)
    pair = [project.source_stain, project.target_stain]
    found = LargePatch.objects.filter(pk__in=labels, slide__stain__in=pair).select_related("slide__case")
    return [
        PlannedPatch(patch, str(labels[patch.pk].value), tuple(sorted(labels[patch.pk].label_ids)))
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


def _case_to_spare(patches: list[PlannedPatch], stains: tuple[str, str]) -> str | None:
    """Return the last labelled case, by name, without which both stains keep both classes; None when there is none.

    A case that itself has both classes in both stains comes before one that has not: it can judge both classifiers.
    """
    cases = sorted({row.case for row in patches}, reverse=True)
    needed = {(stain, label) for stain in stains for label in LABELS}
    classes = {case: {(row.stain, row.label) for row in patches if row.case == case} for case in cases}

    def rest_teaches(case: str) -> bool:
        rest = [classes[other] for other in cases if other != case]
        return bool(rest) and needed <= set[tuple[str, str]]().union(*rest)

    sparable = [case for case in cases if rest_teaches(case)]
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


def _refusals(plan: FreezePlan) -> list[str]:
    missing_side = [
        _("The project has no %(stain)s slide, and the pair %(source)s → %(target)s needs both. Import one.")
        % {"stain": stain, "source": plan.stains[0], "target": plan.stains[1]}
        for stain in plan.stains
        if not any(slide.stain == stain for slide in plan.slides)
    ]
    without_mpp = [str(slide) for slide in plan.slides if slide.state == Slide.State.NEEDS_MPP]
    unknown_size = [
        ngettext(
            "The resolution (mpp) of %(slides)s is not known. Supply it on the slide's page, or leave the case out.",
            "The resolution (mpp) of %(number)s slides is not known: %(slides)s. Supply it on each slide's page, or "
            "leave the cases out.",
            len(without_mpp),
        )
        % {"number": len(without_mpp), "slides": ", ".join(without_mpp)}
    ]
    if not plan.patches:
        source, target = plan.stains
        no_labels = _(
            "There are no labels to freeze: no %(source)s or %(target)s patch is labelled tumour or normal with all "
            "its readers agreeing. Label patches of both stains first."
        ) % {"source": source, "target": target}
        return missing_side + (unknown_size if without_mpp else []) + [no_labels]
    return missing_side + (unknown_size if without_mpp else []) + _one_sided(plan)


def _one_sided(plan: FreezePlan) -> list[str]:
    refusals = []
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
                refusals.append(
                    _(
                        "%(stain)s has no labelled patch on its %(slides)s slides; each stain of the pair needs tumour "
                        "and normal patches. Label some."
                    )
                    % values
                )
        elif not (everything["tumor"] and everything["normal"]):
            refusals.append(
                _(
                    "%(stain)s has one class only: %(all_tumor)s tumour and %(all_normal)s normal patches. A "
                    "classifier learns from both; label patches of the other class."
                )
                % values
            )
        elif not (train["tumor"] and train["normal"]):
            refusals.append(
                _(
                    "The training cases have one class only in %(stain)s: %(tumor)s tumour and %(normal)s normal "
                    "patches (%(all_tumor)s and %(all_normal)s in all cases). Move a case to training, or label more."
                )
                % values
            )
    return refusals


def _warnings(plan: FreezePlan) -> list[str]:
    warnings = []
    if plan.header is not None:
        target = plan.header.target_mpp
        resampled = [f"{slide} ({slide.mpp:.4g})" for slide in plan.slides if slide.mpp and slide.mpp != target]
        if resampled:
            warnings.append(
                _("Resampled to %(target).4g µm per pixel: %(slides)s.")
                % {"target": target, "slides": ", ".join(resampled)}
            )
    by_hand = [str(slide) for slide in plan.slides if slide.mpp_source == Slide.MppSource.HAND]
    if by_hand:
        warnings.append(_("Resolution supplied by hand: %(slides)s.") % {"slides": ", ".join(by_hand)})
    for stain in plan.stains:
        judged = plan.counts[stain][Split.VALIDATION]
        lacking = [str(name) for label, name in (("tumor", _("tumour")), ("normal", _("normal"))) if not judged[label]]
        if plan.patches and lacking:
            warnings.append(
                _("Validation has no %(classes)s patch in %(stain)s: the best epoch is chosen half blind.")
                % {"classes": _(" and no ").join(lacking), "stain": stain}
            )
    if plan.slides and not plan.splits[Split.EVALUATION]:
        warnings.append(_("No case is left for evaluation: a figure on unseen cases can't be given."))
    if open_patches := labelled_without_agreement(plan.project, plan.patches):
        warnings.append(
            ngettext(
                "%(number)s labelled patch is not frozen: unsure, excluded, left out or not agreed on.",
                "%(number)s labelled patches are not frozen: unsure, excluded, left out or not agreed on.",
                open_patches,
            )
            % {"number": open_patches}
        )
    return warnings


def _slide_row(slide: Slide, split: str) -> SlideRow:
    return SlideRow(
        case=slide.case.name,
        key=slide.key,
        sha256=slide.content_sha256,
        width_l0=slide.width_l0,
        height_l0=slide.height_l0,
        mpp=float(slide.mpp or 0),
        mpp_source=slide.mpp_source,
        stain=slide.stain,
        colour=slide.colour,
        split=split,
    )


def _patch_row(row: PlannedPatch) -> PatchRow:
    place: dict[str, Any] = {"x_l0": row.patch.x_l0, "y_l0": row.patch.y_l0, "size_l0": row.patch.size_l0}
    return PatchRow(slide=row.patch.slide.key, **place, label=row.label, label_ids=row.label_ids, split=row.split)

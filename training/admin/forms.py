"""Forms of the lead's pages. Choices never leave the lead's project."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from training.learning import config as learning_config
from training.learning.errors import ConfigError
from training.models import SPLITS, Dataset, Run, Split
from training.selectors import FreezePlan, best_checkpoint, usable_runs
from viewer.models import Slide

PRESET_NAMES = {
    "paper": _("the paper's values: 100 epochs, for a GPU"),
    "cpu": _("small: minutes on a few cores"),
    "tiny": _("for trying the machinery: seconds, learns nothing"),
}


class IntegerList(forms.Field):
    """Whole numbers, separated by commas."""

    def to_python(self, value: Any) -> list[int]:
        try:
            return [int(part) for part in str(value or "").split(",")]
        except ValueError as error:
            raise forms.ValidationError(_("Enter whole numbers, separated by commas.")) from error


class ConfigRow(NamedTuple):
    """One key as the page shows it."""

    field: BoundField
    paper: str
    differs: bool


class ConfigForm(forms.Form):
    """Every key of one kind of run, with its meaning, unit and source as help."""

    def __init__(self, kind: str, preset: str, data: Any = None) -> None:
        self.kind = kind
        self.paper = learning_config.preset(kind, "paper").to_dict()
        values = learning_config.preset(kind, preset).to_dict()
        initial = {key: _shown(value) for key, value in values.items()}
        super().__init__(data, initial=initial, prefix=kind)
        for option in learning_config.CONFIGS[kind].describe():
            field = _field(option.type)
            field.help_text = option.doc
            field.label = option.key
            field.widget.attrs |= {"data-paper": _as_input(self.paper[option.key])}
            self.fields[option.key] = field

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                learning_config.from_dict(self.kind, cleaned)
            except ConfigError as error:
                key = str(error).partition(" ")[0]
                self.add_error(key if key in self.fields else None, str(error))
        return cleaned

    @property
    def rows(self) -> Iterator[ConfigRow]:
        for name in self.fields:
            paper = _as_input(self.paper[name])
            yield ConfigRow(self[name], paper, _as_input(self[name].value()) != paper)

    @property
    def changed(self) -> int:
        """How many keys are not the paper's."""
        return sum(row.differs for row in self.rows)


class RunChoice(forms.ModelChoiceField):
    """Runs to build on, with the epoch that validation chose."""

    def label_from_instance(self, obj: Any) -> str:
        best = best_checkpoint(obj)
        epoch = f" · epoch {best.epoch}" if best else ""
        dependent = "" if obj.independent_validation else f" · {_('no independent validation')}"
        return f"{obj}{epoch} · {obj.created_at:%Y-%m-%d %H:%M}{dependent}"


class DatasetChoice(forms.ModelChoiceField):
    """Frozen data sets, with what marks them."""

    def label_from_instance(self, obj: Any) -> str:
        dependent = "" if obj.independent_validation else f" · {_('no independent validation')}"
        return f"{obj} · {obj.created_at:%Y-%m-%d %H:%M}{dependent}"


class InputsForm(forms.Form):
    """What a run works from. The fields depend on the kind of run; `chain` is the whole training."""

    def __init__(self, project: Project, kind: str, data: Any = None) -> None:
        super().__init__(data)
        datasets = Dataset.objects.filter(project=project).order_by("-number")
        source, target = project.source_stain, project.target_stain
        if kind in {"mil", "cyclegan", "chain"}:
            self.fields["dataset"] = DatasetChoice(datasets, label=_("Data set"), empty_label=None)
        if kind == "mil":
            self.fields["stain"] = forms.ChoiceField(choices=[(stain, stain) for stain in (source, target)])
        if kind == "cyclegan":
            self.fields["source_classifier_run"] = _classifier(project, source)
            self.fields["target_classifier_run"] = _classifier(project, target)
        if kind == "synthesis":
            runs = usable_runs(project, Run.Kind.CYCLEGAN)
            self.fields["generator_run"] = RunChoice(runs, label=_("Generator"), empty_label=None)
        if kind == "score":
            runs = usable_runs(project, Run.Kind.MIL)
            self.fields["source_classifier_run"] = RunChoice(runs, label=_("Classifier"), empty_label=None)
        if kind in {"synthesis", "score", "chain"}:
            stains = [source, target] if kind == "score" else [source]
            slides = Slide.objects.filter(
                case__project=project, origin=Slide.Origin.REAL, state=Slide.State.READY, stain__in=stains
            ).select_related("case")
            help_text = _("The slide to synthesise.") if kind == "chain" else ""
            self.fields["slide"] = forms.ModelChoiceField(
                slides, label=_("Slide"), empty_label=None, help_text=help_text
            )
        if kind == "chain":
            self.fields["publish"] = forms.BooleanField(
                required=False,
                label=_("Publish the synthetic slide at the end"),
                help_text=_("Clinicians see it at once. Without this you look at it first."),
            )

    @property
    def missing(self) -> list[str]:
        """Names of what there is nothing to choose from."""
        choices = [field for field in self.fields.values() if isinstance(field, forms.ModelChoiceField)]
        return [str(field.label) for field in choices if field.queryset is not None and not field.queryset.exists()]


class FreezeForm(forms.Form):
    """The split of each case, a remark, and the confirmation where no case can be held out."""

    note = forms.CharField(required=False, label=_("Remark"), widget=forms.Textarea(attrs={"rows": 2}), max_length=2000)
    confirm = forms.BooleanField(required=False, label=_("I know: there is no independent validation"))

    def __init__(self, plan: FreezePlan, cases: list[str], data: Any = None) -> None:
        super().__init__(data)
        self.cases = cases
        choices = [(split.value, split.label) for split in (*SPLITS, Split.LEFT_OUT)]
        for number, case in enumerate(cases):
            self.fields[f"split-{number}"] = forms.ChoiceField(
                choices=choices, required=False, label=case, initial=plan.split_of.get(case, Split.LEFT_OUT.value)
            )

    def splits(self) -> dict[str, str]:
        """Return the split of each case as the lead left it."""
        chosen = {case: self.data.get(f"split-{number}", "") for number, case in enumerate(self.cases)}
        return {case: split for case, split in chosen.items() if split}

    def split_fields(self) -> Iterator[tuple[str, BoundField]]:
        for number, case in enumerate(self.cases):
            yield case, self[f"split-{number}"]


def _classifier(project: Project, stain: str) -> RunChoice:
    runs = usable_runs(project, Run.Kind.MIL, stain)
    return RunChoice(runs, label=_("%(stain)s classifier") % {"stain": stain}, empty_label=None)


def _field(kind: str) -> forms.Field:
    match kind:
        case "int":
            return forms.IntegerField()
        case "float":
            return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"}))
        case "bool":
            return forms.BooleanField(required=False)
        case "int,…":
            return IntegerList()
        case "str":
            return forms.CharField(required=False, max_length=500)
    return forms.ChoiceField(choices=[(choice, choice) for choice in kind.split("|")])


def _shown(value: Any) -> Any:
    """Return a configuration value as a form field takes it."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _as_input(value: Any) -> str:
    """Return a value as the browser's input holds it, so that two can be compared."""
    if isinstance(value, list | tuple):
        return _shown(value)
    if isinstance(value, bool) or value in {"on", "True", "False"}:
        return "true" if value in (True, "on", "True") else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = "" if value is None else str(value).strip()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text

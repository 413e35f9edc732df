"""Forms of this room's pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from review.models import Study


class StudyForm(forms.ModelForm):
    """What a lead says of a new blinded study."""

    class Meta:
        model = Study
        fields = ["name", "fields_per_kind", "repeats", "field_um"]
        labels = {
            "fields_per_kind": _("Fields of each kind"),
            "repeats": _("Fields that come twice"),
            "field_um": _("Width of a field, µm"),
        }

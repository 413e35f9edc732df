"""Forms of this room's pages."""

from django import forms

from review.models import Study


class StudyForm(forms.ModelForm):
    """What a lead says of a new blinded study."""

    class Meta:
        model = Study
        fields = ["name", "fields_per_kind", "repeats", "field_um"]

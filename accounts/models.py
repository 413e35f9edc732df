"""Users, projects, and the roles that people hold in them."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

STAIN_PATTERN = r"^[A-Z0-9]{1,16}$"
validate_stain = RegexValidator(
    STAIN_PATTERN, _("A stain is named by 1 to 16 capital letters or digits, for example HE or KI67.")
)


class User(AbstractUser):
    """A person who signs in. Our own model from the first migration, so that it can grow."""


class Project(models.Model):
    """A study: its cases, its people, and the stain pair that it translates between."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    source_stain = models.CharField(max_length=16, default="HE", validators=[validate_stain])
    target_stain = models.CharField(max_length=16, default="KI67", validators=[validate_stain])
    drawn_tissue = models.BooleanField(
        default=False, help_text=_("Every slide of this project is drawn by the program: nothing in it is a patient.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(source_stain=models.F("target_stain")), name="project_stain_pair_differs"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a person does in a project. One person may hold several."""

    PATHOLOGIST = "pathologist", _("pathologist")
    LEAD = "lead", _("project lead")
    CLINICIAN = "clinician", _("clinician")


class Membership(models.Model):
    """One role of one person in one project. Deleting the row revokes it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["project", "user", "role"]
        constraints = [
            models.UniqueConstraint(fields=["user", "project", "role"], name="membership_once_per_role"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} in {self.project}"

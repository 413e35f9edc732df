"""Users, projects and memberships. Site administrators see all; leads look after their own projects' members."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.access import Act, projects_where
from accounts.admin_access import ByAccess
from accounts.models import Membership, Project, User

admin.site.unregister(Group)  # rights come from memberships alone
admin.site.site_header = _("Counterstain")
admin.site.site_title = _("Counterstain")
admin.site.index_title = _("Training, slides and people")


@admin.register(User)
class UserAdmin(ByAccess, DjangoUserAdmin):
    """Accounts are made and deactivated by site administrators. They are never deleted: their labels name them."""

    see = Act.MANAGE_MEMBERS
    change = Act.MANAGE_USERS
    project_lookup = "memberships__project"
    list_display = ["username", "first_name", "last_name", "is_active", "is_superuser"]
    list_filter = ["is_active"]
    readonly_fields = ["last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Access"), {"fields": ["is_active", "is_superuser"]}),
        (_("Dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    for_leads = [(None, {"fields": ["username", "first_name", "last_name", "is_active"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        if request.user.is_superuser:
            return User.objects.all()
        return super().get_queryset(request)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_fieldsets(request, obj) if request.user.is_superuser else self.for_leads

    def allows(self, request: HttpRequest, act: Act | None, obj: Model | None) -> bool:
        return request.user.is_superuser or super().allows(request, act, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: forms.Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.keep_staff_in_step(obj)


@admin.register(Project)
class ProjectAdmin(ByAccess):
    """Projects are made by site administrators; leads see their own."""

    see = Act.MANAGE_MEMBERS
    change = Act.MANAGE_PROJECTS
    project_lookup = "pk"
    list_display = ["name", "source_stain", "target_stain", "drawn_tissue", "created_at"]
    prepopulated_fields = {"slug": ["name"]}

    def get_prepopulated_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_prepopulated_fields(request, obj) if self.has_add_permission(request) else {}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class MembershipForm(forms.ModelForm):
    """Names the person by username: a lead need not see the accounts of other projects."""

    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True), to_field_name="username", widget=forms.TextInput, label=_("username")
    )

    class Meta:
        model = Membership
        fields = ["project", "user", "role"]


@admin.register(Membership)
class MembershipAdmin(ByAccess):
    """Roles are given and taken; a row is never rewritten into another."""

    see = Act.MANAGE_MEMBERS
    change = Act.MANAGE_MEMBERS
    form = MembershipForm
    list_display = ["project", "user", "role", "created_at"]
    # Only projects that the viewer manages members of are named.
    list_filter = ["role", ("project", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["project", "user"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "project":
            kwargs["queryset"] = projects_where(request.user, Act.MANAGE_MEMBERS)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Membership, form: forms.Form, change: bool) -> None:
        obj.pk = services.add_member(obj.project, obj.user, obj.role).pk

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        services.remove_member(obj.project, obj.user, obj.role)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        with transaction.atomic():  # all of them or none
            for membership in queryset.select_related("project", "user"):
                services.remove_member(membership.project, membership.user, membership.role)

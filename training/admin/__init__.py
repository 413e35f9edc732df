"""The lead's pages in the admin site: data sets, runs, publications."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from training.admin.datasets import DatasetAdmin
from training.admin.publications import PublicationAdmin
from training.admin.runs import RunAdmin

__all__ = ["DatasetAdmin", "PublicationAdmin", "RunAdmin"]


@login_not_required
def sign_in(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """Send who has not signed in to the site's one login page; who has may not come in here."""
    if request.user.is_authenticated:
        raise PermissionDenied(_("These pages are for project leads and site administrators."))
    return redirect_to_login(request.GET.get("next") or request.get_full_path())


admin.site.enable_nav_sidebar = False
admin.site.login = sign_in  # type: ignore[method-assign]

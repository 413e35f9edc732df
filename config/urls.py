"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from accounts.api import TokenForPassword


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process serves. `manage.py doctor` looks at the parts behind it."""
    return HttpResponse("ok", content_type="text/plain")


api_v1: list[URLPattern | URLResolver] = [
    path("token/", TokenForPassword.as_view(), name="token"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("", include("viewer.api_urls")),
    path("", include("annotation.api_urls")),
    path("", include("training.api_urls")),
    path("", include("review.api_urls")),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("api/v1/", include(api_v1)),
    path("healthz", healthz, name="healthz"),
    path("", include("viewer.urls")),
    path("", include("annotation.urls")),
    path("", include("training.urls")),
    path("", include("review.urls")),
]

"""Sign in, sign out, change one's password. The pages are templates/accounts/*.html."""

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext as _


class SignIn(auth.LoginView):
    """Context: form, next."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True


class SignOut(auth.LogoutView):
    """Answers POST only, so that no link or image can sign a person out."""


class ChangePassword(auth.PasswordChangeView):
    """Context: form."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, _("Your password has been changed."))
        return super().form_valid(form)

import pytest
from axes.models import AccessAttempt

from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def ann():
    return make_user("ann", password=PASSWORD)


def test_a_visitor_is_sent_to_the_login_page(client):
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/"


def test_signing_in_leads_to_the_page_that_was_asked_for(client, ann):
    response = client.post("/accounts/login/?next=/accounts/password/", {"username": "ann", "password": PASSWORD})
    assert response["Location"] == "/accounts/password/"


def test_signing_in_never_leads_to_another_site(client, ann):
    response = client.post("/accounts/login/?next=https://evil.example/", {"username": "ann", "password": PASSWORD})
    assert response["Location"] == "/"


def test_a_wrong_password_is_refused_and_counted(client, ann):
    response = client.post("/accounts/login/", {"username": "ann", "password": "wrong"})
    assert response.status_code == 200
    assert response.context["form"].non_field_errors()
    assert AccessAttempt.objects.get().failures_since_start == 1


def test_after_ten_wrong_passwords_even_the_right_one_waits(client, ann):
    for _ in range(10):
        client.post("/accounts/login/", {"username": "ann", "password": "wrong"})
    response = client.post("/accounts/login/", {"username": "ann", "password": PASSWORD})
    assert response.status_code == 429
    assert "closed for 15 minutes" in response.text
    assert "_auth_user_id" not in client.session


def test_signing_out_takes_a_click_not_a_link(client, ann):
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session


def test_a_person_changes_the_own_password(client, ann):
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    fields = {"old_password": PASSWORD, "new_password1": "staple glass river", "new_password2": "staple glass river"}
    assert client.post("/accounts/password/", fields)["Location"] == "/"
    ann.refresh_from_db()
    assert ann.check_password("staple glass river")


def test_a_short_password_is_refused(client, ann):
    client.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
    fields = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert client.post("/accounts/password/", fields).status_code == 200
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)

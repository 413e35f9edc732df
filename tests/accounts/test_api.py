import pytest
from axes.models import AccessAttempt
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient, APIRequestFactory

from accounts.api import TokenForPassword
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def ann():
    return make_user("ann", password=PASSWORD)


def ask(password, username="ann"):
    request = APIRequestFactory().post("/", {"username": username, "password": password}, format="json")
    return TokenForPassword.as_view()(request)


def test_a_token_signs_a_program_in_until_the_account_is_deactivated(ann):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {ask(PASSWORD).data['token']}")
    assert client.get("/api/v1/projects/").json()["count"] == 0
    ann.is_active = False
    ann.save()
    assert client.get("/api/v1/projects/").status_code == 401


def test_asking_again_gives_the_same_token(ann):
    assert ask(PASSWORD).data == ask(PASSWORD).data


def test_a_wrong_password_gives_no_token_and_is_counted(ann):
    answer = ask("wrong")
    assert answer.status_code == 400
    assert answer.data == {"message": "There is no active account with this name and password.", "extra": {}}
    assert AccessAttempt.objects.get().failures_since_start == 1
    assert not Token.objects.exists()


def test_an_unknown_name_is_answered_like_a_wrong_password(ann):
    assert ask("wrong", "nobody").data == ask("wrong").data


def test_a_deactivated_person_gets_no_token(ann):
    ann.is_active = False
    ann.save()
    assert ask(PASSWORD).status_code == 400
    assert not Token.objects.exists()


def test_guessing_is_stopped(ann):
    for _ in range(10):
        ask("wrong")
    answer = ask(PASSWORD)
    assert answer.status_code == 429
    assert "Wait a quarter of an hour" in answer.data["message"]
    assert not Token.objects.exists()


@pytest.mark.parametrize("path", ["/api/v1/token/", "/accounts/login/"])
def test_guessing_is_stopped_at_every_door(ann, path):
    client = APIClient()
    for _ in range(10):
        client.post(path, {"username": "ann", "password": "wrong"})
    answer = client.post(path, {"username": "ann", "password": PASSWORD})
    assert answer.status_code in {400, 429}
    assert "token" not in getattr(answer, "data", {})
    assert "_auth_user_id" not in client.session

import pytest
from django.conf import settings

from accounts.models import User
from config.demo.accounts import DEMO_ACCOUNTS, ensure_accounts, read_passwords


@pytest.mark.django_db
def test_accounts_get_random_passwords_in_a_private_file() -> None:
    users = ensure_accounts()
    passwords = read_passwords(settings.LAYOUT.accounts_file)
    assert set(users) == set(passwords) == {"pathologist", "lead", "clinician", "admin"}
    assert all(users[name].check_password(password) for name, password in passwords.items())
    assert len(set(passwords.values())) == len(DEMO_ACCOUNTS)
    assert min(map(len, passwords.values())) >= 16
    assert settings.LAYOUT.accounts_file.stat().st_mode & 0o777 == 0o600
    assert [name for name, user in users.items() if user.is_superuser] == ["admin"]


@pytest.mark.django_db
def test_a_second_start_changes_nothing() -> None:
    before = {name: user.password for name, user in ensure_accounts().items()}
    file = settings.LAYOUT.accounts_file.read_text()
    assert {name: user.password for name, user in ensure_accounts().items()} == before
    assert settings.LAYOUT.accounts_file.read_text() == file
    assert User.objects.count() == len(DEMO_ACCOUNTS)


@pytest.mark.django_db
def test_a_password_that_its_owner_changed_stays_changed() -> None:
    lead = ensure_accounts()["lead"]
    lead.set_password("my own long password")
    lead.save()
    assert ensure_accounts()["lead"].check_password("my own long password")


@pytest.mark.django_db
def test_passwords_are_made_anew_when_the_file_is_gone() -> None:
    ensure_accounts()
    settings.LAYOUT.accounts_file.unlink()
    users = ensure_accounts()
    passwords = read_passwords(settings.LAYOUT.accounts_file)
    assert all(users[name].check_password(password) for name, password in passwords.items())

"""The demo's accounts: made at its first start with random passwords, which stand in one private file."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts.models import User

PASSWORD_BYTES = 12


@dataclass(frozen=True)
class DemoAccount:
    """One person of the demo."""

    username: str
    task: str
    is_site_admin: bool = False


DEMO_ACCOUNTS = (
    DemoAccount("pathologist", "labels large patches"),
    DemoAccount("lead", "imports slides, trains, publishes"),
    DemoAccount("clinician", "compares, scores, signs a verdict"),
    DemoAccount("admin", "users, projects, memberships", is_site_admin=True),
)


def ensure_accounts() -> dict[str, User]:
    """Make the accounts that are missing and return all by user name. Roles in a project are its maker's business.

    A password in the file is the one that was made at the first start; if its owner has changed it since,
    it stays changed. An account whose password nobody knows any more (the file is gone) gets a new one.
    """
    known = read_passwords(settings.LAYOUT.accounts_file)
    users, passwords = {}, {}
    with transaction.atomic():
        for account in DEMO_ACCOUNTS:
            password = known.get(account.username) or secrets.token_urlsafe(PASSWORD_BYTES)
            users[account.username] = _ensure_user(account, password, forgotten=account.username not in known)
            passwords[account.username] = password
        write_passwords(settings.LAYOUT.accounts_file, passwords)
    return users


def _ensure_user(account: DemoAccount, password: str, *, forgotten: bool) -> User:
    user, created = User.objects.get_or_create(
        username=account.username,
        defaults={"is_superuser": account.is_site_admin, "is_staff": account.is_site_admin},
    )
    if created or forgotten:
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def read_passwords(file: Path) -> dict[str, str]:
    """Return the password of each account that the file names."""
    if not file.exists():
        return {}
    rows = [line.split() for line in file.read_text().splitlines() if line.startswith("  ")]
    return {words[0]: words[1] for words in rows}


def write_passwords(file: Path, passwords: dict[str, str]) -> None:
    """Write the file whole or not at all, readable by its owner only."""
    rows = [f"  {account.username:12} {passwords[account.username]}   {account.task}" for account in DEMO_ACCOUNTS]
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.part")
    draft.touch(mode=0o600)
    draft.write_text("\n".join(["Accounts of the demo (user name, password):", *rows, ""]))
    draft.replace(file)

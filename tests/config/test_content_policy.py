"""The content security policy against real pages: the browser fixture fails on any violation it reports."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


ADMIN_PATHS = ("/", "/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/")
LEAD_PATHS = ("/admin/", "/admin/training/run/", "/admin/training/dataset/")


def test_login_and_administration_keep_to_the_policy(
    page: Page, page_of: Callable[[User], Page], site_admin: User, lead: User, live_server: Any
) -> None:
    assert page.goto(f"{live_server.url}/accounts/login/").status == 200
    assert page.locator("input[name=password]").is_visible()
    for user, paths in ((site_admin, ADMIN_PATHS), (lead, LEAD_PATHS)):
        signed_in = page_of(user)
        for path in paths:
            assert signed_in.goto(live_server.url + path, wait_until="networkidle").status == 200, path

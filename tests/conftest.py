"""Fixtures for every room: people, a project, storage, real slides, a browser."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rest_framework.test import APIClient

from accounts.models import Project, Role, User
from config.standalone.layout import Layout
from tests.chromium import FLAGS, NoBrowser, find_chromium
from tests.factories import add_member, make_project, make_user

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class SiteClient(APIClient):
    """A test client for pages and API. Dictionaries may be sent with format="json" or a JSON content type."""

    def _encode_data(self, data: Any, format: str | None = None, content_type: str | None = None) -> Any:
        if content_type == "application/json" and not isinstance(data, str | bytes):
            format, content_type = "json", None
        return super()._encode_data(data, format, content_type)  # type: ignore[misc]


def sign_in(client: SiteClient, user: User) -> None:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")


@pytest.fixture(autouse=True)
def data_folder_of_the_test(settings: Any, tmp_path: Path) -> Layout:
    """Give each test its own storage, cache and upload folders."""
    layout = Layout(tmp_path / "home")
    settings.HOME = layout.home
    settings.LAYOUT = layout
    settings.MEDIA_ROOT = layout.storage
    settings.IMPORT_ROOTS = [tmp_path]
    settings.STORAGES = {
        **django_settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": layout.storage, "allow_overwrite": True},
        },
    }
    return layout


@pytest.fixture
def project(db: None) -> Project:
    return make_project("Breast study", slug="breast-study")


@pytest.fixture
def pathologist(project: Project) -> User:
    return add_member(make_user("pathologist"), project, Role.PATHOLOGIST)


@pytest.fixture
def lead(project: Project) -> User:
    return add_member(make_user("lead"), project, Role.LEAD)


@pytest.fixture
def clinician(project: Project) -> User:
    return add_member(make_user("clinician"), project, Role.CLINICIAN)


@pytest.fixture
def outsider(project: Project) -> User:
    """A pathologist, but of another project."""
    return add_member(make_user("outsider"), make_project("Other study"), Role.PATHOLOGIST)


@pytest.fixture
def site_admin(db: None) -> User:
    return make_user("site_admin", is_staff=True, is_superuser=True)


@pytest.fixture
def client_of() -> Callable[[User], SiteClient]:
    """Return a function that signs a user in: `client_of(lead).get("/")`."""

    def signed_in(user: User) -> SiteClient:
        client = SiteClient()
        sign_in(client, user)
        return client

    return signed_in


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real slides, for tests marked `data`."""
    folder = Path(os.environ.get("COUNTERSTAIN_DATA") or PROJECT_ROOT.parent / "shared" / "data").resolve()
    if not folder.is_dir():
        skip_or_fail("REQUIRE_DATA", f"no real slides: {folder} is missing; name the folder by COUNTERSTAIN_DATA")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """An existing Chromium, one per worker process."""
    chromium, reason = None, ""
    try:
        chromium = find_chromium(PROJECT_ROOT / "frontend")
    except NoBrowser as error:
        reason = f"no browser: {error}"
    if chromium is None:
        skip_or_fail("REQUIRE_BROWSER", reason)
    with sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, beside which Django would refuse the database.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        environment: dict[str, str | float | bool] = {**os.environ, **chromium.environment}
        opened = playwright.chromium.launch(executable_path=chromium.path, args=FLAGS, env=environment)
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def browser_context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile. The test fails if a page asks another machine, throws, or breaks the content policy."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.on("request", lambda request: complaints.extend(foreign_address(request.url)))
    context.on("weberror", lambda error: complaints.append(f"uncaught in the page: {error.error}"))
    context.on(
        "console",
        lambda message: complaints.extend([message.text] if "Content Security Policy" in message.text else []),
    )
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """A page that is not signed in."""
    return browser_context.new_page()


@pytest.fixture
def page_of(live_server: Any, browser_context: BrowserContext) -> Callable[[User], Page]:
    """Return a function that opens a signed-in page: `page_of(lead).goto(f"{live_server.url}/")`."""

    def signed_in(user: User) -> Page:
        client = SiteClient()
        sign_in(client, user)
        session = client.cookies[django_settings.SESSION_COOKIE_NAME].value
        cookie = {"name": django_settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
        browser_context.add_cookies([cookie])  # type: ignore[list-item]
        return browser_context.new_page()

    return signed_in


def foreign_address(url: str) -> list[str]:
    """Return the address in a list if it leaves this machine."""
    at_home = ("http://localhost", "http://127.0.0.1", "ws://localhost", "data:", "blob:", "about:")
    return [] if url.startswith(at_home) else [f"asked another machine: {url}"]


def skip_or_fail(required_by: str, reason: str) -> NoReturn:
    if os.environ.get(required_by) == "1":
        pytest.fail(f"{reason} ({required_by}=1)", pytrace=False)
    pytest.skip(reason)

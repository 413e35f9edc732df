"""A person at the site over HTTP: signs in with a form, then uses pages and the API as a browser would."""

import base64
import re
import time
from pathlib import Path
from typing import Any

import requests

PIECE_BYTES = 3_000_000


class SiteSession:
    """One signed-in person. Every answer that is not a success fails the test with what the site said."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.post_form("/accounts/login/", username=username, password=password)

    def get(self, path: str, expect: int = 200) -> requests.Response:
        return self._checked(self.http.get(self.url + path, timeout=60), expect)

    def post_form(self, path: str, expect: int = 200, **fields: Any) -> requests.Response:
        """Fill in the form of a page and send it."""
        page = self._checked(self.http.get(self.url + path, timeout=60), 200)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, f"{path} has no form"
        answer = self.http.post(
            page.url,
            data={"csrfmiddlewaretoken": token[1], **fields},
            headers={"Referer": self.url},
            timeout=60,
        )
        assert "errorlist" not in answer.text, re.findall(r"errorlist[^>]*>(.*?)</ul>", answer.text, re.DOTALL)
        return self._checked(answer, expect)

    def api(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        answer = self.http.request(
            method,
            f"{self.url}/api/v1/{path}",
            json=body,
            headers={"X-CSRFToken": self.http.cookies["csrftoken"], "Referer": self.url},
            timeout=60,
        )
        return self._checked(answer, expect).json()

    def upload(self, path: Path, project: str, case: str, stain: str) -> dict[str, Any]:
        """Send a slide in pieces (tus 1.0) and return its import once that is over."""
        content = path.read_bytes()
        named = {"project": project, "case": case, "stain": stain, "suffix": path.suffix}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in named.items())
        tus = {"Tus-Resumable": "1.0.0", "X-CSRFToken": self.http.cookies["csrftoken"], "Referer": self.url}
        begun = self.http.post(
            f"{self.url}/api/v1/uploads/",
            headers={**tus, "Upload-Length": str(len(content)), "Upload-Metadata": metadata},
            timeout=60,
        )
        location = self._checked(begun, 201).headers["Location"]
        for offset in range(0, len(content), PIECE_BYTES):
            sent = self.http.patch(
                location,
                data=content[offset : offset + PIECE_BYTES],
                headers={
                    **tus,
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                },
                timeout=60,
            )
            self._checked(sent, 204)
        return self.wait_for(f"imports/{sent.headers['Counterstain-Import']}/", {"done", "failed"}, seconds=60)

    def wait_for(self, path: str, states: set[str], seconds: float) -> dict[str, Any]:
        """Ask until `state` or `status` is one of `states`."""
        patience = time.monotonic() + seconds
        while time.monotonic() < patience:
            found: dict[str, Any] = self.api("GET", path)
            if (found.get("state") or found.get("status")) in states:
                return found
            time.sleep(0.5)
        raise AssertionError(f"{path} did not reach {states} in {seconds} s: {found}")

    def _checked(self, answer: requests.Response, expect: int) -> requests.Response:
        assert answer.status_code == expect, (
            f"{answer.request.method} {answer.url}: {answer.status_code}\n{answer.text[:2000]}"
        )
        return answer

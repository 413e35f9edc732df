"""The real application for the benchmark: the whole stack, a slide imported, a reader signed in."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.tile_measures import family
from benchmarks.tile_servers import Target
from tests.site_session import SiteSession
from tests.stack import RunningStack, running_stack

PEOPLE = """
from accounts.models import Membership, Project, User
project = Project.objects.create(name="Benchmark", slug="benchmark")
reader = User.objects.create_user("reader", password="{password}")
Membership.objects.create(user=reader, project=project, role="pathologist")
"""
SLIDE = """
from viewer.models import Slide
slide = Slide.objects.get(content_sha256__gt="", case__name="{case}")
print("slide", slide.pk, slide.version)
"""


@contextmanager
def site_with(slide: Path, tiles: Sequence[tuple[int, int]], levels: Sequence[int] = (0,)) -> Iterator[list[Target]]:
    """Start the stack, import the slide, open its page as a member; yield a target per level asked for."""
    password = secrets.token_urlsafe(16)
    with running_stack(environment={"LOG_LEVEL": "WARNING"}) as stack:
        stack.manage("shell", "-c", PEOPLE.format(password=password))
        command = ["import_slides", str(slide), "--project", "benchmark", "--case", "Large", "--stain", "HE", "--wait"]
        stack.manage(*command)
        found = stack.manage("shell", "-c", SLIDE.format(case="Large")).stdout.split()
        pk, version = found[found.index("slide") + 1 :][:2]
        session = SiteSession(stack.url, "reader", password)
        session.get(f"/slides/{pk}/")
        cookie = f"tiles-{pk}={session.http.cookies.get(f'tiles-{pk}', path=f'/t/{pk}/')}"
        web = web_process(stack)
        yield [
            Target(
                f"Counterstain, level {level}",
                stack.port,
                [f"/t/{pk}/{version}/{level}/{column >> level}_{row >> level}.jpg" for column, row in tiles],
                [web],
                cookie,
            )
            for level in levels
        ]


def web_process(stack: RunningStack) -> int:
    """Find granian's main process among the stack's."""
    for pid in family(stack.process.pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"granian" in words and b"config.wsgi:application" in words:
            return pid
    raise RuntimeError("the stack runs no web server")

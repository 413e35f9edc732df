"""Make rows for tests. Every function fills in what its caller does not care about."""

import hashlib
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import Membership, Project, Role, User
from annotation.models import LargePatch
from viewer.models import Case, Slide

_numbers = count(1)


def make_user(username: str = "", **fields: Any) -> User:
    """A user with an unusable password: tests sign in with `client_of`."""
    username = username or f"reader{next(_numbers)}"
    return User.objects.create_user(username=username, **fields)


def make_project(name: str = "", *, members: dict[User, Role | list[Role]] | None = None, **fields: Any) -> Project:
    """A project, with members and their roles: `members={user: Role.LEAD}`."""
    number = next(_numbers)
    fields.setdefault("slug", f"study-{number}")
    project = Project.objects.create(name=name or f"Study {number}", **fields)
    for user, roles in (members or {}).items():
        add_member(user, project, *([roles] if isinstance(roles, str) else roles))
    return project


def add_member(user: User, project: Project, *roles: Role) -> User:
    """Give roles; a lead becomes staff, as the membership service does it."""
    for role in roles:
        Membership.objects.create(user=user, project=project, role=role)
    if Role.LEAD in roles and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return user


def make_case(project: Project | None = None, name: str = "") -> Case:
    return Case.objects.create(project=project or make_project(), name=name or f"Case {next(_numbers):02d}")


def make_slide(case: Case | None = None, stain: str = "HE", **fields: Any) -> Slide:
    """A slide's row without a file: 6,720 px square at 0.25 µm, two served levels."""
    number = next(_numbers)
    sha256 = hashlib.sha256(f"slide {number}".encode()).hexdigest()
    width, height = fields.get("width_l0", 6720), fields.get("height_l0", 6720)
    values: dict[str, Any] = {
        "state": Slide.State.READY,
        "key": f"slides/test-{number}/slide.tif",
        "content_sha256": sha256,
        "size_bytes": 1000,
        "format": "generic-tiff",
        "width_l0": width,
        "height_l0": height,
        "mpp": 0.25,
        "mpp_source": Slide.MppSource.FILE,
        "served_levels": [
            {
                "width": -(-width // downsample),
                "height": -(-height // downsample),
                "tile_width": 256,
                "tile_height": 256,
                "downsample": float(downsample),
            }
            for downsample in (1, 4)
        ],
        "version": sha256[:12],
    }
    return Slide.objects.create(case=case or make_case(), stain=stain, **{**values, **fields})


def make_slide_without_mpp(case: Case | None = None, stain: str = "HE", **fields: Any) -> Slide:
    return make_slide(case, stain, state=Slide.State.NEEDS_MPP, mpp=None, mpp_source="", **fields)


def make_synthetic_slide(source: Slide, stain: str = "KI67", *, published: bool = False, **fields: Any) -> Slide:
    """A synthetic slide of the same case, size and resolution as its source."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "origin": Slide.Origin.SYNTHETIC,
        "derived_from": source,
        "generator_sha256": hashlib.sha256(f"generator {number}".encode()).hexdigest(),
        "published_at": timezone.now() if published else None,
        "width_l0": source.width_l0,
        "height_l0": source.height_l0,
        "mpp": source.mpp,
        "drawn": source.drawn,
    }
    return make_slide(source.case, stain, **{**values, **fields})


def make_patch(slide: Slide | None = None, column: int = 0, row: int = 0, **fields: Any) -> LargePatch:
    """One large patch of 2,240 px, full of tissue."""
    slide = slide or make_slide()
    size = fields.setdefault("size_l0", 2240)
    values: dict[str, Any] = {"x_l0": column * size, "y_l0": row * size, "tissue_share": 1.0, "offered": True}
    values["by_otsu"] = fields.get("offered", True)
    return LargePatch.objects.create(slide=slide, column=column, row=row, **{**values, **fields})

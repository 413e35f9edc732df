"""Where each act of the table “Who may do what” is asked for: real addresses of all rooms.

A new page or API method adds its door here; the walk in test_access.py then knocks on it as every kind of person.
"""

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.access import Act
from accounts.models import Project, User
from annotation.models import LargePatch
from tests.factories import make_case, make_patch, make_slide, make_slide_without_mpp, make_synthetic_slide
from training.models import Dataset, Run
from viewer.models import Slide


@dataclass(frozen=True)
class House:
    """What the doors lead to: one project with something of everything."""

    project: Project
    slide: Slide
    waiting: Slide
    published: Slide
    unpublished: Slide
    patch: LargePatch
    run: Run


def furnish(project: Project, lead: User) -> House:
    case = make_case(project, "Case 01")
    slide = make_slide(case)
    dataset = Dataset.objects.create(
        project=project,
        number=1,
        source_stain="HE",
        target_stain="KI67",
        manifest_key="datasets/1/manifest.jsonl",
        manifest_sha256="ab" * 32,
        counts={},
        independent_validation=True,
        created_by=lead,
    )
    return House(
        project=project,
        slide=slide,
        waiting=make_slide_without_mpp(case),
        published=make_synthetic_slide(slide, published=True),
        unpublished=make_synthetic_slide(slide),
        patch=make_patch(slide),
        run=Run.objects.create(project=project, kind="mil", dataset=dataset, stain="HE", config={}, created_by=lead),
    )


@dataclass(frozen=True)
class Door:
    """One request. `path` and `body` may name parts of the house: "{slide.pk}"."""

    act: Act
    path: str
    method: str = "GET"
    body: Callable[[House], dict[str, Any]] | None = None
    headers: Callable[[House], dict[str, str]] = lambda house: {}

    def __str__(self) -> str:
        return f"{self.act}: {self.method} {self.path}"

    def knock(self, client: Any, house: House) -> Any:
        address, body = self.path.format(**vars(house)), json.dumps(self.body(house)) if self.body else ""
        return client.generic(self.method, address, body, "application/json", headers=self.headers(house))


def of_project(house: House) -> dict[str, Any]:
    return {"project": house.project.slug}


def upload_headers(house: House) -> dict[str, str]:
    named = {"project": house.project.slug, "case": "Case 09", "stain": "HE", "suffix": ".svs"}
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in named.items()]
    return {"Tus-Resumable": "1.0.0", "Upload-Length": "100", "Upload-Metadata": ",".join(pairs)}


def label(house: House) -> dict[str, Any]:
    return {"value": "tumor", "uuid": str(uuid.uuid4()), "seen": None}


DOORS = [
    # viewer
    Door(Act.SEE_CASES, "/projects/{project.slug}/"),
    Door(Act.SEE_CASES, "/slides/{slide.pk}/"),
    Door(Act.SEE_CASES, "/slides/{published.pk}/"),
    Door(Act.SEE_CASES, "/api/v1/cases/?project={project.slug}"),
    Door(Act.SEE_CASES, "/api/v1/slides/?project={project.slug}"),
    Door(Act.SEE_CASES, "/api/v1/slides/{slide.pk}/"),
    Door(Act.SEE_CASES, "/api/v1/slides/{slide.pk}/open/", "POST"),
    Door(Act.SEE_UNPUBLISHED, "/slides/{unpublished.pk}/"),
    Door(Act.SEE_UNPUBLISHED, "/api/v1/slides/{unpublished.pk}/"),
    Door(Act.SEE_UNPUBLISHED, "/api/v1/slides/{unpublished.pk}/open/", "POST"),
    Door(Act.SUPPLY_MPP, "/api/v1/slides/{waiting.pk}/mpp/", "POST", lambda house: {"mpp": 0.25}),
    Door(Act.IMPORT_SLIDES, "/api/v1/imports/?project={project.slug}"),
    Door(
        Act.IMPORT_SLIDES,
        "/api/v1/imports/",
        "POST",
        lambda house: {**of_project(house), "case": "Case 09", "stain": "HE", "path": "/missing.svs"},
    ),
    Door(Act.IMPORT_SLIDES, "/api/v1/uploads/", "POST", headers=upload_headers),
    # accounts
    Door(Act.MANAGE_MEMBERS, "/admin/accounts/membership/add/"),
    Door(Act.MANAGE_USERS, "/admin/accounts/user/add/"),
    Door(Act.MANAGE_PROJECTS, "/admin/accounts/project/add/"),
    # annotation
    Door(Act.LABEL, "/api/v1/patches/{patch.pk}/label/", "PUT", label),
    Door(Act.SEE_CASES, "/api/v1/patches/{patch.pk}/labels/"),
    # training
    Door(Act.FREEZE_DATASET, "/api/v1/datasets/", "POST", of_project),
    Door(Act.LAUNCH_RUN, "/api/v1/runs/", "POST", lambda house: {**of_project(house), "kind": "mil", "stain": "HE"}),
    Door(Act.CANCEL_RUN, "/api/v1/runs/{run.pk}/cancel/", "POST"),
    Door(Act.PUBLISH, "/api/v1/slides/{unpublished.pk}/publish/", "POST"),
    Door(Act.PUBLISH, "/api/v1/slides/{published.pk}/withdraw/", "POST", lambda house: {"reason": "A test."}),
    # review
    Door(Act.SCORE, "/api/v1/scores/", "POST", lambda house: {"slide": house.published.pk}),
    Door(
        Act.SIGN_VERDICT,
        "/api/v1/reviews/",
        "POST",
        lambda house: {"slide": house.published.pk, "verdict": "usable", "comment": ""},
    ),
]

# Acts that nothing asks for yet. An act that gets its page or method leaves this list.
WITHOUT_DOOR = {Act.ADJUDICATE, Act.EDIT_CELLS}

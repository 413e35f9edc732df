"""The whole loop over HTTP with real worker processes: a site from nothing to a signed verdict."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.site_session import SiteSession
from tests.stack import RunningStack, running_stack
from viewer.imaging.phantom import Cut, TissueBlock, write_section
from viewer.imaging.phantom_render import Stain

SIZE_PX = 1344
PATCH_PX = 448
CASES = {"Case 1": 5, "Case 2": 6, "Case 3": 7}
LABELLED = ("Case 1", "Case 2")
STAINING: dict[Cut, Stain] = {"HE": "HE", "KI67": "HDAB"}


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, Cut], Path]:
    """Both sections of each case, and of the labelled ones the truth."""
    folder = tmp_path_factory.mktemp("sections")
    paths = {}
    for case, block in blocks().items():
        for cut, stain in STAINING.items():
            paths[case, cut] = folder / f"{case} {cut}.tif"
            write_section(block, cut, stain, paths[case, cut])
    return paths


def blocks() -> dict[str, TissueBlock]:
    return {case: TissueBlock(size_px=SIZE_PX, mpp=0.5, seed=seed) for case, seed in CASES.items()}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with running_stack() as running:
        yield running


def people(stack: RunningStack) -> dict[str, SiteSession]:
    """The site's operator makes an administrator; she makes the project and its people in the admin."""
    passwords = {name: secrets.token_urlsafe(12) for name in ("admin", "lead", "pathologist", "clinician")}
    stack.environment["DJANGO_SUPERUSER_PASSWORD"] = passwords["admin"]
    stack.manage("createsuperuser", "--noinput", "--username", "admin", "--email", "admin@example.org")
    admin = SiteSession(stack.url, "admin", passwords["admin"])
    admin.post_form(
        "/admin/accounts/project/add/",
        name="Story", slug="story", description="", source_stain="HE", target_stain="KI67", drawn_tissue="on",
    )  # fmt: skip
    for name in ("lead", "pathologist", "clinician"):
        admin.post_form(
            "/admin/accounts/user/add/",
            username=name, usable_password="true", password1=passwords[name], password2=passwords[name],
        )  # fmt: skip
        admin.post_form("/admin/accounts/membership/add/", project="1", user=name, role=name)
    return {name: SiteSession(stack.url, name, password) for name, password in passwords.items()}


@pytest.mark.story
def test_a_slide_goes_from_upload_to_a_signed_verdict(
    stack: RunningStack, sections: dict[tuple[str, Cut], Path]
) -> None:
    person = people(stack)
    lead, pathologist, clinician = person["lead"], person["pathologist"], person["clinician"]

    # The lead sets small patches and brings the slides in through the browser's door.
    stack.manage("shell", "-c", SMALL_PATCHES)
    slide_of = {}
    for (case, stain), path in sections.items():
        done = lead.upload(path, "story", case, stain)
        assert done["state"] == "done", done["message"]
        slide_of[case, stain] = done["slide"]

    # The pathologist labels two cases as the drawn truth has it.
    truth = blocks()
    labels = set()
    for case in LABELLED:
        for stain in STAINING:
            desk = pathologist.api("GET", f"slides/{slide_of[case, stain]}/labelling/")
            nuclei = truth[case].tumor_nuclei(stain, PATCH_PX)
            for patch in filter(lambda patch: patch["offered"], desk["patches"]):
                value = "tumor" if nuclei[patch["row"], patch["column"]] else "normal"
                body = {"value": value, "uuid": str(uuid4()), "seen": None, "route": "key"}
                assert pathologist.api("PUT", f"patches/{patch['id']}/label/", body)["value"] == value
                labels.add((stain, value))
    assert labels == {(stain, value) for stain in STAINING for value in ("tumor", "normal")}

    # The lead freezes and launches the chain; workers do the rest.
    dataset = lead.api(
        "POST", "datasets/", {"project": "story", "splits": {"Case 1": "train", "Case 2": "validation"}}, 201
    )
    assert dataset["independent_validation"] is True
    source = slide_of["Case 3", "HE"]
    runs = lead.api("POST", "runs/chain/", {"project": "story", "preset": "tiny", "slide": source}, 201)
    assert [run["kind"] for run in runs] == ["mil", "mil", "cyclegan", "synthesis"]
    for run in runs:
        over = lead.wait_for(f"runs/{run['id']}/", {"succeeded", "failed", "cancelled", "skipped"}, seconds=120)
        assert over["status"] == "succeeded", (over["kind"], over["message"], over["log_tail"])

    # Unpublished, the synthetic slide is the lead's alone.
    [listed] = [slide for slide in lead.api("GET", "slides/?project=story")["results"] if slide["synthetic"]]
    synthetic = lead.api("GET", f"slides/{listed['id']}/")
    clinician.get(f"/review/{synthetic['id']}/", expect=403)
    clinician.get(tile_path(synthetic), expect=403)
    lead.api("POST", f"slides/{synthetic['id']}/publish/", {})

    # The clinician compares, counts and signs.
    review = clinician.get(f"/review/{synthetic['id']}/")
    assert "SYNTHETIC" in review.text
    assert clinician.get(tile_path(synthetic)).content[:2] == b"\xff\xd8"
    score = clinician.api("POST", "scores/", {"slide": synthetic["id"]}, 201)
    counted = clinician.wait_for(f"scores/{score['id']}/", {"done", "failed"}, seconds=60)
    assert counted["state"] == "done", counted["message"]
    assert counted["cells"] == counted["positive"] + counted["negative"]
    verdict = {"slide": synthetic["id"], "verdict": "minor_flaws", "comment": "Two classes, some seams."}
    assert clinician.api("POST", "reviews/", verdict, 201)["verdict"] == "minor_flaws"
    assert "Two classes, some seams." in clinician.get(f"/review/{synthetic['id']}/").text


def tile_path(slide: dict[str, object]) -> str:
    return str(slide["tile_url"]).format(level=0, col=0, row=0)


SMALL_PATCHES = f"""
from accounts.models import Project
from annotation.services import change_grid_settings
change_grid_settings(Project.objects.get(), patch_px={PATCH_PX}, instance_px=112)
"""

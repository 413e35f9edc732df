import io
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Project, Role, User
from annotation.api import files
from annotation.files import FORMATS
from annotation.models import LargePatch, Remark, WeakLabel
from annotation.services import add_remark, assign
from tests.annotation.conftest import give
from tests.conftest import SiteClient
from tests.factories import add_member, make_patch, make_user

ClientOf = Callable[[User], SiteClient]


def exported(client: SiteClient, project: Project, file_format: str, slide: int | None = None) -> bytes:
    query = f"project={project.slug}&file_format={file_format}" + (f"&slide={slide}" if slide else "")
    answer: Any = client.get(f"/api/v1/labels/export/?{query}")
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content)


def imported(client: SiteClient, project: Project, content: bytes, file_format: str = "csv", **query: Any) -> Any:
    told = "&".join([f"project={project.slug}", f"file_format={file_format}", *[f"{k}={v}" for k, v in query.items()]])
    return client.post(f"/api/v1/labels/import/?{told}", content, content_type="application/octet-stream")


@pytest.fixture
def spoken(patch: LargePatch, pathologist: User) -> LargePatch:
    """Two patches labelled; the first flagged and commented on."""
    give(patch, "normal", pathologist)
    give(patch, "tumor", pathologist)
    give(patch.slide.patches.get(column=1), "exclude", pathologist)
    add_remark(patch, pathologist, "flag", uuid4())
    add_remark(patch, pathologist, "comment", uuid4(), "=odd, but\nreal")
    return patch


@pytest.mark.parametrize("file_format", list(FORMATS))
def test_labels_flags_and_comments_go_out_and_in_again_without_loss(
    client_of: ClientOf, project: Project, pathologist: User, spoken: LargePatch, file_format: str
) -> None:
    slide = spoken.slide_id if file_format == "geojson" else None
    content = exported(client_of(pathologist), project, file_format, slide)
    again = imported(client_of(pathologist), project, content, file_format).json()
    assert again["counts"] == {"same": 2, "refused": 0}
    assert again["differences"] == []

    other = add_member(make_user("second"), project, Role.PATHOLOGIST)
    mine = content.replace(b"pathologist", b"second")
    dry = imported(client_of(other), project, mine, file_format).json()
    assert dry["dry_run"] is True
    assert dry["counts"] == {"comment": 1, "flag": 1, "new": 2, "same": 0, "refused": 0}
    assert WeakLabel.objects.filter(reader=other).count() == 0
    taken = imported(client_of(other), project, mine, file_format, dry_run="false")
    assert taken.status_code == 200
    assert exported(client_of(other), project, file_format, slide).count(b"second") == mine.count(b"second")
    assert imported(client_of(other), project, mine, file_format).json()["counts"] == {"same": 2, "refused": 0}
    assert set(WeakLabel.objects.filter(reader=other).values_list("route", flat=True)) == {"file"}
    assert Remark.objects.get(author=other, kind="comment").text == "=odd, but\nreal"


def test_a_dry_run_lists_every_difference_and_writes_nothing(
    client_of: ClientOf, project: Project, pathologist: User, spoken: LargePatch
) -> None:
    before = WeakLabel.objects.count(), Remark.objects.count()
    content = (
        f"slide,x_l0,y_l0,size_l0,reader,value\n{spoken.slide_id},0,0,128,,unsure\n{spoken.slide_id},0,0,128,bob,tumor\n"
    ).encode()
    answer = imported(client_of(pathologist), project, content).json()
    told = [(one["kind"], one["column"], one["before"], one["after"]) for one in answer["differences"]]
    assert told == [
        ("changed", None, "tumor", "unsure"),
        ("other_reader", None, None, "tumor"),
        ("only_here", 1, "exclude", None),
    ]
    assert (WeakLabel.objects.count(), Remark.objects.count()) == before


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("999999,0,0,128,,tumor", "its slide is none of this project"),
        ("{slide},7,0,128,,tumor", "no patch of"),
        ("{slide},0,0,64,,tumor", "no patch of"),
        ("{slide},256,0,128,,tumor", "not offered"),
    ],
)
def test_a_row_that_cannot_be_taken_stops_the_whole_import(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch, line: str, told: str
) -> None:
    rows = f"slide,x_l0,y_l0,size_l0,reader,value\n{{slide}},0,0,128,,tumor\n{line}\n".format(slide=patch.slide_id)
    client = client_of(pathologist)
    assert told in imported(client, project, rows.encode()).json()["refusals"][0]
    answer = imported(client, project, rows.encode(), dry_run="false")
    assert answer.status_code == 400
    assert told in answer.json()["message"]
    assert WeakLabel.objects.count() == 0


def test_two_words_on_one_patch_are_refused(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch
) -> None:
    rows = f"slide,x_l0,y_l0,size_l0,value\n{patch.slide_id},0,0,128,tumor\n{patch.slide_id},0,0,128,normal\n"
    answer = imported(client_of(pathologist), project, rows.encode(), dry_run="false")
    assert answer.status_code == 400
    assert "says two things" in answer.json()["message"]
    assert WeakLabel.objects.count() == 0


def test_a_rectangle_of_qupath_that_names_no_slide_needs_one(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch
) -> None:
    ring = "[[0,0],[128,0],[128,128],[0,128],[0,0]]"
    content = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":['
        + ring
        + ']},"properties":{"classification":{"name":"Tumor"}}}]}'
    ).encode()
    client = client_of(pathologist)
    assert imported(client, project, content, "geojson").json()["counts"]["refused"] == 1
    answer = imported(client, project, content, "geojson", slide=patch.slide_id, dry_run="false")
    assert answer.status_code == 200
    assert WeakLabel.objects.get().value == "tumor"


@pytest.mark.parametrize("file_format", list(FORMATS))
def test_a_file_of_another_kind_is_refused_with_its_place(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch, file_format: str
) -> None:
    answer = imported(client_of(pathologist), project, b"\x00\x01{]", file_format, dry_run="false")
    assert answer.status_code == 400
    assert "cannot be read" in answer.json()["message"]
    assert WeakLabel.objects.count() == 0


def test_a_hundred_megabytes_are_refused_before_they_are_read(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch
) -> None:
    class Unread(io.BytesIO):
        def read(self, *_size: int | None) -> bytes:
            raise AssertionError("the body was read")

    client: Any = client_of(pathologist)
    answer = client.generic(
        "POST",
        f"/api/v1/labels/import/?project={project.slug}&file_format=geojson",
        b"",
        content_type="application/geo+json",
        CONTENT_LENGTH="104857600",
        **{"wsgi.input": Unread()},
    )
    assert answer.status_code == 413
    assert "32 MB" in answer.json()["message"]
    assert WeakLabel.objects.count() == 0


def test_a_body_longer_than_it_said_is_refused_too(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE_BYTES", 10)
    answer = imported(client_of(pathologist), project, b"x" * 11)
    assert answer.status_code == 413
    assert WeakLabel.objects.count() == 0


@pytest.mark.parametrize(("member", "status"), [("lead", 403), ("clinician", 403), ("outsider", 404)])
def test_nobody_takes_labels_in_who_may_not_label(
    client_of: ClientOf, request: pytest.FixtureRequest, project: Project, patch: LargePatch, member: str, status: int
) -> None:
    answer = imported(
        client_of(request.getfixturevalue(member)), project, b"x_l0,y_l0,size_l0,value\n", dry_run="false"
    )
    assert answer.status_code == status


@pytest.mark.parametrize("query", ["file_format=xml", "slide=abc", "slide=99999999999999999999", "dry_run=perhaps"])
def test_a_query_that_cannot_be_is_refused_by_name(
    client_of: ClientOf, project: Project, pathologist: User, patch: LargePatch, query: str
) -> None:
    address = f"/api/v1/labels/import/?project={project.slug}&{query}"
    answer = client_of(pathologist).post(address, b"", content_type="text/csv")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["message"]


def test_geojson_asks_for_one_slide(client_of: ClientOf, lead: User, project: Project, patch: LargePatch) -> None:
    answer = client_of(lead).get(f"/api/v1/labels/export/?project={project.slug}&file_format=geojson")
    assert answer.status_code == 400
    assert "name its slide" in answer.json()["message"]


def test_a_reader_exports_the_own_labels_only(
    client_of: ClientOf, pathologist: User, project: Project, spoken: LargePatch
) -> None:
    give(spoken, "normal", add_member(make_user("bob"), project, Role.PATHOLOGIST))
    assert b"bob" not in exported(client_of(pathologist), project, "csv")


def test_a_lead_who_reads_blinded_exports_no_others_labels(
    client_of: ClientOf, lead: User, pathologist: User, project: Project, spoken: LargePatch
) -> None:
    add_member(lead, project, Role.PATHOLOGIST)
    assert b"pathologist" in exported(client_of(lead), project, "csv")
    for reader in (lead, pathologist):
        assign(spoken.slide, reader, "all", lead)
    assert b"pathologist" not in exported(client_of(lead), project, "csv")


def test_patches_of_another_project_are_not_in_the_file(
    client_of: ClientOf, lead: User, pathologist: User, project: Project, spoken: LargePatch
) -> None:
    foreign = give(make_patch(), "tumor", pathologist)
    assert foreign.patch.slide.content_sha256.encode() not in exported(client_of(lead), project, "csv")

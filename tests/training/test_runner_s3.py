"""A run whose manifest, slides and weights lie in S3, played by moto's server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer

from accounts.models import Project, User
from tests.training.builders import make_labelled_case, make_mil_run
from tests.training.running import executed, stored
from training import services
from training.models import Run
from viewer.models import Slide

pytestmark = pytest.mark.django_db(transaction=True)

BUCKET = "runs"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-central-1"}


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make S3 the default storage."""
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.resource("s3", endpoint_url=address, **KEYS).create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": KEYS["region_name"]}
    )
    options = {
        "bucket_name": BUCKET,
        "endpoint_url": address,
        "access_key": "test",
        "secret_key": "test",
        "region_name": KEYS["region_name"],
        "file_overwrite": True,
        "default_acl": None,
    }
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": backend}
    yield
    server.stop()


def test_a_run_reads_from_s3_saves_to_s3_and_resumes_from_it(
    bucket: None, project: Project, lead: User, learning: Callable[[str], Path]
) -> None:
    for name in ("Case 01", "Case 02"):
        make_labelled_case(project, name)
    for slide in Slide.objects.filter(stain="HE"):
        default_storage.save(slide.key, ContentFile(f"pixels of {slide.case}".encode()))
    services.freeze_dataset(project, lead)
    run = make_mil_run(project, lead, "HE")
    learning("""
        rows = [json.loads(line) for line in Path(arguments["--manifest"]).read_text().splitlines()]
        keys = [row["key"] for row in rows if row.get("kind") == "slide" and row["stain"] == "HE"]
        pixels = [(Path(arguments["--slides-root"]) / key).read_text() for key in keys]
        write("state/state.safetensors", "; ".join(pixels).encode())
        checkpoint(1, b"first")
        sys.exit(3)
    """)
    executed(run)
    assert run.status == Run.Status.FAILED
    assert stored(run.checkpoints.get().key) == b"first"
    assert stored(run.resume_state["key"] + "/state.safetensors") == b"pixels of Case 01; pixels of Case 02"

    services.requeue_run(run)
    learning("""
        state = Path(arguments["--resume"]) / "state" / "state.safetensors"
        say("finished", report={"resumed": state.read_text()})
    """)
    executed(run)
    assert run.report == {"resumed": "pixels of Case 01; pixels of Case 02"}
    assert run.resume_state == {}
    assert default_storage.listdir(f"runs/{run.uuid}/state") == ([], [])

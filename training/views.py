"""Files of a run, for project leads."""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from training import selectors


@require_safe
def preview(request: HttpRequest, pk: int, epoch: int) -> FileResponse:
    """The picture of the fixed validation patches at one epoch."""
    run = selectors.get_run(request.user, pk)
    key = run.previews.get(str(epoch))
    if key is None:
        raise Http404
    return _file(key, "image/jpeg")


@require_safe
def manifest(request: HttpRequest, pk: int) -> FileResponse:
    """The manifest of a data set, as a file to keep."""
    dataset = selectors.get_dataset(request.user, pk)
    response = _file(dataset.manifest_key, "application/jsonlines")
    response["Content-Disposition"] = f'attachment; filename="{dataset.project.slug}-set-{dataset.number}.jsonl"'
    return response


def _file(key: str, content_type: str) -> FileResponse:
    try:
        response = FileResponse(default_storage.open(key, "rb"), content_type=content_type)
    except FileNotFoundError as error:
        raise Http404 from error
    patch_cache_control(response, private=True, max_age=300)
    return response

"""Resumable uploads over HTTP: the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

Core, creation, expiration, checksum and termination. A complete upload becomes an import; its id is in the header
Counterstain-Import.
"""

import base64
import binascii
import uuid
from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils.http import http_date
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import Act, require, signed_in
from accounts.errors import ApplicationError
from viewer import launch, selectors, serializers, services
from viewer.models import SlideImport, Upload
from viewer.services.uploads import CHECKSUMS, Checksum

VERSION = "1.0.0"
PIECE_TYPE = "application/offset+octet-stream"
READ_BYTES = 1024 * 1024

TUS_RESUMABLE = OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[VERSION])


class WrongVersion(ApplicationError):
    """The client speaks another version of the protocol."""

    status = 412


class WrongType(ApplicationError):
    """The body is not announced as a piece of an upload."""

    status = 415


class TusView(APIView):
    """What every request and response of the protocol share."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            raise WrongVersion(_("The header Tus-Resumable: %(version)s was expected.") % {"version": VERSION})

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = VERSION
        if response.status_code == WrongVersion.status:
            response["Tus-Version"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(
            status=204,
            headers={
                "Tus-Version": VERSION,
                "Tus-Extension": "creation,expiration,checksum,termination",
                "Tus-Max-Size": str(settings.UPLOAD_MAX_BYTES),
                "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
            },
        )


class UploadList(TusView):
    """Begin an upload. Upload-Metadata names project, case, stain, suffix and, where the file lacks it, mpp."""

    @extend_schema(
        parameters=[
            TUS_RESUMABLE,
            OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("Upload-Metadata", str, OpenApiParameter.HEADER, required=True),
        ],
        request=None,
        responses={201: None},
    )
    def post(self, request: Request) -> Response:
        asked = serializers.UploadRequestSerializer(data=metadata(request.headers.get("Upload-Metadata", "")))
        asked.is_valid(raise_exception=True)
        project = selectors.get_project(request.user, asked.validated_data["project"])
        require(request.user, Act.IMPORT_SLIDES, project)
        upload = services.begin_upload(
            project=project,
            by=signed_in(request.user),
            size_bytes=whole_number(request, "Upload-Length"),
            case_name=asked.validated_data["case"],
            stain=asked.validated_data["stain"],
            suffix=asked.validated_data["suffix"],
            mpp=asked.validated_data["mpp"],
        )
        location = request.build_absolute_uri(f"{request.path}{upload.pk}/")
        return Response(status=201, headers={"Location": location, **standing(upload)})


class UploadDetail(TusView):
    """Ask how far an upload is, send its next piece, or give it up. Only who began it may."""

    def head(self, request: Request, pk: uuid.UUID) -> Response:
        upload = services.look_at_upload(self.own(request, pk).pk)
        self.start(upload)
        return Response(status=200, headers=standing(upload))

    @extend_schema(
        parameters=[
            TUS_RESUMABLE,
            OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("Upload-Checksum", str, OpenApiParameter.HEADER),
        ],
        request={PIECE_TYPE: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        own = self.own(request, pk)
        if request.content_type != PIECE_TYPE:
            raise WrongType(_("The content type %(type)s was expected.") % {"type": PIECE_TYPE})
        body = request._request
        upload = services.append_to_upload(
            own.pk,
            offset_bytes=whole_number(request, "Upload-Offset"),
            pieces=iter(lambda: body.read(READ_BYTES), b""),
            checksum=checksum(request.headers.get("Upload-Checksum", "")),
        )
        self.start(upload)
        return Response(status=204, headers=standing(upload))

    @extend_schema(parameters=[TUS_RESUMABLE], request=None, responses={204: None})
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        services.abandon_upload(self.own(request, pk).pk)
        return Response(status=204)

    def own(self, request: Request, pk: uuid.UUID) -> Upload:
        upload = Upload.objects.select_related("project").filter(pk=pk, created_by=signed_in(request.user)).first()
        if upload is None:
            raise Http404
        require(request.user, Act.IMPORT_SLIDES, upload.project)
        return upload

    def start(self, upload: Upload) -> None:
        """Launch the import of a complete upload; again, if it still waits: the broker may have been away before."""
        if upload.slide_import is not None and upload.slide_import.state == SlideImport.State.QUEUED:
            launch.start_imports([upload.slide_import])


def standing(upload: Upload) -> dict[str, str]:
    """Return the headers that say how far an upload is."""
    headers = {
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Length": str(upload.size_bytes),
        "Upload-Expires": http_date(upload.expires_at.timestamp()),
    }
    return headers | ({"Counterstain-Import": str(upload.slide_import_id)} if upload.slide_import_id else {})


def whole_number(request: Request, header: str) -> int:
    """Read a header that holds a whole number of bytes."""
    raw = request.headers.get(header, "")
    if not raw.isascii() or not raw.isdecimal() or len(raw) > 18:
        raise ApplicationError(
            _("The header %(header)s is “%(raw)s”; a whole number of bytes was expected.")
            % {"header": header, "raw": raw[:40]}
        )
    return int(raw)


def metadata(header: str) -> dict[str, str]:
    """Read Upload-Metadata: `key base64,key base64`."""
    found = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _space, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ApplicationError(
                _("The value of “%(key)s” in Upload-Metadata is not base64 of UTF-8 text.") % {"key": key[:40]}
            ) from error
    return found


def checksum(header: str) -> Checksum | None:
    """Read Upload-Checksum: `algorithm base64`."""
    if not header:
        return None
    algorithm, _space, digest = header.partition(" ")
    try:
        return Checksum(algorithm, base64.b64decode(digest, validate=True))
    except binascii.Error as error:
        raise ApplicationError(_("The digest in Upload-Checksum is not base64.")) from error

"""Write cases, slides, imports and uploads: one verb, one transaction."""

from viewer.services.importing import fail_import, import_slide, request_import
from viewer.services.slides import (
    index_again,
    publish_slide,
    refresh_versions,
    register_synthetic_slide,
    set_colour,
    supply_mpp,
    withdraw_slide,
)
from viewer.services.uploads import abandon_upload, append_to_upload, begin_upload, clean_uploads, look_at_upload

__all__ = [
    "abandon_upload",
    "append_to_upload",
    "begin_upload",
    "clean_uploads",
    "fail_import",
    "import_slide",
    "index_again",
    "look_at_upload",
    "publish_slide",
    "refresh_versions",
    "register_synthetic_slide",
    "request_import",
    "set_colour",
    "supply_mpp",
    "withdraw_slide",
]

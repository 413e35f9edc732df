"""Write cases, slides, imports and uploads: one verb, one transaction."""

from viewer.services.importing import fail_import, import_slide, request_import
from viewer.services.slides import publish_slide, refresh_versions, register_synthetic_slide, supply_mpp, withdraw_slide
from viewer.services.uploads import abandon_upload, append_to_upload, begin_upload, clean_uploads, look_at_upload

__all__ = [
    "abandon_upload",
    "append_to_upload",
    "begin_upload",
    "clean_uploads",
    "fail_import",
    "import_slide",
    "look_at_upload",
    "publish_slide",
    "refresh_versions",
    "register_synthetic_slide",
    "request_import",
    "supply_mpp",
    "withdraw_slide",
]

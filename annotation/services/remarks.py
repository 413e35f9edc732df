"""Flag patches for discussion, and comment on them."""

from uuid import UUID

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError, Conflict
from accounts.models import User
from annotation.models import LargePatch, Remark

LONGEST_COMMENT = 2000


def add_remark(patch: LargePatch, author: User, kind: str, uuid: UUID, text: str = "") -> Remark:
    """Write one remark; a repeat of `uuid` returns the first one."""
    text = text.strip()
    if kind not in Remark.Kind.values:
        raise ApplicationError(
            _("“%(kind)s” is no remark; expected one of %(allowed)s.")
            % {"kind": kind, "allowed": ", ".join(Remark.Kind.values)}
        )
    if (kind == Remark.Kind.COMMENT) != bool(text):
        raise ApplicationError(_("A comment has a text, and a flag has none."))
    if len(text) > LONGEST_COMMENT or "\0" in text:
        raise ApplicationError(
            _("A comment has at most %(most)s characters, all of them visible ones.") % {"most": LONGEST_COMMENT}
        )
    remark, created = Remark.objects.get_or_create(
        author=author, uuid=uuid, defaults={"patch": patch, "kind": kind, "text": text}
    )
    if not created and (remark.patch_id, remark.kind, remark.text) != (patch.pk, kind, text):
        raise Conflict(_("This uuid already names another remark of yours. Send a new uuid for a new remark."))
    return remark

"""Read cases, slides and imports; say who may see which."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.http import Http404
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.access import Act, Person, acts_in, may, projects_where, require, roles_in
from accounts.models import Project, User
from viewer.imaging.colour import is_srgb
from viewer.keys import KNOWN_SUFFIXES
from viewer.models import Slide, SlideImport

KNOWN_STAINS = ["HE", "KI67"]


def standing(user: Person, project: Project) -> tuple[list[str], list[Act]]:
    """Return a person's roles in a project, and what they may do in it."""
    return sorted(roles_in(user, project)), sorted(acts_in(user, project))


def flags(can: list[Act]) -> dict[str, bool]:
    """Return every act with whether it is among those allowed, for templates and scripts."""
    return {act.value: act in can for act in Act}


def token_seconds() -> int:
    return settings.TILE_TOKEN_SECONDS


def visible_projects(user: Person) -> QuerySet[Project]:
    """Return the projects whose cases a person may see."""
    return projects_where(user, Act.SEE_CASES)


def get_project(user: Person, slug: str) -> Project:
    """Return a project whose cases a person may see.

    Raises:
        Http404: no such project, or none of theirs.
    """
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise Http404
    require(user, Act.SEE_CASES, project)
    return project


def visible_slides(user: Person, project: Project | None = None) -> QuerySet[Slide]:
    """Return the slides a person may see, in one project or in all. Unpublished synthetic ones are for leads only."""
    slides = Slide.objects.filter(case__project__in=visible_projects(user))
    if project is not None:
        slides = slides.filter(case__project=project)
    published = Q(origin=Slide.Origin.REAL) | Q(published_at__isnull=False)
    slides = slides.filter(published | Q(case__project__in=projects_where(user, Act.SEE_UNPUBLISHED)))
    return slides.select_related("case__project", "mpp_by").order_by("case__name", "stain", "pk")


def get_slide(user: Person, pk: int) -> Slide:
    """Return a slide that a person may see, its case and project loaded.

    Raises:
        Http404: no such slide, or in no project of theirs.
        PermissionDenied: a synthetic slide that is not published, for who is no lead.
    """
    slide = Slide.objects.select_related("case__project", "mpp_by").filter(pk=pk).first()
    if slide is None:
        raise Http404
    require(user, Act.SEE_CASES, slide.project)
    if slide.is_synthetic and slide.published_at is None and not may(user, Act.SEE_UNPUBLISHED, slide.project):
        raise PermissionDenied(_("This synthetic slide is not published. Ask a project lead."))
    return slide


def viewer_payload(slide: Slide) -> dict[str, Any]:
    """Return all that a viewer needs to show a slide, as JSON."""
    return {
        "id": slide.pk,
        "title": slide_title(slide),
        "case": slide.case.name,
        "stain": slide.stain,
        "stain_name": slide.stain_name,
        "synthetic": slide.is_synthetic,
        "drawn": slide.drawn,
        "width": slide.width_l0,
        "height": slide.height_l0,
        "mpp": slide.mpp,
        "mpp_source": slide.mpp_source,
        "mpp_note": mpp_note(slide),
        "version": slide.version,
        "colour": slide.colour,
        "colour_note": colour_note(slide),
        "tile_url": f"/t/{slide.pk}/{slide.version}/{{level}}/{{col}}_{{row}}.jpg",
        "levels": slide.served_levels,
        "thumbnail_url": thumbnail_url(slide),
        "open_url": f"/api/v1/slides/{slide.pk}/open/",
        "token_seconds": settings.TILE_TOKEN_SECONDS,
        "resampled_note": "",
    }


def slide_summary(slide: Slide) -> dict[str, Any]:
    """Return what the API lists of a slide."""
    payload = viewer_payload(slide)
    for key in ("levels", "tile_url", "token_seconds", "resampled_note"):
        del payload[key]
    return {
        **payload,
        "project": slide.project.slug,
        "case_id": slide.case_id,
        "derived_from": slide.derived_from_id,
        "published_at": slide.published_at,
        "state": slide.state,
        "format": slide.format,
        "size_bytes": slide.size_bytes,
        "content_sha256": slide.content_sha256,
    }


def slide_detail(slide: Slide) -> dict[str, Any]:
    """Return what the API says of one slide: the summary and all that a viewer needs."""
    return {**slide_summary(slide), **viewer_payload(slide)}


def slide_title(slide: Slide) -> str:
    """Name a slide for people: “Case 01 · H&E”, and SYNTHETIC where it is."""
    return f"{slide.case.name} · {slide.stain_name}" + (" · SYNTHETIC" if slide.is_synthetic else "")


def thumbnail_url(slide: Slide) -> str:
    return f"/slides/{slide.pk}/thumbnail/{slide.version}.jpg"


def mpp_note(slide: Slide) -> str:
    """Say where the resolution comes from, if not from the file."""
    if slide.state == Slide.State.NEEDS_MPP:
        return _("The resolution is unknown; a project lead has to supply it.")
    if slide.mpp_source == Slide.MppSource.HAND and slide.mpp_by and slide.mpp_at:
        return _("supplied by hand by %(who)s on %(day)s") % {
            "who": slide.mpp_by.get_full_name() or slide.mpp_by.username,
            "day": date_format(slide.mpp_at, "j F Y"),
        }
    return ""


def colour_note(slide: Slide) -> str:
    """Say which colours are on screen: the scanner's own, or converted by the profile in the file."""
    if slide.colour == Slide.Colour.SRGB:
        return _("converted to sRGB from “%(profile)s”") % {"profile": slide.colour_profile}
    if not slide.colour_profile:
        return _("as scanned; the file carries no colour profile")
    if is_srgb(slide.colour_profile):
        return _("as scanned, which is sRGB")
    return _("as scanned; its profile “%(profile)s” is not applied") % {"profile": slide.colour_profile}


def can_convert(slide: Slide) -> bool:
    """Tell whether converting the slide to sRGB would change anything."""
    return bool(slide.colour_profile) and not is_srgb(slide.colour_profile)


def tray(user: Person, slide: Slide) -> list[dict[str, Any]]:
    """Return the cards of the slides of the same case that the person may see, this one among them."""
    return [slide_card(other) for other in visible_slides(user, slide.project).filter(case=slide.case_id)]


def project_cards(user: User) -> list[dict[str, Any]]:
    """Return the person's projects, each with their roles and the numbers of cases, slides and slides without mpp."""
    roles = defaultdict(list)
    for membership in user.memberships.all():
        roles[membership.project_id].append(membership.get_role_display())
    per_project = visible_slides(user).order_by().values_list("case__project")
    counts = per_project.annotate(total=Count("pk"), waiting=Count("pk", filter=Q(state=Slide.State.NEEDS_MPP)))
    slides = {project_pk: (total, waiting) for project_pk, total, waiting in counts}
    importing = set(projects_where(user, Act.IMPORT_SLIDES).values_list("pk", flat=True))
    return [
        {
            "project": project,
            "roles": roles[project.pk],
            "cases": project.case_count,
            "slides": slides.get(project.pk, (0, 0))[0],
            "waiting": slides.get(project.pk, (0, 0))[1],
            "can_import": project.pk in importing,
        }
        for project in visible_projects(user).annotate(case_count=Count("cases")).order_by("name")
    ]


def cases_overview(project: Project, user: Person) -> list[dict[str, Any]]:
    """Return the project's cases in order, each with the cards of the slides that the person may see."""
    cards = defaultdict(list)
    for slide in visible_slides(user, project):
        cards[slide.case_id].append(slide_card(slide))
    return [{"case": case, "slides": cards[case.pk]} for case in project.cases.order_by("name")]


def slide_card(slide: Slide) -> dict[str, Any]:
    """Return what a list shows of a slide."""
    return {
        "slide": slide,
        "title": slide_title(slide),
        "url": f"/slides/{slide.pk}/",
        "thumbnail_url": thumbnail_url(slide),
        "needs_mpp": slide.state == Slide.State.NEEDS_MPP,
        "synthetic": slide.is_synthetic,
        "published": slide.published_at is not None,
        "drawn": slide.drawn,
        "mpp_note": mpp_note(slide),
        "size_note": size_note(slide),
    }


def size_note(slide: Slide) -> str:
    """Say how large a slide is: “6720 × 6720 px, 0.25 µm/px”."""
    pixels = f"{slide.width_l0} × {slide.height_l0} px"
    return pixels if slide.mpp is None else f"{pixels}, {slide.mpp:.4g} µm/px"


def project_payload(project: Project, overview: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the script of the project page needs, as JSON."""
    return {
        "project": {
            "id": project.pk,
            "slug": project.slug,
            "name": project.name,
            "drawn_tissue": project.drawn_tissue,
            "source_stain": project.source_stain,
            "target_stain": project.target_stain,
        },
        "urls": {"imports": "/api/v1/imports/", "uploads": "/api/v1/uploads/", "slides": "/api/v1/slides/"},
        "upload": {
            "max_bytes": settings.UPLOAD_MAX_BYTES,
            "suffixes": sorted(KNOWN_SUFFIXES),
            "stains": stains_of(project),
            "cases": [entry["case"].name for entry in overview],
        },
    }


def stains_of(project: Project) -> list[str]:
    """Return the stains to offer: the common two, the project's pair, and those that its slides have."""
    pair = [project.source_stain, project.target_stain]
    present = Slide.objects.filter(case__project=project).order_by("stain").values_list("stain", flat=True).distinct()
    return list(dict.fromkeys([*pair, *KNOWN_STAINS, *present]))


def imports_of(project: Project) -> QuerySet[SlideImport]:
    """Return a project's imports, the latest first."""
    return project.imports.select_related("project", "created_by")


def get_import(user: Person, pk: int) -> SlideImport:
    """Return an import of a project that the person may import into; 404 and 403 as `require` gives them."""
    found = SlideImport.objects.select_related("project", "created_by").filter(pk=pk).first()
    if found is None:
        raise Http404
    require(user, Act.IMPORT_SLIDES, found.project)
    return found


def silent_since() -> CombinedExpression:
    """Return the time, by the database's clock, before which a last sign of life means that the worker died."""
    return Now() - timedelta(seconds=settings.RUN_SILENCE_SECONDS)


def import_is_running(import_pk: int) -> bool:
    """Tell whether some worker is at the import and alive."""
    running = SlideImport.objects.filter(pk=import_pk, state=SlideImport.State.RUNNING)
    return running.filter(heartbeat_at__gte=silent_since()).exists()

"""A complete example on the desk: the shipped model's slide with edited cells, a window, pins and a signed verdict."""

from uuid import uuid4

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from accounts.models import Project, User
from review import selectors, services, windows
from review.models import CellEdit, CellScore, PinKind, Reason, Review, VerdictDraft
from review.strips import MatchedPlace, matched_places
from training.models import Checkpoint
from viewer.models import Slide

EVERY_PLACE = 10_000
# A part of the window whose ratios lie further apart than this is no minor flaw.
LARGE_DIFFERENCE = 0.1


def example_slide(project: Project) -> Slide | None:
    """Return the slide that the shipped model painted; None while it is not published."""
    generators = Checkpoint.objects.filter(run__project=project, run__imported=True).values("sha256")
    painted = Slide.objects.filter(
        case__project=project,
        origin=Slide.Origin.SYNTHETIC,
        published_at__isnull=False,
        generator_sha256__in=generators,
    )
    return painted.select_related("case__project", "derived_from").order_by("pk").first()


@transaction.atomic
def sign_example(slide: Slide, clinician: User) -> Review | None:
    """Edit two cells, choose the hottest window, pin two places and sign, in the name of the demo's clinician.

    Does nothing while a count or the alignment is missing, or once anybody has edited or judged the slide.
    """
    # Of two deliveries the second waits here and finds the verdict.
    Slide.objects.select_for_update(no_key=True, of=("self",)).get(pk=slide.pk)
    score, real = selectors.finished_score(slide), selectors.real_counterpart(slide)
    if score is None or real is None or selectors.finished_score(real) is None:
        return None
    if any(model.objects.filter(slide=slide).exists() for model in (Review, VerdictDraft)):
        return None
    if CellEdit.objects.filter(score=score).exists():
        return None
    spots = windows.hottest(slide)
    if not spots:
        return None
    _edit_two_cells(score, clinician, spots[0]["synthetic"]["corners"])
    place = windows.Window(**{name: spots[0][name] for name in ("x", "y", "side_um")})
    window = windows.compared(slide, place)
    usable, grades = _is_close(window), {window[side]["grade"] for side in ("real", "synthetic")}
    return services.sign_verdict(
        slide,
        clinician,
        Review.Verdict.MINOR_FLAWS if usable and len(grades) == 1 else Review.Verdict.NOT_USABLE,
        _comment(window, len(grades) == 1),
        reasons=[Reason.WRONG_POSITIVES],
        confidence=3,
        pins=_pins(slide),
        window=place.as_dict(),
        uuid=uuid4(),
    )


def _edit_two_cells(score: CellScore, clinician: User, corners: list[list[float]]) -> None:
    """Flip the cell of the window whose DAB lies nearest to the cut, and remove the smallest one."""
    table = selectors.cells_of(score.cells_key)
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    inside = np.flatnonzero((table.x >= low[0]) & (table.x < high[0]) & (table.y >= low[1]) & (table.y < high[1]))
    doubtful = int(inside[np.argmin(np.abs(table.dab[inside] - score.parameters["dab_threshold"]))])
    others = inside[inside != doubtful]
    services.edit_cell(score, clinician, uuid4(), CellEdit.Action.FLIP, cell_index=doubtful)
    if len(others):
        smallest = int(others[np.argmin(table.area_um2[others])])
        services.edit_cell(score, clinician, uuid4(), CellEdit.Action.REMOVE, cell_index=smallest)


def _is_close(window: dict[str, dict[str, dict[str, float]]]) -> bool:
    real, synthetic = (window[side]["reader"]["ratio"] for side in ("real", "synthetic"))
    return abs(synthetic - real) <= LARGE_DIFFERENCE


def _comment(window: dict[str, dict[str, dict[str, float]]], same_grade: bool) -> str:
    shares = {side: 100 * window[side]["reader"]["ratio"] for side in ("real", "synthetic")}
    found = (
        _(
            "In the hottest window %(real).1f %% of the nuclei are positive on the real section and %(synthetic).1f %% "
            "on the synthetic one"
        )
        % shares
    )
    return " ".join(
        [
            _(
                "EXAMPLE, signed by the demo's own account when the demo was made: no person has looked at this slide. "
                "Reopen it to try it yourself."
            ),
            f"{found}." if same_grade else _("%(found)s, so that the grade changes.") % {"found": found},
        ]
    )


def _pins(slide: Slide) -> list[dict[str, object]]:
    """Pin the places where the synthetic slide has most positive nuclei too few and too many."""
    try:
        places = matched_places(slide, rows=EVERY_PLACE)
    except ApplicationError:
        return []
    matrix = windows.map_to(slide.derived_from, slide) if slide.derived_from else None
    assert matrix is not None, "a synthetic slide lies on its source"

    def pin(place: MatchedPlace, kind: PinKind, note: str) -> dict[str, object]:
        x, y = windows.transform(matrix, (place.window.x, place.window.y))
        told = {"real": place.real.positive, "synthetic": place.synthetic.positive, "side": place.window.side_um}
        return {"x": round(x, 1), "y": round(y, 1), "kind": kind.value, "note": note % told}

    def gain(place: MatchedPlace) -> float:
        return (place.synthetic.ratio or 0) - (place.real.ratio or 0)

    few, many = (
        _("%(real)s positive nuclei on the real section, %(synthetic)s here, within %(side).0f µm."),
        _("%(synthetic)s positive nuclei here, %(real)s on the real section, within %(side).0f µm."),
    )
    return [pin(min(places, key=gain), PinKind.LOST, few), pin(max(places, key=gain), PinKind.INVENTED, many)]

"""Lay a report out as PDF. Nothing in it depends on when or where it is made: the same facts give the same bytes."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from django.utils.translation import gettext as _
from PIL import Image as Picture
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from review.models import PinKind, Reason, Review
from review.report_facts import RESEARCH_ONLY, CountFacts, ReportFacts, tallies_of
from review.report_pictures import ReportPicture
from review.tallies import Tally
from review.typography import BOLD, REGULAR, markup, register_fonts

SYNTHETIC_COLOUR = colors.HexColor("#7a2fa0")
GREY = colors.HexColor("#555555")
MARGIN = 16 * mm
# Of the layout library, on either side.
FRAME_PADDING = 6
WIDTH = A4[0] - 2 * (MARGIN + FRAME_PADDING)
PICTURE_MM = 55
BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9, leading=12.5, splitLongWords=1)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=7.5, leading=10.5, textColor=GREY)
TITLE = ParagraphStyle("title", parent=BODY, fontName=BOLD, fontSize=16, leading=21)
HEADING = ParagraphStyle("heading", parent=BODY, fontName=BOLD, fontSize=10.5, leading=14, spaceAfter=3)


def report_pdf(
    facts: ReportFacts, overviews: Sequence[ReportPicture] = (), window_pictures: Sequence[ReportPicture] = ()
) -> bytes:
    """Return the report with pictures of the slides and of the window."""
    register_fonts()
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=facts.title,
        author="Counterstain",
        subject=RESEARCH_ONLY,
        invariant=1,
    )
    parts: list[Flowable] = [
        Paragraph(markup(facts.title), TITLE),
        _note(facts.subtitle),
        Spacer(1, 3 * mm),
        _pictures(overviews),
        *_section(_("Verdict"), _verdict(facts)),
        *_section(_("Counts, whole slide"), _counts(facts.counts)),
        *_window(facts, window_pictures),
        *_section(_("Method"), _method(facts)),
        *_section(_("Made by"), [_note(line) for line in facts.origin]),
    ]
    document.build(parts, onFirstPage=_mark, onLaterPages=_mark)
    return buffer.getvalue()


def _mark(canvas: Canvas, document: Any) -> None:
    """Say on every page what this is."""
    canvas.saveState()
    canvas.setFillColor(SYNTHETIC_COLOUR)
    canvas.setFont(BOLD, 8.5)
    canvas.drawString(MARGIN + FRAME_PADDING, A4[1] - 12 * mm, f"SYNTHETIC · {RESEARCH_ONLY}")
    canvas.drawString(MARGIN + FRAME_PADDING, 10 * mm, RESEARCH_ONLY)
    canvas.drawRightString(A4[0] - MARGIN - FRAME_PADDING, 10 * mm, _("page %(n)s") % {"n": document.page})
    canvas.restoreState()


def _section(title: str, content: list[Flowable]) -> list[Flowable]:
    """A heading stays with what begins under it."""
    heading = Paragraph(markup(title), HEADING)
    return [Spacer(1, 4 * mm), KeepTogether([heading, *content[:1]]), *content[1:]]


def _pictures(pictures: Sequence[ReportPicture]) -> Flowable:
    if not pictures:
        return Spacer(1, 0)
    cells = [[_picture(picture), Paragraph(markup(picture.caption), SMALL)] for picture in pictures]
    table = Table([cells], colWidths=[WIDTH / 3] * len(cells), hAlign="LEFT")
    table.setStyle(TableStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table


def _picture(picture: ReportPicture) -> Flowable:
    if picture.jpeg is None:
        return _note(_("no picture: the slide's file is out of reach"))
    with Picture.open(BytesIO(picture.jpeg)) as opened:
        width, height = opened.size
    scale = PICTURE_MM * mm / max(width, height)
    framed = Table([[Image(BytesIO(picture.jpeg), width * scale, height * scale)]], hAlign="LEFT")
    edge = (2, SYNTHETIC_COLOUR) if picture.synthetic else (0.4, GREY)
    framed.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), *edge), *_padding(1)]))
    return framed


def _padding(points: float) -> list[tuple[Any, ...]]:
    sides = ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")
    return [(side, (0, 0), (-1, -1), points) for side in sides]


def _counts(counts: list[CountFacts]) -> list[Flowable]:
    if not counts:
        return [_note(_("Not counted yet."))]
    rows = []
    for count in counts:
        for who, tally in ((_("machine"), count.machine), (_("readers"), count.reader)):
            if tally is not None:
                grade = count.grade or "–" if tally is count.standing else ""
                rows.append([count.name, _who(who, tally), *_numbers(tally, count.slide_interval), grade])
    notes = [_note(f"{count.name}: {text}") for count in counts for text in count.notes]
    return [_grid(rows), *notes]


def _window(facts: ReportFacts, pictures: Sequence[ReportPicture]) -> list[Flowable]:
    if facts.window is None:
        return []
    rows = []
    for name, key in ((_("Real"), "real"), (_("Synthetic"), "synthetic")):
        side = facts.window[key]
        found = tallies_of(side) if side else []
        for who, tally in found:
            grade = side["grade"] or "–" if (who, tally) == found[-1] else ""
            shown = _("machine") if who == "machine" else _("readers")
            rows.append([name, _who(shown, tally), *_numbers(tally, None), grade])
    place = (
        _("%(side_um).0f µm wide, its middle at %(x).0f, %(y).0f on the source slide (level-0 pixels)") % facts.window
    )
    note = [_note(facts.window["note"])] if facts.window["note"] else []
    table = [_grid(rows)] if rows else []
    return _section(_("Window"), [KeepTogether([_note(place), _pictures(pictures), *table, *note])])


def _who(who: str, tally: Tally) -> str:
    return who if not tally.edits else _("%(who)s, %(n)s edits") % {"who": who, "n": tally.edits}


def _numbers(tally: Tally, over_slide: tuple[float, float] | None) -> tuple[str, str, str, str]:
    interval = over_slide or tally.interval
    shown = "–" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f} %"
    kind = "" if interval is None else _(" (blocks)") if over_slide else _(" (Wilson)")
    ratio = _("no cells") if tally.ratio is None else f"{100 * tally.ratio:.2f} %"
    return f"{tally.positive:,}", f"{tally.cells:,}", ratio, shown + kind


def _verdict(facts: ReportFacts) -> list[Flowable]:
    trail = [_note(_earlier(review)) for review in facts.earlier]
    review = facts.review
    if review is None:
        return [_note(_("No signed verdict stands.")), *trail]
    signed = _("%(verdict)s, signed by %(reader)s on %(date)s") % {
        "verdict": review.get_verdict_display(),
        "reader": review.reader.get_username(),
        "date": f"{review.created_at:%Y-%m-%d %H:%M} UTC",
    }
    lines: list[Flowable] = [Paragraph(f"<b>{markup(signed)}</b>", BODY)]
    if review.confidence:
        lines.append(_text(_("Confidence %(n)s of 5") % {"n": review.confidence}))
    if review.reasons:
        named = "; ".join(str(dict(Reason.choices).get(reason, reason)) for reason in review.reasons)
        lines.append(_text(_("Reasons: %(reasons)s") % {"reasons": named}))
    if review.comment:
        lines.append(_text(review.comment))
    for number, pin in enumerate(review.pins, 1):
        kind = dict(PinKind.choices).get(pin["kind"], pin["kind"])
        lines.append(_note(f"{number} · {kind} ({pin['x']:.0f}, {pin['y']:.0f}) {pin.get('note', '')}"))
    return [*lines, *trail]


def _earlier(review: Review) -> str:
    """Say of a verdict that the report does not rest on what it was, and what became of it."""
    reopening = getattr(review, "reopening", None)
    fate = _("reopened: %(reason)s") % {"reason": reopening.reason} if reopening else _("beside this one")
    if reopening is None and review.slide_version != review.slide.version:
        fate = _("on an earlier version of the slide")
    return _("Also: %(verdict)s by %(reader)s on %(date)s; %(fate)s") % {
        "verdict": review.get_verdict_display(),
        "reader": review.reader.get_username(),
        "date": f"{review.created_at:%Y-%m-%d}",
        "fate": fate,
    }


def _method(facts: ReportFacts) -> list[Flowable]:
    notes: list[Flowable] = []
    told = {count.name: _parameters(count.score.parameters) for count in facts.counts}
    if len(told) == 2 and len(set(told.values())) == 1:
        told = {_("Both slides"): next(iter(told.values()))}
    notes += [_note(f"{name}: {parameters}") for name, parameters in told.items()]
    for count in facts.counts:
        band = ", ".join(f"{at['dab_threshold']:g}: {_share(at['ratio'])}" for at in count.score.sensitivity)
        if band:
            notes.append(_note(_("%(name)s at other DAB thresholds: %(band)s") % {"name": count.name, "band": band}))
    if facts.alignment:
        notes.append(
            _note(
                _("Sections aligned: %(method)s, version %(version)s")
                % {"method": facts.alignment["method"], "version": facts.alignment["version"]}
            )
        )
    limits = _("Intervals speak of chance among the counted cells, not of errors of the counter or the model.")
    return [*notes, _note(limits)]


def _parameters(parameters: dict[str, Any]) -> str:
    """Name the method first, then all that it was told."""
    method = f"{parameters.get('method', '–')}, {_('version')} {parameters.get('method_version', '–')}"
    left_out = {"method", "method_version", "warnings"}
    told = [f"{key} {_short(value)}" for key, value in sorted(parameters.items()) if key not in left_out]
    return "; ".join([method, *told])


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * ratio:.1f} %"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "(" + ", ".join(_short(part) for part in value) + ")" if isinstance(value, list | tuple) else str(value)


def _grid(rows: list[list[str]]) -> Table:
    head = [_("Slide"), _("Counted by"), _("Positive"), _("All"), _("Ratio"), _("95 % interval"), _("Grade")]
    cells = [[Paragraph(f"<b>{markup(cell)}</b>", BODY) for cell in head]]
    cells += [[_text(value) for value in row] for row in rows]
    widths = [share * WIDTH for share in (0.13, 0.17, 0.11, 0.11, 0.13, 0.25, 0.1)]
    table = Table(cells, colWidths=widths, hAlign="LEFT", repeatRows=1)
    rule = [("LINEBELOW", (0, 0), (-1, -1), 0.3, GREY), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    table.setStyle(TableStyle([*rule, *_padding(2.5)]))
    return table


def _text(text: str) -> Paragraph:
    return Paragraph(markup(text), BODY)


def _note(text: str) -> Paragraph:
    return Paragraph(markup(text), SMALL)

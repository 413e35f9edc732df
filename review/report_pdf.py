"""Lay a report out as PDF. Nothing in it depends on when or where it is made: the same facts give the same bytes."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from PIL import Image as Picture
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from review.report_facts import RESEARCH_ONLY, CountFacts, ReportFacts
from review.tallies import Tally

SYNTHETIC_COLOUR = colors.HexColor("#7a2fa0")
GREY = colors.HexColor("#555555")
THUMBNAIL_MM = 55
STYLES = getSampleStyleSheet()
BODY = ParagraphStyle("body", parent=STYLES["BodyText"], fontSize=9, leading=12)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=7.5, leading=10, textColor=GREY)

Thumbnails = Sequence[tuple[str, bytes | None]]


def report_pdf(facts: ReportFacts, thumbnails: Thumbnails) -> bytes:
    """Return the report; `thumbnails` are (caption, JPEG) of source, real and synthetic slide."""
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        margin=18 * mm,
        title=_plain(facts.title),
        author="Counterstain",
        subject=RESEARCH_ONLY,
        invariant=1,
    )
    parts: list[Flowable] = [
        Paragraph(_text(facts.title), STYLES["Title"]),
        Paragraph(_text(_("State of %(date)s") % {"date": facts.dated}), SMALL),
        Spacer(1, 4 * mm),
        *([_pictures(thumbnails)] if thumbnails else []),
        *_section(
            _("Counts, whole slide"), [_counts(facts.counts)] if facts.counts else [_note(_("Not counted yet."))]
        ),
        *_window(facts),
        *_section(_("Verdict"), _verdict(facts)),
        *_section(_("Method"), _method(facts)),
        *_section(_("Made by"), [_lineage(facts)]),
    ]
    document.build(parts, onFirstPage=_mark, onLaterPages=_mark)
    return buffer.getvalue()


def _mark(canvas: Canvas, document: Any) -> None:
    """Say on every page what this is."""
    canvas.saveState()
    canvas.setFillColor(SYNTHETIC_COLOUR)
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(18 * mm, A4[1] - 12 * mm, f"SYNTHETIC · {RESEARCH_ONLY}")
    canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, str(document.page))
    canvas.drawString(18 * mm, 10 * mm, RESEARCH_ONLY)
    canvas.restoreState()


def _section(title: str, content: list[Flowable]) -> list[Flowable]:
    return [Spacer(1, 3 * mm), Paragraph(_text(title), STYLES["Heading3"]), *content]


def _pictures(thumbnails: Thumbnails) -> Table:
    cells = []
    for caption, jpeg in thumbnails:
        picture: Flowable = _note(_("no picture"))
        if jpeg is not None:
            with Picture.open(BytesIO(jpeg)) as opened:
                width, height = opened.size
            scale = THUMBNAIL_MM * mm / max(width, height)
            picture = Image(BytesIO(jpeg), width * scale, height * scale)
        cells.append([picture, _note(caption)])
    return Table([cells], hAlign="LEFT")


def _counts(counts: list[CountFacts]) -> Table:
    head = [_("Slide"), _("Counted by"), _("Positive"), _("All"), _("Ratio"), _("95 % interval"), _("Grade")]
    rows = [[Paragraph(f"<b>{_text(cell)}</b>", BODY) for cell in head]]
    for count in counts:
        for who, tally in ((_("machine"), count.machine), (_("reader"), count.reader)):
            if tally is None:
                continue
            grade = count.grade or "–" if tally is count.standing else ""
            rows.append(
                [
                    _cell(value)
                    for value in (count.name, _who(who, tally), *_numbers(tally, count.slide_interval), grade)
                ]
            )
    return _grid(rows)


def _who(who: str, tally: Tally) -> str:
    return who if not tally.edits else _("%(who)s, %(n)s edits") % {"who": who, "n": tally.edits}


def _numbers(tally: Tally, over_slide: tuple[float, float] | None) -> tuple[str, str, str, str]:
    interval = over_slide or tally.interval
    shown = "–" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f} %"
    kind = "" if interval is None else _(" (blocks)") if over_slide else _(" (Wilson)")
    ratio = _("no cells") if tally.ratio is None else f"{100 * tally.ratio:.2f} %"
    return str(tally.positive), str(tally.cells), ratio, shown + kind


def _window(facts: ReportFacts) -> list[Flowable]:
    if facts.window is None:
        return []
    place = _("Window of %(side_um).0f µm, its middle at %(x).0f, %(y).0f on the source slide") % facts.window
    head = [_("Slide"), _("Counted by"), _("Positive"), _("All"), _("Ratio"), _("95 % interval")]
    rows = [[Paragraph(f"<b>{_text(cell)}</b>", BODY) for cell in head]]
    for name, key in ((_("Real"), "real"), (_("Synthetic"), "synthetic")):
        side = facts.window[key]
        for who in ("machine", "reader") if side else ():
            tally = Tally(side[who]["positive"], side[who]["negative"], side[who]["edits"])
            rows.append([_cell(value) for value in (name, who, *_numbers(tally, None))])
    note = [_note(facts.window["note"])] if facts.window["note"] else []
    return _section(_("Hot spot"), [_note(place), _grid(rows), *note])


def _verdict(facts: ReportFacts) -> list[Flowable]:
    review = facts.review
    if review is None:
        return [_note(_("No signed verdict stands."))]
    signed = _("%(verdict)s, signed by %(reader)s on %(date)s") % {
        "verdict": review.get_verdict_display(),
        "reader": review.reader.get_username(),
        "date": f"{review.created_at:%Y-%m-%d %H:%M} UTC",
    }
    lines = [f"<b>{_text(signed)}</b>"]
    if review.confidence:
        lines.append(_text(_("Confidence %(n)s of 5") % {"n": review.confidence}))
    if review.reasons:
        lines.append(_text(_("Reasons: %(reasons)s") % {"reasons": ", ".join(review.reasons)}))
    for number, pin in enumerate(review.pins, 1):
        lines.append(_text(f"{number}. {pin['kind']} ({pin['x']:.0f}, {pin['y']:.0f}) {pin.get('note', '')}"))
    if review.comment:
        lines.append(_text(review.comment))
    trail = [
        _("Earlier: %(verdict)s by %(reader)s on %(date)s; reopened: %(reason)s")
        % {
            "verdict": old.get_verdict_display(),
            "reader": old.reader.get_username(),
            "date": f"{old.created_at:%Y-%m-%d}",
            "reason": old.reopening.reason if getattr(old, "reopening", None) else "–",
        }
        for old in facts.earlier
    ]
    return [Paragraph("<br/>".join(lines), BODY), *[_note(line) for line in trail]]


def _method(facts: ReportFacts) -> list[Flowable]:
    notes: list[Flowable] = []
    for count in facts.counts:
        told = ", ".join(
            f"{key} {_short(value)}" for key, value in sorted(count.score.parameters.items()) if key != "warnings"
        )
        notes.append(_note(f"{count.name}: {told}"))
        band = ", ".join(f"{at['dab_threshold']:g}: {_share(at['ratio'])}" for at in count.score.sensitivity)
        notes.append(_note(_("%(name)s at other DAB thresholds: %(band)s") % {"name": count.name, "band": band}))
        notes += [_note(text) for text in (count.score.message, count.grade_note) if text]
    if facts.alignment:
        notes.append(
            _note(
                _("Sections aligned: %(method)s, version %(version)s")
                % {"method": facts.alignment["method"], "version": facts.alignment["version"]}
            )
        )
    notes.append(
        _note(_("Intervals speak of chance among the counted cells, not of errors of the counter or the model."))
    )
    return notes


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * ratio:.1f} %"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "(" + ", ".join(_short(part) for part in value) + ")" if isinstance(value, list | tuple) else str(value)


def _lineage(facts: ReportFacts) -> Flowable:
    lineage = facts.lineage
    return _note(
        _("Run %(run)s, epoch %(epoch)s, data set %(dataset)s, generator %(generator)s")
        % {
            "run": lineage["run"] or "–",
            "epoch": lineage["epoch"] or "–",
            "dataset": lineage["dataset"] or "–",
            "generator": lineage["generator_sha256"],
        }
    )


def _grid(rows: list[list[Flowable]]) -> Table:
    table = Table(rows, hAlign="LEFT", repeatRows=1)
    table.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, GREY), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table


def _cell(value: str) -> Paragraph:
    return Paragraph(_text(value), BODY)


def _note(text: str) -> Paragraph:
    return Paragraph(_text(text), SMALL)


def _text(text: str) -> str:
    return escape(_plain(text))


def _plain(text: str) -> str:
    """Keep what the built-in fonts can draw: a report needs no font of the machine it is made on."""
    return text.replace("−", "-").replace("\u202f", " ").encode("cp1252", "replace").decode("cp1252")

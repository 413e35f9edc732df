"""report.html: the study's figures and pictures on one page that needs no other file."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from training.learning.study.criteria import verdicts
from training.learning.study.tables import PAPER_ROWS

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1240px;margin:2rem auto;padding:0 1rem;color:#1d2126;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.4rem;border-bottom:1px solid #d5d9de}
table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #e4e7eb;vertical-align:top}
th:first-child,td:first-child{text-align:left}th{font-weight:600}
figure{margin:1.2rem 0}figcaption{color:#4a525b;max-width:70rem}img{max-width:100%;border:1px solid #d5d9de}
.alarm{background:#8c1c13;color:#fff;padding:.8rem 1rem;border-radius:4px;font-weight:600}
.note{background:#f3f5f7;padding:.8rem 1rem;border-left:4px solid #6b7785}
.short{color:#8c1c13;font-weight:600}.reached{color:#14603a;font-weight:600}
"""


def number(value: Any, digits: int = 3) -> str:
    """Return a number as the report prints it; – where there is none."""
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, list | tuple):
        return f"{number(value[0], digits)} to {number(value[1], digits)}"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; cells are escaped unless they are marked up already by `marked`."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


class Marked(str):
    """Text that is HTML already."""


def _cell(cell: str) -> str:
    return cell if isinstance(cell, Marked) else escape(cell)


def page(report: Mapping[str, Any], pictures: Sequence[tuple[str, bytes]]) -> str:
    """Return the whole page; pictures: captions and JPEGs in order."""
    parts = [
        f"<h1>Study on drawn tissue, profile {escape(report['profile'])}</h1>",
        '<p class="note">Every slide here is drawn by a program, so the truth of every nucleus is known. No figure on '
        "this page is a clinical figure. A ratio alone proves nothing: each stands beside the null model (the training "
        "sections’ mean index for every tumour nucleus, no picture looked at) and the negative control (H&amp;E "
        "without any sign of Ki-67).</p>",
    ]
    if report["inverted"]:
        parts.append(f'<p class="alarm">Colours are inverted: {escape("; ".join(report["inverted"]))}.</p>')
    parts += ["<h2>Held against what was asked</h2>", _criteria(report), "<h2>Ratios (Tables 3 and 4 in kind)</h2>"]
    parts += [_table_4(report), _table_3(report), "<h2>Models beside each other</h2>", _models(report)]
    parts += ["<h2>By regional positive rate</h2>", _by_rate(report), "<h2>Classifiers</h2>", _classifiers(report)]
    if report["seed_spread"]:
        parts += ["<h2>With and without class, by seed</h2>", _seeds(report)]
    parts.append("<h2>Pictures</h2>")
    for caption, content in pictures:
        coded = base64.b64encode(content).decode()
        parts.append(f'<figure><img src="data:image/jpeg;base64,{coded}" alt="{escape(caption)}">')
        parts.append(f"<figcaption>{escape(caption)}</figcaption></figure>")
    parts += ["<h2>Keys that differ from the paper</h2>", _keys(report)]
    title = f"Study {escape(report['profile'])}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _criteria(report: Mapping[str, Any]) -> str:
    rows = []
    for verdict in verdicts(report):
        kind = {"falls short": "short", "not measured": "short"}.get(verdict.word, "reached")
        sign = "≥" if verdict.criterion.higher_is_better else "≤"
        bounds = [
            "report" if bound is None else f"{sign} {bound:g}"
            for bound in (verdict.criterion.must, verdict.criterion.aim)
        ]
        what = verdict.criterion.what + (f" ({verdict.criterion.note})" if verdict.criterion.note else "")
        word = Marked(f'<span class="{kind}">{verdict.word}</span>')
        rows.append([what, number(verdict.value), *bounds, word])
    return table(["figure", "here", "CPU profile, must", "aim", ""], rows)


def _table_4(report: Mapping[str, Any]) -> str:
    rows = []
    for case, figures in report["slides"]["conditional"].items():
        about = report["cases"][case]
        kind = ("held out" if about["split"] == "test" else "training") + (", low" if about["low_positive"] else "")
        rows.append(
            [
                f"{case} ({kind})",
                *(number(figures[name]) for name in ("real", "twin", "synthetic", "null")),
                _difference(figures, "synthetic", "real") + f" [{number(figures['synthetic_minus_real_interval'])}]",
                _difference(figures, "synthetic", "twin") + f" [{number(figures['synthetic_minus_twin_interval'])}]",
                _difference(figures, "null", "twin"),
                _difference(figures, "twin", "real") + f" [{number(figures['twin_minus_real_interval'])}]",
            ]
        )
    head = [
        "slide",
        "real",
        "true virtual stain",
        "synthetic",
        "null",
        "synthetic − real",
        "synthetic − true",
        "null − true",
    ]
    note = (
        "<p>Positive among all counted nuclei; in brackets 95 % intervals from drawing regions with replacement. The "
        "floor is what perfect synthesis would be off, because consecutive sections differ.</p>"
    )
    return table([*head, "floor: true − real"], rows) + note


def _difference(figures: Mapping[str, Any], one: str, other: str) -> str:
    if figures[one] is None or figures[other] is None:
        return "–"
    return f"{figures[one] - figures[other]:+.3f}"


def _table_3(report: Mapping[str, Any]) -> str:
    rows = []
    for name, row in report["table_3"].items():
        rows.append(
            [
                f"{name} ({row['slides']})",
                *(number(row[f"{kind}_mean"]) for kind in ("real", "twin", "synthetic", "null")),
                *(number(row[f"{kind}_pooled"]) for kind in ("real", "synthetic")),
                number(row["synthetic_against_real_absolute"]),
                number(row["synthetic_against_twin_absolute"]),
                number(row["null_against_twin_absolute"]),
                number(row["synthetic_minus_real_interval"]),
            ]
        )
    head = ["slides", "real", "true", "synthetic", "null", "real, pooled", "synthetic, pooled", "|synthetic − real|"]
    head += ["|synthetic − true|", "|null − true|", "interval of synthetic − real"]
    paper = [
        [name, number(real, 4), number(made, 4), f"{made - real:+.4f}"] for name, (real, made) in PAPER_ROWS.items()
    ]
    note = (
        "<p>Means of slide ratios, as in the paper, whose evaluation row is the plain mean of two slides. Intervals "
        "from drawing slides with replacement say little where slides are few.</p>"
    )
    return table(head, rows) + note + table(["the paper", "real", "synthetic", "difference"], paper)


def _models(report: Mapping[str, Any]) -> str:
    names = list(report["models"])
    rows = []
    for figure in report["models"][names[0]]:
        cells = []
        for name in names:
            found = report["models"][name][figure]
            cells.append(
                "–" if found["mean"] is None else f"{found['mean']:.3f} ({found['least']:.3f}–{found['most']:.3f})"
            )
        rows.append([figure.replace("_", " "), *cells])
    note = (
        "<p>Held-out slides: mean (least–most). control: trained and judged where H&amp;E carries no sign of Ki-67; "
        "applied: the conditional model on the control’s slides.</p>"
    )
    return table(["figure", *names], rows) + note


def _by_rate(report: Mapping[str, Any]) -> str:
    rows = []
    for case, figures in report["slides"]["conditional"].items():
        for row in figures["by_rate"]:
            bounds = f"{row['from']:.2f} to {row['to']:.2f}"
            keys = ("true_ratio", "mean_error", "mean_absolute_error", "null_mean_error", "null_mean_absolute_error")
            rows.append([case, bounds, str(row["regions"]), *(number(row[key]) for key in keys)])
    head = ["slide", "true rate", "regions", "true ratio", "error", "|error|", "null’s error", "null’s |error|"]
    return table(head, rows)


def _classifiers(report: Mapping[str, Any]) -> str:
    keys = ("instances", "tumor_share", "auc", "threshold", "balanced_accuracy", "balanced_accuracy_at_half")
    rows = []
    for stain, figures in report["classifiers"].items():
        rows.append([stain, *(number(figures[key]) for key in keys)])
        rows += [[f"{stain}, {case}", *(number(one[key]) for key in keys)] for case, one in figures["by_case"].items()]
    return table(["held-out instances", *(key.replace("_", " ") for key in keys)], rows)


def _seeds(report: Mapping[str, Any]) -> str:
    spread = report["seed_spread"]
    figures = next(iter(spread.values()))
    rows = [
        [figure.replace("_", " "), *(", ".join(number(value) for value in spread[kind][figure]) for kind in spread)]
        for figure in figures
    ]
    return table(["figure", *spread], rows)


def _keys(report: Mapping[str, Any]) -> str:
    rows = [
        [f"{kind}.{key}", str(here), str(paper)]
        for kind, keys in report["differs_from_paper"].items()
        for key, (here, paper) in keys.items()
    ]
    return table(["key", "here", "paper"], rows)

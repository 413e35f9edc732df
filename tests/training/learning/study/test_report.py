"""The smallest study from its command line: killed in the middle, started again, and every figure there."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from training.learning.__main__ import DONE, PERSON, main


def _arguments(out: Path) -> list[str]:
    return ["study", "--profile", "tiny", "--out", str(out), "--threads", "1"]


@pytest.fixture(scope="module")
def killed_and_resumed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study whose first process was killed with -9 as soon as the first CycleGAN had begun."""
    out = tmp_path_factory.mktemp("study") / "tiny"
    command = [sys.executable, "-m", "training.learning", *_arguments(out)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as child:
        guard = threading.Timer(300, child.kill)
        guard.start()
        assert child.stderr is not None
        for line in child.stderr:
            if line.split()[-1] == "gan-conditional":
                child.kill()
        guard.cancel()
    assert child.returncode == -9
    assert not (out / "report.json").exists()
    (out / "before").write_text(json.dumps(_times(out)))
    assert main(_arguments(out)) == DONE
    return out


def _times(out: Path) -> dict[str, int]:
    return {str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.glob("mil-*/checkpoints/*")} | {
        str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.glob("cohort/*.tif")
    }


@pytest.fixture
def report(killed_and_resumed: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((killed_and_resumed / "report.json").read_text())
    return loaded


def test_what_was_done_before_the_kill_is_not_done_again(killed_and_resumed: Path) -> None:
    before = json.loads((killed_and_resumed / "before").read_text())
    assert len(before) == 4 + 10 * 2 + 4  # checkpoints of two classifiers, both sections, twins of the painted cases
    assert _times(killed_and_resumed) == before


def test_a_finished_study_takes_no_step_again(killed_and_resumed: Path, capsys: Any) -> None:
    first = (killed_and_resumed / "report.json").read_bytes()
    assert main(_arguments(killed_and_resumed)) == DONE
    said = [line.split(maxsplit=2)[2] for line in capsys.readouterr().err.splitlines()]
    assert said == []
    assert (killed_and_resumed / "report.json").read_bytes() == first


def test_every_ratio_stands_beside_the_null_the_true_stain_and_the_floor(report: dict[str, Any]) -> None:
    assert list(report["slides"]) == ["conditional", "applied", "unconditional", "control"]
    assert list(report["slides"]["conditional"]) == ["case08", "case09", "case10", "case01"]
    assert list(report["slides"]["control"]) == ["case08", "case09", "case10"]
    for slides in report["slides"].values():
        for figures in slides.values():
            assert 0 < figures["real"] < 1 and 0 < figures["twin"] < 1 and 0 < figures["null"] < 1
            assert 0 <= figures["synthetic"] <= 1
            low, high = figures["synthetic_minus_twin_interval"]
            assert low <= high
    evaluation = report["table_3"]["evaluation"]
    assert evaluation["slides"] == 3
    of_slides = [report["slides"]["conditional"][case]["real"] for case in ("case08", "case09", "case10")]
    assert evaluation["real_mean"] == pytest.approx(sum(of_slides) / 3)
    assert report["cases"]["case10"] == {"split": "test", "low_positive": True}
    assert report["table_3"]["low positive"]["slides"] == 1


def test_the_figures_that_cannot_be_faked_are_there(report: dict[str, Any]) -> None:
    for name in ("conditional", "control"):
        figures = report["models"][name]
        for key in ("nucleus_auc", "map_error", "null_map_error", "normal_tissue", "flip_as_tumor", "flip_as_normal"):
            assert figures[key]["mean"] is not None, key
        for key in ("nuclei_f1", "lost", "invented", "class_consistency", "nuclei_f1_of_twin"):
            assert 0 <= figures[key]["mean"] <= 1, key
    assert report["models"]["unconditional"]["flip_as_tumor"]["mean"] is None
    # Size and darkness tell positive nuclei where the source shows them, and nothing where it does not.
    assert report["models"]["conditional"]["nucleus_auc_ceiling"]["mean"] > 0.7
    assert report["models"]["control"]["nucleus_auc_ceiling"]["mean"] < 0.6
    assert {row["verdict"] for row in report["criteria"]} <= {
        "aim reached",
        "must reached",
        "falls short",
        "reported",
        "not measured",
    }
    assert len(report["criteria"]) == 12


def test_the_report_says_which_keys_are_not_the_papers(report: dict[str, Any]) -> None:
    differing = report["differs_from_paper"]
    assert differing["cyclegan"]["ngf"] == [8, 64]
    assert differing["mil"]["epochs"] == [2, 100]
    assert "n_blocks" not in differing["cyclegan"]


def test_the_page_needs_no_other_file(killed_and_resumed: Path) -> None:
    page = (killed_and_resumed / "report.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 12
    assert "http" not in page
    for words in ("No figure on this page is a clinical figure", "Tables 3 and 4 in kind", "Figure 7 in kind", "null"):
        assert words in page


def test_another_cohort_in_the_folder_is_refused_and_left_alone(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "cohort").mkdir(parents=True)
    (tmp_path / "cohort" / "cohort.json").write_text("another")
    assert main(_arguments(tmp_path)) == PERSON
    assert "holds another cohort" in capsys.readouterr().err
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["cohort", "cohort/cohort.json"]


def test_an_unknown_profile_is_refused(tmp_path: Path, capsys: Any) -> None:
    assert main(["study", "--profile", "huge", "--out", str(tmp_path / "out")]) == PERSON
    assert "no profile 'huge'; expected one of tiny, cpu, paper" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

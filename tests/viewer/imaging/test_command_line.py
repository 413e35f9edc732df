import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.viewer.imaging.pictures import pink
from viewer.imaging.__main__ import main

PROJECT_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def field(tmp_path, ki67):
    path = tmp_path / "поле 🔬.png"
    Image.fromarray(ki67[:512, :600]).save(path)
    return path


def refused(arguments, capsys):
    """Run a command that must fail; give its message."""
    assert main([str(argument) for argument in arguments]) == 2
    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith("error: ") and message.count("\n") == 1
    return message


def test_cells_prints_counts_parameters_and_cells_as_json(field, capsys):
    assert main(["cells", str(field), "--mpp", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= {"positive", "negative", "ratio", "interval", "mpp", "parameters", "sensitivity", "cells"}
    assert found["positive"] + found["negative"] == len(found["cells"]) > 100
    assert found["ratio"] == found["positive"] / len(found["cells"])
    assert found["interval"][0] < found["ratio"] < found["interval"][1]
    assert found["mpp"] == 0.5
    parameters = found["parameters"]
    assert parameters["method"] == "hdab-nuclei"
    # A field alone is calibrated on itself.
    assert parameters["dab_threshold"] == parameters["dab_threshold_calibrated"] != 0.2


def test_cells_writes_files_and_keeps_stdout_empty(field, tmp_path, capsys):
    arguments = ["cells", field, "--mpp", "0.5", "--json", tmp_path / "c.json", "--geojson", tmp_path / "c.geojson"]
    assert main([str(argument) for argument in [*arguments, "--region", 100, 50, 300, 200]]) == 0
    assert capsys.readouterr().out == ""
    found = json.loads((tmp_path / "c.json").read_text())
    assert found["region"] == [100, 50, 300, 200]
    assert all(99.5 <= cell["x"] < 399.5 and 49.5 <= cell["y"] < 249.5 for cell in found["cells"])
    assert len(json.loads((tmp_path / "c.geojson").read_text())["features"]) == len(found["cells"])


def test_cells_may_be_calibrated_on_another_slide_and_overridden(field, ki67_slide, capsys):
    assert main(["cells", str(field), "--mpp", "0.5", "--calibrate-on", str(ki67_slide), "--dab-threshold", "0.3"]) == 0
    parameters = json.loads(capsys.readouterr().out)["parameters"]
    assert parameters["calibrated_on"] == "generic-tiff slide of 1120 × 1120 px"
    assert parameters["dab_threshold"] == 0.3


def test_cells_of_an_empty_field_have_no_ratio(tmp_path, capsys):
    Image.fromarray(np.full((300, 300, 3), 250, np.uint8)).save(tmp_path / "empty.png")
    assert main(["cells", str(tmp_path / "empty.png"), "--mpp", "0.25"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["positive"], found["negative"], found["ratio"], found["interval"]) == (0, 0, None, None)


def test_cells_without_a_resolution_are_refused_with_the_remedy(field, tmp_path, capsys):
    message = refused(["cells", field, "--json", tmp_path / "c.json"], capsys)
    assert "--mpp" in message
    assert not (tmp_path / "c.json").exists()


def test_a_region_off_the_slide_is_refused_and_writes_nothing(field, tmp_path, capsys):
    arguments = ["cells", field, "--mpp", "0.5", "--json", tmp_path / "c.json", "--region", 500, 0, 200, 10]
    assert "does not lie on the slide" in refused(arguments, capsys)
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("mpp", ["0", "-1", "300", "nan", "half"])
def test_an_absurd_resolution_is_a_usage_error(field, mpp, capsys):
    with pytest.raises(SystemExit) as exit:
        main(["cells", str(field), "--mpp", mpp])
    assert exit.value.code == 2
    assert "--mpp" in capsys.readouterr().err


def test_info_prints_size_resolution_and_levels(ki67_slide, capsys):
    assert main(["info", str(ki67_slide)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["width"], found["height"], found["mpp"]) == (1120, 1120, 0.5)
    assert [level["downsample"] for level in found["served_levels"]] == [1, 2, 4, 8]


def test_info_refuses_a_small_slide(tmp_path, capsys):
    Image.fromarray(pink(100, 100)).save(tmp_path / "small.png")
    assert "224 × 224" in refused(["info", tmp_path / "small.png"], capsys)


def test_thumbnail_writes_a_small_picture(ki67_slide, tmp_path):
    assert main(["thumbnail", str(ki67_slide), str(tmp_path / "t.jpg"), "--max-px", "200"]) == 0
    assert Image.open(tmp_path / "t.jpg").size == (200, 200)


def test_thumbnail_refuses_other_endings_and_unwritable_places(ki67_slide, tmp_path, capsys):
    assert ".png nor in .jpg" in refused(["thumbnail", ki67_slide, tmp_path / "t.gif"], capsys)
    (tmp_path / "file").touch()
    assert "t.png" in refused(["thumbnail", ki67_slide, tmp_path / "file" / "t.png"], capsys)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_phantom_draws_a_section_and_its_truth(tmp_path, capsys):
    out, truth = tmp_path / "ki67.tif", tmp_path / "truth.json"
    assert main(["phantom", str(out), "--size", "448", "--seed", "5", "--cut", "KI67", "--truth", str(truth)]) == 0
    assert main(["info", str(out)]) == 0
    assert json.loads(capsys.readouterr().out)["width"] == 448
    assert len(json.loads(truth.read_text())["nuclei"]) > 50


def test_phantom_refuses_an_absurd_size(tmp_path, capsys):
    assert "size_px must be" in refused(["phantom", tmp_path / "a.tif", "--size", "10"], capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_module_runs_without_django_and_exits_2_on_a_missing_file(tmp_path):
    code = "import sys, runpy; runpy.run_module('viewer.imaging', run_name='__main__')"
    run = subprocess.run(
        [sys.executable, "-c", code, "info", str(tmp_path / "none.svs")],
        cwd=PROJECT_ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "error: There is no file none.svs. Check the path.\n"
    listed = "import sys, viewer.imaging.__main__; print([m for m in sys.modules if m in ('django', 'torch')])"
    run = subprocess.run([sys.executable, "-c", listed], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"

import hashlib
import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.viewer.imaging.onnx_models import write_model
from tests.viewer.imaging.pictures import discs, f1, reader_of
from viewer.imaging.__main__ import main
from viewer.imaging.cells import CountParameters, NucleusModel, calibrate, count_slide
from viewer.imaging.errors import UnusableModel

BLUE, BROWN = (120, 120, 175), (120, 70, 45)
PARAMETERS = CountParameters(white_point=(245, 245, 245))
SMALL = {"window_px": "128", "margin_px": "16"}


def two_blue_one_brown(size=240):
    picture = discs([(60, 80), (150, 90)], size, 7, BLUE)
    picture[discs([(100, 160)], size, 7, (0, 0, 0))[..., 0] == 0] = BROWN
    return picture


def cells_of(count):
    return list(zip(count.x, count.y, count.area_um2, count.dab, count.is_positive, strict=True))


def test_a_model_s_nuclei_are_placed_and_called_positive_by_their_dab(tmp_path):
    model = NucleusModel(write_model(tmp_path / "dark.onnx"))
    count = count_slide(reader_of(two_blue_one_brown()), 0.5, PARAMETERS, model=model)
    assert [(round(x), round(y)) for x, y in zip(count.x, count.y, strict=True)] == [(60, 80), (150, 90), (100, 160)]
    assert count.is_positive.tolist() == [False, False, True]


def test_a_second_plane_says_which_nuclei_are_positive_whatever_their_dab(tmp_path):
    model = NucleusModel(write_model(tmp_path / "both.onnx", planes=2))
    by_hand = PARAMETERS.overridden(dab_threshold=2.0)
    count = count_slide(reader_of(two_blue_one_brown()), 0.5, by_hand, model=model)
    assert model.tells_positive
    assert count.is_positive.tolist() == [False, False, True]
    assert count.fixed["positive"] == 1


@pytest.mark.parametrize("options", [{}, {"step": 4}, {"over_window": True}])
def test_cells_of_a_model_do_not_depend_on_tiling_or_threads(tmp_path, ki67, options):
    # Even of a model that looks at its whole window at once.
    model = NucleusModel(write_model(tmp_path / "dark.onnx", metadata=SMALL, **options))
    whole = count_slide(reader_of(ki67), 0.5, PARAMETERS, model=model)
    assert whole.total > 300
    for tile_px in (256, 300, 1000):
        tiled = count_slide(reader_of(ki67), 0.5, PARAMETERS, tile_px=tile_px, threads=2, model=model)
        assert cells_of(tiled) == cells_of(whole)
    part = count_slide(reader_of(ki67), 0.5, PARAMETERS, region=(301, 203, 407, 351), model=model)
    inside = (whole.x >= 300.5) & (whole.x < 707.5) & (whole.y >= 202.5) & (whole.y < 553.5)
    np.testing.assert_array_equal(part.x, whole.x[inside])


def test_a_model_finds_the_nuclei_of_drawn_tissue(tmp_path, block, ki67):
    model = NucleusModel(write_model(tmp_path / "dark.onnx", step=2))
    count = count_slide(reader_of(ki67), 0.5, calibrate(reader_of(ki67), 0.5), model=model)
    truth = block.truth("KI67")
    assert f1(count, ((truth.x + 0.5) * 0.5, (truth.y + 0.5) * 0.5), 560) >= 0.6


def test_the_count_says_which_model_and_how_it_was_asked(tmp_path):
    path = write_model(tmp_path / "dark.onnx", metadata={**SMALL, "mpp": "0.25", "threshold": "0.4", "mean": "0,0,0"})
    model = NucleusModel(path)
    count = count_slide(reader_of(two_blue_one_brown()), 0.25, PARAMETERS, model=model)
    assert count.parameters["method"] == "onnx-nuclei"
    assert count.parameters["working_mpp"] == 0.25
    assert count.parameters["model"] == {
        "name": "dark.onnx",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "mpp": 0.25,
        "window_px": 128,
        "margin_px": 16,
        "threshold": 0.4,
        "mean": (0.0, 0.0, 0.0),
        "deviation": (1.0, 1.0, 1.0),
    }
    stored = json.loads(json.dumps(count.parameters))
    assert CountParameters.from_dict(stored).model == model.card
    assert count.warnings == ()


def test_a_slide_of_another_scale_than_the_model_s_is_counted_with_a_warning(tmp_path):
    model = NucleusModel(write_model(tmp_path / "dark.onnx"))
    count = count_slide(reader_of(two_blue_one_brown()), 0.36, PARAMETERS, model=model)
    (warning,) = count.warnings
    assert "dark.onnx was made for 0.5 µm per pixel and saw 0.36" in warning


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"channels": 1}, "it takes 1 channels; 3 \\(RGB\\) were expected"),
        ({"planes": 3}, "it answers with \\(1, 3, 512, 512\\)"),
        ({"last": "Relu"}, "values off 0 to 1; probabilities were expected"),
        ({"last": "Frobnicate"}, "Frobnicate"),
        ({"last": "Invent", "domain": "com.example"}, "com.example"),
        ({"step": 8}, "answers 512 pixels by 64"),
        ({"side": 100, "metadata": {"window_px": "128"}}, "windows of 100 pixels and its metadata says 128"),
        ({"metadata": {"mpp": "nan"}}, "counterstain.mpp nan; 0.1 to 2 was expected"),
        ({"metadata": {"threshold": "1"}}, "counterstain.threshold 1; 0.01 to 0.99"),
        ({"metadata": {"mean": "1,2"}}, "counterstain.mean 1,2; three numbers"),
        ({"metadata": {"deviation": "1,0,1"}}, "counterstain.deviation 0; 0.001 to 10"),
        ({"metadata": {"window_px": "4096"}}, "window_px 4096; 64 to 1024"),
        ({"metadata": {"window_px": "130"}}, "multiples of 4"),
        ({"metadata": {"margin_px": "256"}}, "margin_px 256; 1 to 255"),
        ({"opset": 999}, "cannot be used to find nuclei"),
    ],
)
def test_a_model_in_another_form_is_refused_in_one_line(tmp_path, options, why):
    path = write_model(tmp_path / "odd.onnx", **{"planes": 1, **options})
    with pytest.raises(UnusableModel, match=why) as refusal:
        NucleusModel(path)
    assert str(refusal.value).startswith("odd.onnx cannot be used to find nuclei: ")
    assert "\n" not in str(refusal.value)


def test_without_the_runtime_a_model_is_refused_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UnusableModel, match=r"onnxruntime is not installed.*Install requirements\.txt"):
        NucleusModel(write_model(tmp_path / "dark.onnx"))


def test_the_command_counts_with_a_model_and_refuses_a_bad_one_without_a_trace(tmp_path, capsys):
    Image.fromarray(two_blue_one_brown()).save(tmp_path / "field.png")
    model = write_model(tmp_path / "dark.onnx")
    count = ["cells", str(tmp_path / "field.png"), "--mpp", "0.5", "--model"]
    assert main([*count, str(model)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (len(found["cells"]), found["parameters"]["model"]["name"]) == (3, "dark.onnx")
    (tmp_path / "bad.onnx").write_bytes(model.read_bytes()[:100])
    assert main([*count, str(tmp_path / "bad.onnx"), "--json", str(tmp_path / "out.json")]) == 2
    out, message = capsys.readouterr()
    assert out == "" and message.startswith("error: bad.onnx") and message.count("\n") == 1
    assert not (tmp_path / "out.json").exists()

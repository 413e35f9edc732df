"""Pictures and numbers that cannot be counted with: one line for the one who can act, and nothing is written."""

import json

import numpy as np
import pytest
from PIL import Image

from viewer.imaging.__main__ import main

WHITE = np.full((300, 300, 3), 250, np.uint8)


@pytest.fixture
def field(tmp_path):
    Image.fromarray(WHITE).save(tmp_path / "field.png")
    return tmp_path / "field.png"


def refused(tmp_path, capsys, image, *more):
    before = sorted(tmp_path.iterdir())
    arguments = ["cells", str(image), "--mpp", "0.5", "--json", str(tmp_path / "out.json"), *map(str, more)]
    assert main(arguments) == 2
    out, message = capsys.readouterr()
    assert out == "" and message.startswith("error: ") and message.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
    return message


@pytest.mark.parametrize(
    ("mode", "name"),
    [("L", "grey.png"), ("I;16", "deep.png"), ("P", "indexed.png"), ("1", "bits.png"), ("LA", "la.png")],
)
def test_a_png_that_is_no_8_bit_rgb_is_refused(tmp_path, capsys, mode, name):
    values = np.full((300, 300), 40_000, np.uint16) if mode == "I;16" else WHITE[..., 0]
    picture = Image.fromarray(values) if mode == "I;16" else Image.fromarray(values).convert(mode)
    picture.save(tmp_path / name)
    assert "8-bit RGB was expected" in refused(tmp_path, capsys, tmp_path / name)


def test_a_cmyk_jpeg_is_refused(tmp_path, capsys):
    Image.fromarray(WHITE).convert("CMYK").save(tmp_path / "print.jpg")
    assert "mode CMYK; 8-bit RGB was expected" in refused(tmp_path, capsys, tmp_path / "print.jpg")


def test_a_transparent_picture_is_counted_on_white(tmp_path, capsys):
    clear = np.zeros((300, 300, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    assert main(["cells", str(tmp_path / "clear.png"), "--mpp", "0.5"]) == 0
    assert json.loads(capsys.readouterr().out)["ratio"] is None


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (63, 63)])
def test_a_tiny_picture_of_glass_has_no_cells_and_no_ratio(tmp_path, capsys, size):
    Image.new("RGB", size, (240, 238, 241)).save(tmp_path / "tiny.png")
    assert main(["cells", str(tmp_path / "tiny.png"), "--mpp", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["positive"], found["negative"], found["ratio"], found["interval"]) == (0, 0, None, None)
    assert (found["extent"], found["stain"]) == ("slide", None)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, capsys, content):
    (tmp_path / "bad.png").write_bytes(content)
    refused(tmp_path, capsys, tmp_path / "bad.png")


def test_a_picture_that_is_cut_off_is_refused(tmp_path, capsys, field):
    noise = np.random.default_rng(0).integers(0, 256, WHITE.shape, np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    (tmp_path / "part.png").write_bytes((tmp_path / "noise.png").read_bytes()[:20_000])
    assert "cut off or damaged" in refused(tmp_path, capsys, tmp_path / "part.png")


@pytest.mark.parametrize("region", [(0, 0, -5, 10), (0, 0, 0, 0), (-1, 0, 10, 10), (299, 0, 2, 1), (10**12, 0, 5, 5)])
def test_a_region_off_the_picture_is_refused(tmp_path, capsys, field, region):
    assert "does not lie on the slide of 300 × 300" in refused(tmp_path, capsys, field, "--region", *region)


@pytest.mark.parametrize("flag", ["--threshold", "--dab-threshold"])
@pytest.mark.parametrize("value", ["0", "-0.1", "10", "nan", "inf", "high"])
def test_a_threshold_out_of_range_is_a_usage_error(tmp_path, capsys, field, flag, value):
    with pytest.raises(SystemExit) as end:
        main(["cells", str(field), "--mpp", "0.5", flag, value, "--json", str(tmp_path / "out.json")])
    assert end.value.code == 2
    assert flag in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


def test_a_region_of_glass_alone_has_no_ratio_and_is_named(capsys, field):
    assert main(["cells", str(field), "--mpp", "0.5", "--region", "10", "10", "50", "50"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ratio"], found["extent"], found["region"]) == (None, "region", [10, 10, 50, 50])


def test_a_warning_goes_to_stderr_and_into_the_result(tmp_path, capsys, he):
    Image.fromarray(he).save(tmp_path / "he.png")
    assert main(["cells", str(tmp_path / "he.png"), "--mpp", "0.5"]) == 0
    out, message = capsys.readouterr()
    found = json.loads(out)
    assert found["stain"]["looks_like_he"] is True
    assert found["warnings"][0].startswith("This looks like H&E: ")
    assert message.startswith("warning: This looks like H&E: ")

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.viewer.imaging.pictures import pink, refusal, write_pyramid, write_tiff
from viewer.imaging.errors import SlideTooLarge, UnreadableSlide, UnsupportedSlide
from viewer.imaging.slides import open_slide, verify


def test_a_text_file_renamed_svs_is_refused(tmp_path):
    path = tmp_path / "slide.svs"
    path.write_text("Dear colleague, the slide is attached.")
    kind, message = refusal(path)
    assert kind is UnreadableSlide and "whatever its name says" in message


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "slide.svs").touch()
    assert refusal(tmp_path / "slide.svs") == (UnreadableSlide, "The file is empty. Copy it again.")


def test_a_missing_file_is_refused_by_name_without_its_folder(tmp_path):
    assert refusal(tmp_path / "slide.svs") == (UnreadableSlide, "There is no file slide.svs. Check the path.")


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_pyramid_is_refused(ki67_slide, tmp_path, kept):
    whole = ki67_slide.read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: int(len(whole) * kept)])
    assert refusal(tmp_path / "cut.tif")[0] is UnreadableSlide


@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_a_tiff_whose_pixels_are_cut_off_is_refused(tmp_path, tile):
    path = write_tiff(tmp_path / "a.tif", pink(600, 600), tile=tile)
    path.write_bytes(path.read_bytes()[:-5000])
    kind, message = refusal(path)
    assert kind is UnreadableSlide and "cut off" in message


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    path = tmp_path / f"field.{suffix}"
    Image.fromarray(pink(600, 600)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refusal(path)[0] is UnreadableSlide


@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (pink(300, 300).astype(np.uint16), {}),
        (pink(300, 300)[..., 0], {"photometric": "minisblack"}),
        (np.stack([pink(300, 300)[..., 0]] * 4), {"photometric": "minisblack", "planarconfig": "separate"}),
        (pink(300, 300)[..., 0].astype(np.float32), {"photometric": "minisblack"}),
        (np.dstack([pink(300, 300)] * 2)[..., :4], {"photometric": "separated"}),
    ],
    ids=["16 bit", "grey", "channels", "float", "cmyk"],
)
@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_a_tiff_that_is_not_8_bit_rgb_is_refused(tmp_path, pixels, options, tile):
    kind, message = refusal(write_tiff(tmp_path / "a.tif", pixels, tile=tile, **options))
    assert kind is UnsupportedSlide
    assert "8-bit RGB" in message and "import the H&E or IHC scan" in message


def test_a_stack_of_planes_is_refused(tmp_path):
    kind, message = refusal(write_tiff(tmp_path / "a.tif", np.stack([pink(300, 300)] * 3)))
    assert kind is UnsupportedSlide and "3 planes" in message


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16"])
def test_a_picture_that_is_not_rgb_is_refused(tmp_path, mode):
    path = tmp_path / ("field.jpg" if mode == "CMYK" else "field.png")
    source = Image.fromarray(pink(300, 300)).convert("L" if mode == "I;16" else mode)
    source.convert(mode).save(path)
    kind, message = refusal(path)
    assert kind is UnsupportedSlide and f"mode {mode}" in message


def test_fluorescence_is_refused(tmp_path):
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[100:160, 100:160] = [20, 40, 250]
    kind, message = refusal(write_pyramid(tmp_path / "slide.tif", picture))
    assert kind is UnsupportedSlide and "fluorescence" in message


def test_a_slide_smaller_than_one_instance_is_refused(tmp_path):
    kind, message = refusal(write_pyramid(tmp_path / "slide.tif", pink(223, 900)))
    assert kind is UnsupportedSlide
    assert "900 × 223" in message and "224 × 224" in message


def png_declaring(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (2_000_000_000, 2_000_000_000)])
def test_a_png_that_declares_absurd_dimensions_is_refused_unread(tmp_path, width, height):
    (tmp_path / "bomb.png").write_bytes(png_declaring(width, height))
    kind, message = refusal(tmp_path / "bomb.png")
    assert kind is SlideTooLarge and "100,000,000" in message


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({256: 4_000_000_000, 257: 4_000_000_000, 322: 256, 323: 256}, SlideTooLarge),
        ({256: 60_000, 257: 60_000, 322: 60_000, 323: 60_000}, SlideTooLarge),
        ({256: 20_000, 257: 20_000, 278: 20_000}, SlideTooLarge),
        ({256: 0, 257: 100, 278: 100}, UnreadableSlide),
    ],
    ids=["slide", "tile", "strip", "none"],
)
def test_a_tiff_that_declares_absurd_dimensions_is_refused_unread(tmp_path, tags, kind):
    entries = {258: 8, 259: 1, 262: 2, 277: 3, **tags}
    entries |= {324: 300, 325: 100} if 322 in tags else {273: 300, 279: 100}
    directory = struct.pack("<H", len(entries))
    for code, value in sorted(entries.items()):
        directory += struct.pack("<HHII", code, 4, 1, value)
    (tmp_path / "bomb.tif").write_bytes((b"II*\0\x08\0\0\0" + directory + b"\0\0\0\0").ljust(400, b"\0"))
    assert refusal(tmp_path / "bomb.tif")[0] is kind


@pytest.mark.parametrize("head", [b"II*\0", b"MM\0+", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_a_good_first_few_bytes_before_rubbish_are_refused(tmp_path, head):
    rubbish = np.random.default_rng(3).integers(0, 256, 5000, np.uint8).tobytes()
    (tmp_path / "slide.svs").write_bytes(head + rubbish)
    assert refusal(tmp_path / "slide.svs")[0] in (UnreadableSlide, SlideTooLarge)


def test_the_damage_of_any_single_byte_of_the_header_is_an_error_we_know(tmp_path):
    path = write_tiff(tmp_path / "a.tif", pink(300, 300), tile=(64, 64), compression="jpeg")
    whole = path.read_bytes()
    directory_at = int.from_bytes(whole[4:8], "little")
    for at in [*range(8), *range(directory_at, directory_at + 120, 3)]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            with open_slide(path) as reader:
                verify(reader)
        except (UnreadableSlide, UnsupportedSlide, SlideTooLarge):
            pass

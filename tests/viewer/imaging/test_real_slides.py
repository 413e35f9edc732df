"""What only real slides show. The fields' truth was made by eye by one reader who is no pathologist."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from tests.viewer.imaging.pictures import f1, reader_of
from viewer.imaging.cells import count_slide
from viewer.imaging.registration import register
from viewer.imaging.slides import content_sha256, open_slide, slide_files, verify
from viewer.imaging.tiles import served_levels, tile_pixels

pytestmark = pytest.mark.data

FIELDS = ("22_2", "799_2", "Bladder1", "Lung1")


@pytest.mark.parametrize(
    ("name", "format", "width", "height", "mpp", "tile"),
    [
        ("wsi/CMU-1-Small-Region.svs", "aperio", 2220, 2967, 0.499, 240),
        ("wsi/CMU-1-Small-Region_dicom", "dicom", 2220, 2967, 0.499, 500),
        ("wsi/tcga-cr-7395-01a-01-ts1.svs", "aperio", 4443, 3567, None, 256),
        ("wsi/BS25_HE_crop.tif", "generic-tiff", 15_680, 15_680, None, 256),
        ("wsi/BS25_SYN_crop.tif", "generic-tiff", 11_200, 15_200, None, 256),
        ("ki67/openslide_OS2/OS-2-ndpi.ome.tif", "ome-tiff", 2202, 2202, 0.2271, 256),
        ("ki67/openslide_OS2/OS-1-detail.ome.tif", "ome-tiff", 1101, 1101, 0.2271, 256),
    ],
)
def test_real_slides_open_with_their_size_tiles_and_mpp(data_folder, name, format, width, height, mpp, tile):
    with open_slide(data_folder / name) as reader:
        verify(reader)
        assert (reader.format, reader.width_l0, reader.height_l0) == (format, width, height)
        assert reader.mpp == (mpp and pytest.approx(mpp, rel=1e-4))
        assert reader.levels[0].tile_width == tile


def test_the_tiles_of_the_aperio_slide_and_its_dicom_twin_show_the_same(data_folder):
    with (
        open_slide(data_folder / "wsi/CMU-1-Small-Region.svs") as aperio,
        open_slide(data_folder / "wsi/CMU-1-Small-Region_dicom") as dicom,
    ):
        assert [level.downsample for level in served_levels(aperio)] == [1, 2, 4, 8, 16]
        first = served_levels(aperio)[0]
        tile = tile_pixels(aperio, first, 4, 5)
        np.testing.assert_array_equal(tile, aperio.read_region(960, 1200, 0, 240, 240))
        # The twin was encoded again, declares RGB and holds YCbCr, which OpenSlide shows in salmon and teal.
        assert np.abs(tile.astype(int) - dicom.read_region(960, 1200, 0, 240, 240)).mean() < 10
        means = [reader.read_region(0, 0, 0, 2220, 2967).mean(axis=(0, 1)) for reader in (aperio, dicom)]
        assert np.abs(means[0] - means[1]).max() < 2


def test_a_dicom_slide_is_the_same_by_its_folder_or_any_of_its_files(data_folder):
    folder = data_folder / "wsi/CMU-1-Small-Region_dicom"
    single = folder / "level-2-frames-0-4.dcm"
    assert slide_files(folder) == slide_files(single) == sorted(folder.iterdir())
    assert content_sha256(folder) == content_sha256(single)
    with open_slide(single) as reader:
        assert (reader.width_l0, reader.height_l0) == (2220, 2967)


def field(data_folder, name):
    path = data_folder / "ki67/deepliif/test_cli" / f"{name}.png"
    path = path if path.exists() else data_folder / "ki67/deepliif/train" / f"{name}.png"
    truth = json.loads((data_folder / "ki67/adjudicated" / f"{name}.json").read_text())
    # The training strips begin with the IHC picture.
    return np.ascontiguousarray(np.asarray(Image.open(path).convert("RGB"))[:, :512]), truth


def places(rows):
    return tuple(np.array([row[axis] for row in rows]) for axis in ("x_um", "y_um"))


def test_nuclei_of_the_adjudicated_fields_are_found(data_folder):
    scores, errors = [], []
    for name in FIELDS:
        picture, truth = field(data_folder, name)
        count = count_slide(reader_of(picture), 0.25)
        scores.append(f1(count, places(truth["nuclei"]), 128, places(truth["ignore"])))
        errors.append(abs(count.ratio - np.mean([nucleus["positive"] for nucleus in truth["nuclei"]])))
    assert np.mean(scores) >= 0.90
    assert min(scores) >= 0.85
    assert np.mean(errors) <= 0.03


def test_the_ratio_of_the_os_2_field_lies_where_qupath_s_settings_put_it(data_folder):
    with open_slide(data_folder / "ki67/openslide_OS2/OS-2-ndpi.ome.tif") as reader:
        count = count_slide(reader, reader.mpp)
    assert 0.119 <= count.ratio <= 0.205
    assert 1000 <= count.total <= 1500


def test_real_consecutive_sections_are_aligned_as_well_as_any_affine_map_can(data_folder):
    folder = data_folder / "pairs/CIMA_lung-lesion_3"

    def landmarks(name):
        path = next((folder / "landmarks_50pc/user-PS_scale-50pc").glob(f"*{name}.csv"))
        return np.array([[float(value) for value in row[1:]] for row in list(csv.reader(path.open()))[1:]]) / 10

    he, ki67 = landmarks("-He-les3"), landmarks("Ki67-7-les3")
    count = min(len(he), len(ki67))
    he, ki67 = he[:count], ki67[:count]
    with (
        open_slide(next((folder / "scale-5pc").glob("*-He-les3.jpg"))) as fixed,
        open_slide(next((folder / "scale-5pc").glob("*Ki67-7-les3.jpg"))) as moving,
    ):
        found = register(fixed, moving, 5.0, 5.0)
        diagonal = np.hypot(fixed.width_l0, fixed.height_l0)
    x, y = found.apply(he[:, 0], he[:, 1])
    before = np.median(np.hypot(*(he - ki67).T))
    after = np.median(np.hypot(x - ki67[:, 0], y - ki67[:, 1]))
    assert after < 0.35 * before
    assert after < 0.01 * diagonal

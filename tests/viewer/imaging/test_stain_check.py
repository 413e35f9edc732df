from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.viewer.imaging.pictures import reader_of
from viewer.imaging.phantom import TissueBlock
from viewer.imaging.slides import open_slide
from viewer.imaging.stain_check import look_at_stain

BLOCKS: dict[str, dict[str, Any]] = {
    "as drawn": {},
    "pale": {"counterstain": 0.20, "dab_strength": 0.45},
    "strong": {"counterstain": 0.60, "dab_strength": 1.5},
    "without tumour": {"tumor_extent": 0.0},
    "pale, without tumour": {"tumor_extent": 0.0, "counterstain": 0.20},
}
# As another scanner would see it: light per channel, and strength of all stain.
SCANNERS = {
    "own": (1.0, 1.0, 1.0, 1.0),
    "warm and weak": (1.0, 0.95, 0.88, 0.6),
    "cool and strong": (0.9, 0.95, 1, 1.5),
}


def scanned(picture, scanner):
    *light, strength = SCANNERS[scanner]
    return np.round(255 * (picture / 255) ** strength * light).astype(np.uint8)


@pytest.mark.parametrize("scanner", SCANNERS)
@pytest.mark.parametrize("block", BLOCKS)
def test_drawn_he_is_told_from_drawn_ki67(block, scanner):
    tissue = TissueBlock(672, 0.5, seed=5, **BLOCKS[block])
    he = look_at_stain(reader_of(scanned(tissue.render("HE", "HE"), scanner)), 0.5)
    ki67 = look_at_stain(reader_of(scanned(tissue.render("KI67", "HDAB"), scanner)), 0.5)
    assert he.looks_like_he and len(he.warnings) == 1
    # The palest has too little stain to say anything.
    assert ki67 is None or (not ki67.looks_like_he and ki67.warnings == ())


def test_the_warning_says_why(he):
    (warning,) = look_at_stain(reader_of(he), 0.5).warnings
    assert warning.startswith("This looks like H&E: ") and "pink as eosin is, 0% brown" in warning


def test_glass_alone_looks_like_nothing():
    assert look_at_stain(reader_of(np.full((600, 600, 3), 246, np.uint8)), 0.5) is None


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "mpp", "is_he"),
    [
        ("wsi/BS25_HE_crop.tif", 0.5, True),
        ("wsi/ICE1-WDNET-duodenum_HE_crop.tif", 0.5, True),
        ("wsi/CMU-1-Small-Region.svs", 0.5, True),
        ("wsi/tcga-cr-7395-01a-01-ts1.svs", 0.5, True),
        ("ki67/openslide_OS2/OS-1-detail.ome.tif", 0.2271, True),
        ("pairs/CIMA_lung-lesion_3/scale-5pc/29-041-Izd2-w35-He-les3.jpg", 3.5, True),
        ("wsi/BS25_SYN_crop.tif", 0.5, False),
        ("ki67/openslide_OS2/OS-2-ndpi.ome.tif", 0.2271, False),
        ("pairs/ihc.png", 0.5, False),
        ("pairs/CIMA_lung-lesion_3/scale-5pc/29-041-Izd2-w35-Ki67-7-les3.jpg", 3.5, False),
        ("ki67/deepliif/test_cli/22_2.png", 0.25, False),
        ("ki67/deepliif/test_cli/799_2.png", 0.25, False),
    ],
)
def test_real_slides_of_both_stains_are_told_apart(data_folder, file, mpp, is_he):
    with open_slide(data_folder / file) as reader:
        assert look_at_stain(reader, mpp).looks_like_he is is_he


@pytest.mark.data
@pytest.mark.parametrize("name", ["Bladder1", "Lung1"])
def test_real_ki67_fields_raise_no_alarm(data_folder, name):
    with Image.open(data_folder / f"ki67/deepliif/train/{name}.png") as image:
        picture = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:512, :512])
    assert not look_at_stain(reader_of(picture), 0.25).looks_like_he

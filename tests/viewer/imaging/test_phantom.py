import json

import numpy as np
import openslide
import pytest
import tifffile

from viewer.imaging.phantom import TissueBlock, write_section
from viewer.imaging.phantom_nuclei import Kind
from viewer.imaging.slides import open_slide, verify
from viewer.imaging.tiff_checks import pages_of


@pytest.mark.parametrize(("cut", "stain"), [("HE", "HE"), ("KI67", "HDAB"), ("HE", "HDAB")])
def test_a_window_drawn_alone_equals_the_whole_bit_for_bit(block, cut, stain):
    whole = block.render(cut, stain)
    rng = np.random.default_rng(5)
    for _ in range(4):
        height, width = rng.integers(1, 400, 2)
        y, x = rng.integers(0, 1120 - height), rng.integers(0, 1120 - width)
        window = block.render(cut, stain, int(y), int(x), int(height), int(width))
        np.testing.assert_array_equal(window, whole[y : y + height, x : x + width])


def test_the_same_seed_draws_the_same_block_and_another_seed_another():
    first, again, other = (TissueBlock(256, 0.5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.render(), again.render())
    assert (first.render() != other.render()).any()


def test_the_sections_share_some_nuclei_and_not_others(block):
    he, ki67 = block.truth("HE"), block.truth("KI67")
    shared = np.intersect1d(he.id, ki67.id)
    assert 0.25 < len(shared) / len(he.id) < 0.5
    status = dict(zip(he.id.tolist(), he.is_positive.tolist(), strict=True))
    same = [status[id] == positive for id, positive in zip(ki67.id, ki67.is_positive, strict=True) if id in status]
    assert all(same)


def test_the_ratio_is_that_of_the_listed_nuclei(block):
    truth = block.truth("KI67")
    assert truth.ratio == truth.is_positive.sum() / len(truth.id)
    assert truth.tumor_ratio == (truth.is_positive & truth.is_tumor).sum() / truth.is_tumor.sum()
    assert ((truth.dab > 0) == truth.is_positive).all()
    assert (truth.kind[truth.is_tumor] == Kind.TUMOR).all()


def test_nuclei_are_dark_where_the_truth_says(block, he):
    truth = block.truth("HE")
    inside = ((truth.x > 5) & (truth.x < 1114) & (truth.y > 5) & (truth.y < 1114)).nonzero()[0]
    red = he[np.round(truth.y[inside]).astype(int), np.round(truth.x[inside]).astype(int), 0]
    assert np.median(red) < 90
    assert np.median(he[..., 0]) > 150


def test_only_positive_nuclei_are_brown(block, ki67):
    truth = block.truth("KI67")
    rows, columns = np.round(truth.y).astype(int), np.round(truth.x).astype(int)
    blue_minus_red = ki67[rows, columns, 2].astype(int) - ki67[rows, columns, 0]
    large = truth.radius_px > 6
    assert np.median(blue_minus_red[truth.is_positive & large]) < -30
    assert np.median(blue_minus_red[~truth.is_positive & large]) > 10


def test_glass_is_white():
    picture = TissueBlock(2240, 0.5, 1).render("HE", "HE", 0, 0, 40, 40)
    assert picture.min() > 225


def test_tumor_nuclei_are_counted_per_tile(block):
    truth, counts = block.truth("HE"), block.tumor_nuclei("HE", 224)
    assert counts.shape == (5, 5)
    assert counts.sum() == truth.is_tumor.sum()
    inside = (truth.x >= 224) & (truth.x < 448) & (truth.y >= 448) & (truth.y < 672)
    assert counts[2, 1] == (truth.is_tumor & inside).sum()


def test_only_whole_tiles_are_counted(block):
    assert block.tumor_nuclei("HE", 500).shape == (2, 2)


def test_a_third_of_the_large_patches_is_tumor_free_in_both_sections_and_a_third_is_not():
    block = TissueBlock(6720, 0.5, seed=101)
    he, ki67 = block.tumor_nuclei("HE", 2240), block.tumor_nuclei("KI67", 2240)
    assert ((he == 0) & (ki67 == 0)).sum() >= 3
    assert ((he > 0) & (ki67 > 0)).sum() >= 3


def test_a_block_may_hold_no_tumor():
    block = TissueBlock(560, 0.5, 1, tumor_extent=0)
    truth = block.truth("KI67")
    assert len(truth.id) > 100
    assert not truth.is_tumor.any()
    assert truth.tumor_ratio is None


def test_without_morphology_positive_nuclei_look_like_others():
    def mean_radius(morph):
        nuclei = TissueBlock(1120, 0.5, 4, tumor_extent=1, morph=morph).nuclei
        tumor = nuclei.kind == Kind.TUMOR
        return [nuclei.radius[tumor & (nuclei.is_positive == positive)].mean() for positive in (True, False)]

    hidden, shown = mean_radius(0.0), mean_radius(1.0)
    assert abs(hidden[0] - hidden[1]) < 0.1
    assert shown[0] - shown[1] > 1.0


def test_nuclei_keep_their_size_in_micrometres():
    fine, coarse = (TissueBlock(size, mpp, 4, tumor_extent=1) for size, mpp in ((1120, 0.25), (560, 0.5)))
    radii = [np.median(block.nuclei.radius) * block.mpp for block in (fine, coarse)]
    assert radii[0] == pytest.approx(radii[1], rel=0.05)


def test_a_pale_slide_has_weaker_stains(block, ki67):
    pale = TissueBlock(1120, 0.5, 3, tumor_extent=1, counterstain=0.2, dab_strength=0.45).render("KI67", "HDAB")
    assert pale.mean() > ki67.mean() + 1
    assert np.percentile(pale[..., 2], 1) > np.percentile(ki67[..., 2], 1) + 30


def test_points_move_to_the_other_section_as_the_nuclei_do(block):
    truth = {cut: block.truth(cut) for cut in ("HE", "KI67")}
    shared, he, ki67 = np.intersect1d(truth["HE"].id, truth["KI67"].id, return_indices=True)
    assert len(shared) > 100
    points = np.column_stack([truth["HE"].x, truth["HE"].y])[he]
    moved = block.to_section(points, "KI67")
    np.testing.assert_allclose(moved[:, 0], truth["KI67"].x[ki67], atol=1e-6)
    back_x, back_y = block.to_block(
        moved[:, :1].astype(np.float32).reshape(1, -1), moved[:, 1:].astype(np.float32).reshape(1, -1)
    )
    assert np.hypot(back_x[0] - points[:, 0], back_y[0] - points[:, 1]).max() < 0.05


@pytest.mark.parametrize(("size", "mpp"), [(10, 0.5), (1_000_000, 0.5), (1120, 5.0)])
def test_a_block_of_absurd_size_is_refused(size, mpp):
    with pytest.raises(ValueError, match="size_px must be"):
        TissueBlock(size, mpp)


def test_a_written_section_is_a_slide_that_says_it_is_drawn(ki67_slide):
    with tifffile.TiffFile(ki67_slide) as tiff:
        assert pages_of(tiff)[0].description == "DRAWN TISSUE, no patient: phantom seed 3, section KI67, stain HDAB"
    with openslide.OpenSlide(ki67_slide) as slide:
        assert float(slide.properties["openslide.mpp-x"]) == 0.5
    with open_slide(ki67_slide) as reader:
        verify(reader)


def test_writing_reports_progress_up_to_1(tmp_path):
    shares: list[float] = []
    write_section(TissueBlock(1120, 0.5, 1), "HE", "HE", tmp_path / "he.tif", shares.append)
    assert shares == [1024 / 1120, 1.0]


def test_the_truth_has_a_json_form(block):
    truth = block.truth("HE")
    stored = json.loads(json.dumps(truth.as_dict()))
    assert stored["ratio"] == truth.ratio
    assert len(stored["nuclei"]) == len(truth.id)
    assert set(stored["nuclei"][0]) == {"id", "x", "y", "tumor", "positive"}

import pytest

from training.learning.config import CycleGanConfig, MilConfig
from training.learning.errors import ConfigError
from training.learning.study.profiles import PROFILES, profile


@pytest.mark.parametrize("name", PROFILES)
def test_ten_cases_seven_to_train_on_with_validation_among_them_and_three_held_out(name: str) -> None:
    splits = [spec.split for spec in profile(name).case_specs()]
    assert splits == ["train"] * 5 + ["validation"] * 2 + ["test"] * 3


@pytest.mark.parametrize("name", PROFILES)
def test_a_case_of_each_split_has_few_positive_cells(name: str) -> None:
    low = [spec for spec in profile(name).case_specs() if spec.low_positive]
    assert [spec.split for spec in low] == ["train", "validation", "test"]
    assert all(spec.ki67_high == 0.15 for spec in low)


def test_cases_differ_in_stain_scanner_and_focus_and_are_the_same_each_time() -> None:
    specs = profile("cpu").case_specs()
    assert specs == profile("cpu").case_specs()
    assert len({(spec.counterstain, spec.dab_strength) for spec in specs}) == 10
    assert len({spec.density_gain["HE"] for spec in specs}) == 10
    assert {spec.blur_px["HE"] for spec in specs} == {0.0, 0.4, 0.7}


def test_a_patch_divides_into_instances_and_a_slide_into_patches_and_regions() -> None:
    for each in PROFILES.values():
        assert each.patch_px % each.instance_px == each.size_px % each.patch_px == each.size_px % each.region_px == 0


def test_the_profile_paper_takes_the_papers_keys_but_for_the_number_of_patches() -> None:
    paper = profile("paper")
    assert paper.mil_config(0) == MilConfig()
    assert paper.cyclegan_config(0) == CycleGanConfig(patches_per_slide=4874)
    assert 7 * 4874 == 34_118  # Table 1: 34,121
    assert (paper.patch_px, paper.instance_px) == (2240, 224)


def test_the_ablation_differs_in_the_class_channel_alone() -> None:
    one, other = (profile("cpu").cyclegan_config(1, seed=3, class_channel=each) for each in (True, False))
    assert one.to_dict() | {"class_channel": False} == other.to_dict()


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ConfigError, match="no profile 'gpu'; expected one of tiny, cpu, paper"):
        profile("gpu")

import threading

import pytest

from tests.factories import make_slide
from tests.viewer.drawing import draw_png, draw_slide
from viewer import readers, storage
from viewer.imaging.errors import RegionOutsideSlide, UnreadableSlide
from viewer.readers import open_reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def slides(tmp_path):
    """Five slides that lie in storage."""
    made = []
    for number in range(5):
        slide = make_slide(key=f"slides/00/{number}.tif")
        storage.save_file(draw_slide(tmp_path / f"{number}.tif", seed=number), slide.key)
        made.append(slide)
    return made


def test_a_reader_is_opened_once(slides):
    with open_reader(slides[0]) as first:
        pass
    with open_reader(slides[0]) as second:
        assert second is first


def test_two_threads_share_one_reader(slides):
    seen = []

    def read():
        with open_reader(slides[0]) as reader:
            reader.thumbnail(64)
            seen.append(reader)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 6
    assert len(set(map(id, seen))) == 1


def test_no_more_than_the_limit_stay_open(slides, monkeypatch):
    monkeypatch.setattr(readers, "MAX_OPEN", 2)
    opened = []
    for slide in slides:
        with open_reader(slide) as reader:
            opened.append(reader)
    assert list(readers._open) == [slides[3].key, slides[4].key]
    with pytest.raises(UnreadableSlide, match="closed"):
        opened[0].thumbnail(64)


def test_a_reader_in_use_is_not_closed_by_others(slides, monkeypatch):
    monkeypatch.setattr(readers, "MAX_OPEN", 1)
    with open_reader(slides[0]) as first:
        for slide in slides[1:]:
            with open_reader(slide):
                pass
        assert first.thumbnail(64).shape == (46, 64, 3)


def test_a_reader_that_failed_is_replaced(slides):
    with pytest.raises(UnreadableSlide), open_reader(slides[0]) as first:
        raise UnreadableSlide("a damaged tile")
    with open_reader(slides[0]) as second:
        assert second is not first
        second.thumbnail(64)


def test_a_wrong_question_costs_no_reader(slides):
    with pytest.raises(RegionOutsideSlide), open_reader(slides[0]) as first:
        first.read_region(0, 0, 99, 10, 10)
    with open_reader(slides[0]) as second:
        assert second is first


def test_a_failed_reader_closes_only_when_the_last_user_is_done(slides):
    with open_reader(slides[0]) as healthy:
        with pytest.raises(UnreadableSlide), open_reader(slides[0]):
            raise UnreadableSlide("a damaged tile")
        healthy.thumbnail(64)
    with pytest.raises(UnreadableSlide, match="closed"):
        healthy.thumbnail(64)


def test_a_slide_that_cannot_be_opened_is_tried_again(slides, tmp_path):
    missing = make_slide(key="slides/00/late.tif")
    with pytest.raises(UnreadableSlide), open_reader(missing):
        pass
    storage.save_file(draw_slide(tmp_path / "late.tif"), missing.key)
    with open_reader(missing) as reader:
        assert reader.width_l0 == 700


def test_few_plain_pictures_stay_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MAX_PLAIN", 1)
    for number in range(3):
        slide = make_slide(key=f"slides/00/{number}.png")
        storage.save_file(draw_png(tmp_path / f"{number}.png"), slide.key)
        with open_reader(slide):
            pass
    assert list(readers._open) == ["slides/00/2.png"]

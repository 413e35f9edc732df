import os
import time

import pytest

from viewer import tile_cache

TILE = b"\xff\xd8" + bytes(996) + b"\xff\xd9"


@pytest.fixture
def kept(settings):
    """Return a function that keeps a tile, used so many hours ago."""
    settings.TILE_CACHE_BYTES = 10**9

    def keep(name, hours_ago):
        path = tile_cache.kept_path(1, "ab" * 6, name)
        tile_cache.keep(path, TILE)
        used_at = time.time() - hours_ago * 3600
        os.utime(path, (used_at, used_at))
        return path

    return keep


def test_a_tile_is_kept_by_slide_and_version(settings):
    path = tile_cache.kept_path(7, "0123456789ab", "3/12_5")
    assert path == settings.LAYOUT.tiles / "7-0123456789ab/3/12_5.jpg"
    assert tile_cache.read(path) is None
    tile_cache.keep(path, TILE)
    assert tile_cache.read(path) == TILE


def test_what_was_used_least_recently_goes_when_the_limit_is_passed(kept, settings):
    old, used, new = kept("0/0_0", 5), kept("0/1_0", 4), kept("0/2_0", 0)
    assert tile_cache.read(used) == TILE
    settings.TILE_CACHE_BYTES = 2600
    assert tile_cache.sweep() == 1
    assert [path.exists() for path in (old, used, new)] == [False, True, True]
    assert tile_cache.sweep() == 0


def test_writing_starts_a_sweep(kept, settings, monkeypatch):
    swept = []
    monkeypatch.setattr(tile_cache, "sweep", lambda: swept.append(True))
    monkeypatch.setattr(tile_cache, "_written_bytes", 0)
    settings.TILE_CACHE_BYTES = 100_000
    paths = [tile_cache.kept_path(1, "ab" * 6, f"0/{number}_0") for number in range(3)]
    for path in paths:
        tile_cache.keep(path, TILE)
    for _ in range(100):
        if swept:
            break
        time.sleep(0.01)
    assert swept == [True]


def test_a_torn_tile_is_none(kept):
    path = kept("0/0_0", 0)
    path.write_bytes(TILE[:500])
    assert tile_cache.read(path) is None
    path.write_bytes(b"")
    assert tile_cache.read(path) is None


def test_a_disk_that_refuses_is_logged_and_leaves_nothing_half(kept, settings, caplog):
    settings.LAYOUT.tiles.mkdir(parents=True)
    (settings.LAYOUT.tiles / f"1-{'ab' * 6}").write_bytes(b"a file where the folder should be")
    path = tile_cache.kept_path(1, "ab" * 6, "0/0_0")
    tile_cache.keep(path, TILE)
    assert tile_cache.read(path) is None
    assert "could not be kept" in caplog.text
    assert str(settings.LAYOUT.tiles) not in caplog.text


def test_no_cache_is_a_choice(settings):
    settings.TILE_CACHE_BYTES = 0
    path = tile_cache.kept_path(1, "ab" * 6, "0/0_0")
    tile_cache.keep(path, TILE)
    assert not path.exists()


def test_what_a_killed_process_left_goes(kept, settings):
    path = kept("0/0_0", 0)
    left = path.with_name(".0123.part")
    left.write_bytes(TILE)
    os.utime(left, (0, 0))
    fresh = path.with_name(".4567.part")
    fresh.write_bytes(TILE)
    tile_cache.sweep()
    assert (left.exists(), fresh.exists(), path.exists()) == (False, True, True)

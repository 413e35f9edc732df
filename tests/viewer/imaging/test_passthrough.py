import os
from array import array

import pytest

from viewer.imaging.errors import UnreadableSlide
from viewer.imaging.passthrough import StoredTiles, TileIndex

BODY = b"\xff\xdb body of a tile \xff\xd9"


def stored(**changes):
    """Two tiles of one row; the second is blank."""
    fields = {
        "file": 0,
        "columns": 2,
        "rows": 1,
        "sound_columns": 2,
        "sound_rows": 1,
        "prefix": b"\xff\xd8 tables",
        "skipped_bytes": 2,
        "is_ended": True,
        "offsets": array("Q", [10, 0]),
        "counts": array("I", [2 + len(BODY), 0]),
    }
    return StoredTiles(**{**fields, **changes})


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and gives what opens it."""
    opened = []

    def made(content):
        (tmp_path / "slide").write_bytes(content)
        opened.append(os.open(tmp_path / "slide", os.O_RDONLY))
        return lambda number: opened[-1]

    yield made
    for descriptor in opened:
        os.close(descriptor)


def test_a_tile_is_its_bytes_with_the_level_s_tables_before_them(write):
    open_file = write(bytes(10) + b"\xff\xd8" + BODY + b"more")
    assert stored().jpeg(open_file, 0, 0) == b"\xff\xd8 tables" + BODY
    assert stored().jpeg(open_file, 1, 0) is None
    assert stored(sound_columns=0).jpeg(open_file, 0, 0) is None


@pytest.mark.parametrize(
    "content",
    [
        bytes(10) + b"\xff\xd8" + BODY[:-5],
        bytes(10) + b"\xff\xd8" + BODY[:-1] + b"x",
        bytes(10) + b"\xff\xd8" + b"\0" + BODY[1:],
        bytes(40),
        b"",
    ],
    ids=["cut off", "no end", "no beginning", "zeros", "empty"],
)
def test_other_bytes_than_a_jpeg_s_are_not_sent(write, content):
    with pytest.raises(UnreadableSlide, match="Tile 0_0 is damaged"):
        stored().jpeg(write(content), 0, 0)


def test_an_index_survives_being_stored():
    index = TileIndex(
        {0: stored(), 3: stored(file=2, prefix=b"", is_ended=False)}, [1234, 5, 2**40], {1: stored(rows=1)}
    )
    assert TileIndex.from_bytes(index.to_bytes()) == index
    assert TileIndex.from_bytes(memoryview(TileIndex({}, []).to_bytes())) == TileIndex({}, [])


def test_what_is_no_index_is_refused():
    with pytest.raises(ValueError, match="refresh_tile_versions"):
        TileIndex.from_bytes(b"something else")

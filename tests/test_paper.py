"""docs/paper.md keeps its word: every file and every test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "paper.md").read_text().replace("`L/", "`training/learning/")


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)\(", path.read_text())
    }
    assert len(named) > 30
    assert named - there == set()


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`((?:training|tests|viewer|review|annotation|config)/[\w./]*)`", PAGE))
    assert len(named) > 20
    assert {name for name in named if not (ROOT / name).exists()} == set()

import pytest

from review.typography import HAN, HANGUL, REGULAR, font_for, is_drawable, markup


@pytest.mark.parametrize(
    ("letter", "font"),
    [
        ("a", REGULAR),
        ("ż", REGULAR),
        ("ж", REGULAR),
        ("µ", REGULAR),
        ("–", REGULAR),
        ("病", HAN),
        ("の", HAN),
        ("한", HANGUL),
    ],
)
def test_each_letter_has_a_font_that_draws_it(letter: str, font: str) -> None:
    assert font_for(letter) == font


def test_runs_of_one_font_stay_together_and_markup_is_escaped() -> None:
    assert markup("病例 <4>\r\nµ") == f'<font name="{HAN}">病例</font> &lt;4&gt;<br/>µ'


def test_a_letter_that_no_font_has_is_shown_as_unknown() -> None:
    assert markup("a\N{EGYPTIAN HIEROGLYPH A001}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_pictures_take_only_letters_of_the_house_s_own_font() -> None:
    assert is_drawable("Fall 4 · Żółć") and not is_drawable("病例 4")

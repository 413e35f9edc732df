"""Letters for reports and pictures: the fonts that the house brings along, and what to do about letters they lack."""

from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).parent / "fonts"
REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
# Fonts that a PDF reader has of its own: they are named in the file, not put into it.
HAN, HANGUL = "STSong-Light", "HYSMyeongJo-Medium"
HAN_RANGES = ((0x2E80, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))
HANGUL_RANGES = ((0x1100, 0x11FF), (0xAC00, 0xD7AF))
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@cache
def register_fonts() -> None:
    """Make the fonts known to the layout library, once per process."""
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(FOLDER / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    for name in (HAN, HANGUL):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def picture_font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FOLDER / f"{REGULAR}.ttf", size_px)


def is_drawable(text: str) -> bool:
    """Say whether the house's own font has every letter of a text."""
    return all(font_for(letter) == REGULAR for letter in text)


def font_for(letter: str) -> str | None:
    """Return the font that draws a letter in a PDF; None if none does."""
    register_fonts()
    code = ord(letter)
    if code in pdfmetrics.getFont(REGULAR).face.charToGlyph:
        return REGULAR
    for font, ranges in ((HAN, HAN_RANGES), (HANGUL, HANGUL_RANGES)):
        if any(first <= code <= last for first, last in ranges):
            return font
    return None


def markup(text: str) -> str:
    """Return a text as the layout library reads it: escaped, line breaks kept, each letter in a font that has it."""
    runs: list[tuple[str, str]] = []
    for letter in text.replace("\r\n", "\n"):
        if letter == "\n":
            runs.append(("\n", REGULAR))
            continue
        font = font_for(letter)
        shown = letter if font else UNKNOWN
        font = font or REGULAR
        if runs and runs[-1][1] == font and runs[-1][0] != "\n":
            runs[-1] = (runs[-1][0] + shown, font)
        else:
            runs.append((shown, font))
    return "".join(_run(shown, font) for shown, font in runs)


def _run(text: str, font: str) -> str:
    if text == "\n":
        return "<br/>"
    return escape(text) if font == REGULAR else f'<font name="{font}">{escape(text)}</font>'

"""One line of a file of labels, whatever the file's format. No database here."""

from dataclasses import dataclass, field

from annotation.models import Label

# What a person would call the classes in another program, beside our own spelling.
OTHER_SPELLINGS = {"tumour": "tumor", "ignore*": "exclude", "excluded": "exclude", "unlabelled": "", "none": ""}
LONGEST_TEXT = 2000


class BadFile(Exception):
    """The file cannot be read. The message says where and why."""


@dataclass(frozen=True)
class LabelRow:
    """What one reader says of one patch. `value` is empty where only remarks are told."""

    slide: int | None
    slide_sha256: str
    column: int | None
    row: int | None
    x_l0: int
    y_l0: int
    size_l0: int
    reader: str
    value: str
    created_at: str = ""
    case: str = ""
    stain: str = ""
    flagged: bool | None = None  # None: the file does not say
    comments: tuple[str, ...] = field(default_factory=tuple)
    where: str = ""  # "line 7", for messages

    @property
    def corner(self) -> tuple[int, int, int]:
        return self.x_l0, self.y_l0, self.size_l0


def known_value(told: str, where: str) -> str:
    """Return our spelling of a class name.

    Raises:
        BadFile: there is no such class.
    """
    value = told.strip().lower()
    value = OTHER_SPELLINGS.get(value, value)
    if value and value not in Label.values:
        raise BadFile(f"{where}: “{told[:60]}” is no label; expected one of {', '.join(Label.values)}.")
    return value


def whole_number(told: object, name: str, where: str) -> int:
    try:
        number = float(str(told))
        if number != int(number) or not 0 <= number < 2**31:
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise BadFile(f"{where}: {name} is “{str(told)[:60]}”; expected a whole number from 0.") from error
    return int(number)


def checked_comments(told: object, where: str) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(text, str) for text in told):
        raise BadFile(f"{where}: comments are not a list of texts.")
    texts = tuple(text.strip() for text in told if text.strip())
    if any(len(text) > LONGEST_TEXT or "\0" in text for text in texts):
        raise BadFile(f"{where}: a comment is longer than {LONGEST_TEXT} characters, or holds a zero byte.")
    return texts


def as_utf8(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"Byte {error.start} is no UTF-8 text. Save the file as UTF-8.") from error

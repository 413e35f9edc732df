"""Name files in storage. A key holds no patient's name: a hash, a random number, and an ending from a list."""

import uuid
from pathlib import Path

from django.utils.translation import gettext as _

from accounts.errors import ApplicationError

# Endings that readers look at. Any other ending is dropped, since anything may stand behind a dot.
KNOWN_SUFFIXES = frozenset(
    [".svs", ".tif", ".tiff", ".ndpi", ".scn", ".bif", ".svslide", ".dcm", ".png", ".jpg", ".jpeg"]
)
MIRAX_SUFFIX = ".mrxs"
NAMED_INSIDE = frozenset({".vms", ".vmu"})


def new_prefix(sha256: str) -> str:
    """Return a fresh place for a slide: `slides/<two digits>/<uuid>`."""
    return f"slides/{sha256[:2]}/{uuid.uuid4()}"


def keys_below(prefix: str, main: Path, files: list[Path]) -> dict[Path, str]:
    """Give each file of a slide its key. The main file comes first.

    A file alone lies at `<prefix><suffix>`; a slide of many files lies below `<prefix>/`, under new names
    where its format allows that.

    Raises:
        ApplicationError: a format whose files name each other, so that none can be renamed.
    """
    suffix = main.suffix.lower()
    if suffix in NAMED_INSIDE:
        raise ApplicationError(
            _(
                "A Hamamatsu %(suffix)s slide names its files inside, so it cannot be stored without the names it came "
                "with. Export it as NDPI or pyramidal TIFF and import that."
            )
            % {"suffix": suffix}
        )
    if suffix == MIRAX_SUFFIX:
        keys = {file: f"{prefix}/slide/{file.name}" for file in files if file != main}
        return {main: f"{prefix}/slide{MIRAX_SUFFIX}", **keys}
    if files == [main]:
        return {main: prefix + (suffix if suffix in KNOWN_SUFFIXES else "")}
    numbered = {file: f"{prefix}/{number:04d}{suffix}" for number, file in enumerate(files, 1)}
    return {main: numbered.pop(main), **numbered}


def key_of_file(key: str, folder_key: str, number: int) -> str:
    """Return the key of a slide's nth file, counted as `keys_below` was given them; `key` is the main file's."""
    if not folder_key:
        return key
    return f"{folder_key}/{number + 1:04d}{Path(key).suffix}"

"""The frozen data set that a run learns from: `manifest.jsonl`.

The first line is the header, then a line per slide, then a line per labelled large patch:

    {"format": "counterstain-manifest-1", "project": …, "stains": [source, target], "target_mpp": …,
     "patch_px": 2240, "instance_px": 224, "consensus": …}
    {"kind": "slide", "case": …, "key": …, "sha256": …, "width_l0": …, "height_l0": …, "mpp": …,
     "mpp_source": …, "stain": …, "colour": …, "split": "train" | "validation" | "test"}
    {"kind": "patch", "slide": key of the slide, "x_l0": …, "y_l0": …, "size_l0": …,
     "label": "tumor" | "normal", "label_ids": […], "split": null, or a split that overrules the slide's,
     "rule": "majority" | "adjudicated", or not there: all who labelled agreed}

A manifest is named by the sha256 of its bytes. Pixels marked l0 are level-0 pixels of the slide; `target_mpp` is
in micrometres per pixel, and `patch_px`, `instance_px` are pixels at that resolution.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from training.learning.errors import ManifestError

FORMAT = "counterstain-manifest-1"
SPLITS = ("train", "validation", "test")
AGREED = "single"
LABELS = ("normal", "tumor")  # the index is the class that the networks use

Row = TypeVar("Row", "Header", "SlideRow", "PatchRow")


@dataclass(frozen=True)
class Header:
    """What holds for the whole data set."""

    project: str
    stains: tuple[str, ...]
    target_mpp: float
    patch_px: int
    instance_px: int
    consensus: str
    format: str = FORMAT

    @property
    def instances_per_side(self) -> int:
        """Instances along one side of a large patch: 10 in the paper."""
        return self.patch_px // self.instance_px


@dataclass(frozen=True)
class SlideRow:
    """One slide, the case it belongs to and the split of that case."""

    case: str
    key: str
    sha256: str
    width_l0: int
    height_l0: int
    mpp: float
    mpp_source: str
    stain: str
    colour: str
    split: str


@dataclass(frozen=True)
class PatchRow:
    """One weakly labelled large patch: a bag."""

    slide: str
    x_l0: int
    y_l0: int
    size_l0: int
    label: str
    label_ids: tuple[int, ...] = ()
    split: str | None = None
    rule: str = AGREED
    """What made one label of several."""

    @property
    def place(self) -> str:
        """The patch as messages name it."""
        return f"Patch ({self.x_l0}, {self.y_l0}) of {self.slide}"


@dataclass(frozen=True)
class Manifest:
    """A validated data set. Building one that contradicts itself raises ManifestError."""

    header: Header
    slides: tuple[SlideRow, ...]
    patches: tuple[PatchRow, ...]

    def __post_init__(self) -> None:
        """Check every row against the header and the other rows."""
        _check_header(self.header)
        keys: set[str] = set()
        split_of: dict[str, str] = {}
        for slide in self.slides:
            _check_slide(slide, self.header)
            if slide.key in keys:
                raise ManifestError(f"Slide {slide.key} is listed twice; a manifest names each slide once.")
            keys.add(slide.key)
            if split_of.setdefault(slide.case, slide.split) != slide.split:
                raise ManifestError(
                    f"Case {slide.case} lies in the splits {split_of[slide.case]} and {slide.split}; "
                    "a case belongs to one split. To hold back single patches, give the patches a split."
                )
        seen: set[tuple[str, int, int]] = set()
        for patch in self.patches:
            if patch.slide not in keys:
                raise ManifestError(f"A patch names the slide {patch.slide}, which the manifest does not list.")
            _check_patch(patch, self.slide(patch.slide))
            spot = (patch.slide, patch.x_l0, patch.y_l0)
            if spot in seen:
                raise ManifestError(f"{patch.place} is listed twice; a manifest names each patch once.")
            seen.add(spot)

    @cached_property
    def _slide_by_key(self) -> dict[str, SlideRow]:
        return {slide.key: slide for slide in self.slides}

    def slide(self, key: str) -> SlideRow:
        """Return the slide with this key."""
        return self._slide_by_key[key]

    def split(self, patch: PatchRow) -> str:
        """Return the split of a patch: its own, else its slide's."""
        return patch.split or self.slide(patch.slide).split

    def slides_of(self, stain: str, split: str) -> list[SlideRow]:
        """Return the slides of one stain and split, in the order of the file."""
        return [slide for slide in self.slides if slide.stain == stain and slide.split == split]

    def bags_of(self, stain: str, split: str) -> list[PatchRow]:
        """Return the labelled patches of one stain and split, in the order of the file."""
        return [row for row in self.patches if self.slide(row.slide).stain == stain and self.split(row) == split]

    @property
    def independent_validation(self) -> bool:
        """Whether the validation patches and slides come from cases that training never sees."""
        cases = self._cases
        return bool(cases["validation"]) and not cases["train"] & cases["validation"]

    @property
    def validation_is_evaluation(self) -> bool:
        """Whether a case both chooses the best epoch and is held out to judge it."""
        return bool(self._cases["validation"] & self._cases["test"])

    @cached_property
    def _cases(self) -> dict[str, set[str]]:
        """The cases of each split, those of single patches included."""
        cases = {split: {row.case for row in self.slides if row.split == split} for split in SPLITS}
        for patch in self.patches:
            cases[self.split(patch)].add(self.slide(patch.slide).case)
        return cases

    def to_bytes(self) -> bytes:
        """Return the manifest as it is stored; its sha256 is the data set's name."""
        rows: list[dict[str, Any]] = [asdict(self.header)]
        rows += [{"kind": "slide"} | asdict(slide) for slide in self.slides]
        rows += [{"kind": "patch"} | _patch_values(patch) for patch in self.patches]
        return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows).encode()

    @property
    def sha256(self) -> str:
        """The name of this data set."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def _patch_values(patch: PatchRow) -> dict[str, Any]:
    """Leave out the usual rule, so that data sets from before there were others keep their bytes and names."""
    values = asdict(patch)
    if patch.rule == AGREED:
        del values["rule"]
    return values


def parse(content: bytes) -> Manifest:
    """Return the manifest of these bytes.

    Raises:
        ManifestError: a line is no JSON object, a key is missing or unknown, or rows contradict each other.
    """
    try:
        lines = content.decode().splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
    except ValueError as broken:
        raise ManifestError(f"The manifest is not JSON lines in UTF-8 ({broken}); freeze the data set again.") from None
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ManifestError("The manifest is empty or holds lines that are no objects; freeze the data set again.")
    found = rows[0].get("format")
    if found != FORMAT:
        raise ManifestError(f"The manifest's format is {found!r}, expected {FORMAT!r}; freeze the data set again.")
    header = _row(Header, rows[0], 1)
    slides: list[SlideRow] = []
    patches: list[PatchRow] = []
    for number, row in enumerate(rows[1:], start=2):
        kind = row.pop("kind", None)
        if kind == "slide":
            slides.append(_row(SlideRow, row, number))
        elif kind == "patch":
            patches.append(_row(PatchRow, row, number))
        else:
            raise ManifestError(f"Line {number} of the manifest is of kind {kind!r}, expected 'slide' or 'patch'.")
    return Manifest(header, tuple(slides), tuple(patches))


def read(path: Path) -> Manifest:
    """Return the manifest in a file."""
    try:
        return parse(path.read_bytes())
    except OSError as missing:
        raise ManifestError(f"The manifest {path} cannot be read ({missing.strerror}).") from None


def write(manifest: Manifest, path: Path) -> str:
    """Write a manifest, whole or not at all, and return its sha256."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(manifest.to_bytes())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return manifest.sha256


def _row(cls: type[Row], values: dict[str, Any], number: int) -> Row:
    """Build one row, refusing keys that are missing, unknown or of another type."""
    known = {field.name: field for field in fields(cls)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ManifestError(f"Line {number} of the manifest has the unknown key {unknown[0]!r}.")
    if isinstance(values.get("mpp"), int):
        values["mpp"] = float(values["mpp"])
    if isinstance(values.get("target_mpp"), int):
        values["target_mpp"] = float(values["target_mpp"])
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    try:
        row = cls(**values)
    except TypeError as missing:
        raise ManifestError(f"Line {number} of the manifest is incomplete: {missing}.") from None
    for key in known:
        kinds = {"stains": tuple, "label_ids": tuple, "target_mpp": float, "mpp": float, "split": str | None}
        expected = kinds.get(key, int if key.endswith(("_l0", "_px")) else str)
        if not isinstance(getattr(row, key), expected) or isinstance(getattr(row, key), bool):
            raise ManifestError(f"Line {number} of the manifest: {key} is {getattr(row, key)!r}, which is of no use.")
    return row


def _check_header(header: Header) -> None:
    if header.format != FORMAT:
        raise ManifestError(f"The manifest's format is {header.format!r}, expected {FORMAT!r}.")
    if not header.stains or len(set(header.stains)) != len(header.stains):
        raise ManifestError(f"The stains are {list(header.stains)}; expected the source, then the target stain.")
    if not header.target_mpp > 0:
        raise ManifestError(f"target_mpp is {header.target_mpp}; expected micrometres per pixel above 0.")
    if header.instance_px < 16 or header.patch_px < header.instance_px or header.patch_px % header.instance_px:
        raise ManifestError(
            f"A patch of {header.patch_px} px does not divide into instances of {header.instance_px} px; "
            "patch_px must be a multiple of instance_px, and an instance at least 16 px."
        )


def _check_slide(slide: SlideRow, header: Header) -> None:
    key = PurePosixPath(slide.key)
    if not slide.key or key.is_absolute() or ".." in key.parts:
        raise ManifestError(
            f"The slide key {slide.key!r} leaves the slides' root; keys are relative paths without '..'."
        )
    if slide.stain not in header.stains:
        raise ManifestError(f"Slide {slide.key} is stained {slide.stain}; the header names {list(header.stains)}.")
    if slide.split not in SPLITS:
        raise ManifestError(f"Slide {slide.key} is in the split {slide.split!r}; expected one of {list(SPLITS)}.")
    if len(slide.sha256) != 64 or set(slide.sha256) - set("0123456789abcdef"):
        raise ManifestError(f"The sha256 of slide {slide.key} is {slide.sha256!r}; expected 64 hexadecimal digits.")
    if not slide.mpp > 0 or slide.width_l0 < 1 or slide.height_l0 < 1:
        raise ManifestError(
            f"Slide {slide.key} measures {slide.width_l0} × {slide.height_l0} pixels at {slide.mpp} µm; "
            "expected numbers above 0."
        )


def _check_patch(patch: PatchRow, slide: SlideRow) -> None:
    if patch.label not in LABELS:
        raise ManifestError(f"{patch.place} is labelled {patch.label!r}; training knows {list(LABELS)}.")
    if patch.split is not None and patch.split not in SPLITS:
        raise ManifestError(f"{patch.place} is in the split {patch.split!r}; expected one of {list(SPLITS)}.")
    right, bottom = patch.x_l0 + patch.size_l0, patch.y_l0 + patch.size_l0
    if min(patch.x_l0, patch.y_l0) < 0 or patch.size_l0 < 1 or right > slide.width_l0 or bottom > slide.height_l0:
        raise ManifestError(
            f"{patch.place}, {patch.size_l0} pixels wide, does not lie within the slide's "
            f"{slide.width_l0} × {slide.height_l0} pixels."
        )

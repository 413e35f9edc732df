"""How many micrometres a pixel of a TIFF measures."""

import re

import tifffile

from .limits import sane_mpp

UM_PER_UNIT = {"µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}
UM_PER_RESOLUTION_UNIT = {2: 25_400.0, 3: 10_000.0}


def tiff_mpp(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> float | None:
    """Read the micrometres per pixel of a TIFF that OpenSlide does not open, from OME-XML, ImageJ or the resolution."""
    if tiff.is_ome:
        return ome_mpp(tiff.ome_metadata or "")
    sizes = _pixels_per_unit(page)
    if sizes is None:
        return None
    per_unit = UM_PER_RESOLUTION_UNIT.get(int(page.resolutionunit or 0))
    imagej = tiff.imagej_metadata if tiff.is_imagej else None
    if imagej:
        per_unit = UM_PER_UNIT.get(str(imagej.get("unit", "")).replace("\\u00B5", "µ"))
    return sane_mpp(per_unit / sizes[0], per_unit / sizes[1]) if per_unit else None


def _pixels_per_unit(page: tifffile.TiffPage) -> tuple[float, float] | None:
    found = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        if tag is None or not isinstance(tag.value, tuple) or 0 in tag.value:
            return None
        found.append(tag.value[0] / tag.value[1])
    return found[0], found[1]


def ome_mpp(description: str) -> float | None:
    """Read PhysicalSizeX and Y of the first Pixels element of an OME-XML text; a size without a known unit is none."""
    pixels = re.search(r"<(?:\w+:)?Pixels\b([^>]*)>", description)
    if pixels is None:
        return None
    sizes = []
    for side in "XY":
        size = re.search(rf'\bPhysicalSize{side}\s*=\s*"([^"]+)"', pixels[1])
        unit = re.search(rf'\bPhysicalSize{side}Unit\s*=\s*"([^"]+)"', pixels[1])
        # The OME schema's default unit is µm.
        um = UM_PER_UNIT.get(unit[1].replace("&#181;", "µ").replace("&#xB5;", "µ") if unit else "µm")
        if size is None or um is None:
            return None
        try:
            sizes.append(float(size[1]) * um)
        except ValueError:
            return None
    return sane_mpp(sizes[0], sizes[1])

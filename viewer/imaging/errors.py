"""What can go wrong with pixels. Each message says what was found, what was expected and what to do."""


class ImagingError(Exception):
    """Base of every error that a person can act on."""


class UnreadableSlide(ImagingError):
    """The file is missing, damaged, or no image at all."""


class UnsupportedSlide(ImagingError):
    """The file is sound but not a brightfield RGB slide that we can work on."""


class SlideTooLarge(ImagingError):
    """The image declares more pixels than can be read in bounded memory."""


class MissingResolution(ImagingError):
    """Neither the file nor the caller says how many micrometres a pixel measures."""


class RegionOutsideSlide(ImagingError):
    """The region asked for does not lie on the slide."""


class TileOutside(RegionOutsideSlide):
    """The level, column or row of a tile does not exist on this slide."""


class RegistrationFailed(ImagingError):
    """Two sections could not be aligned with any confidence."""


class DiskFull(ImagingError):
    """No space was left while writing; nothing half-written remains."""


class UnusableModel(ImagingError):
    """A file is no model, or not one that finds nuclei in the agreed form."""

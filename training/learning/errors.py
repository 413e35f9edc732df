"""What can go wrong while learning. Every message says what was found, what was expected and what to do."""


class LearningError(Exception):
    """Something that a person must put right; the command line ends with exit code 2."""


class ConfigError(LearningError):
    """A configuration key is unknown, or its value makes no sense."""


class ManifestError(LearningError):
    """The manifest cannot be read, contradicts itself or lacks what this run needs."""


class SlideChanged(LearningError):
    """A slide that the manifest names is missing, or is no longer the file that was frozen."""


class NotEnoughData(LearningError):
    """Too little is left to learn from: one class only, a bag without tissue, an empty stain."""


class CheckpointError(LearningError):
    """A checkpoint or resume state is damaged, or does not fit what it is loaded for."""


class TrainingDiverged(LearningError):
    """A loss is no longer a number. The epochs written before it are kept."""


class DiskFull(LearningError):
    """A file could not be written whole; the one before it is untouched."""


class ResolutionTooLow(LearningError):
    """A slide is too coarse for what is to be learnt from it or painted on it."""


class OutOfMemory(LearningError):
    """The device has too little memory for the configured batch."""


class StopRequested(Exception):
    """Someone asked the run to stop (SIGTERM, or the reader of the events went away)."""

"""The folder of an attempt, the files that it reads, and the command that does the work."""

import json
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import ApplicationError
from annotation.services import ensure_grid
from training.learning.manifest import Manifest
from training.learning.manifest import read as read_manifest
from training.models import Checkpoint, Run
from training.selectors import best_checkpoint
from viewer import storage
from viewer.models import Slide

LEARNING = (sys.executable, "-m", "training.learning")

# What the child never needs to know.
SECRETS = ("SECRET_KEY", "DATABASE_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND")


class Workspace:
    """Where one attempt works. Files are lent from storage until the workspace is left."""

    def __init__(self, run: Run, lent: ExitStack) -> None:
        self.run = run
        self.run_folder = settings.LAYOUT.work / "runs" / str(run.uuid)
        self.folder = self.run_folder / f"attempt-{run.attempt}"
        self.out = self.folder / "out"
        self.inputs: dict[str, Any] = {}
        self._lent = lent

    def open(self) -> None:
        """Make the folder. What attempts before this one left on this machine goes: decoded patches take gigabytes."""
        self.remove()
        self.out.mkdir(parents=True)

    def leave(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # a newer attempt works beside
            self.run_folder.rmdir()

    def remove(self) -> None:
        """Remove the folders of all attempts on this machine."""
        shutil.rmtree(self.run_folder, ignore_errors=True)

    def command(self) -> list[str]:
        """Fetch what the kind of run reads and return its command line."""
        config_file = self.folder / "config.json"
        config_file.write_text(json.dumps(self._config(), indent=1))
        command = [*LEARNING, self.run.kind, "--config", str(config_file), "--out", str(self.out)]
        match self.run.kind:
            case Run.Kind.MIL:
                command += [*self._manifest([self.run.stain]), "--stain", self.run.stain]
            case Run.Kind.CYCLEGAN:
                command += self._manifest([self.run.source_stain, self.run.target_stain])
                command += self._checkpoint("source_classifier", self.run.source_classifier_run)
                command += self._checkpoint("target_classifier", self.run.target_classifier_run)
            case Run.Kind.SYNTHESIS:
                command += self._slide()
                command += self._checkpoint("generator", self.run.generator_run)
                command += self._checkpoint("source_classifier", self.run.source_classifier_run, "--classifier")
            case Run.Kind.SCORE:
                command += self._slide()
                command += self._checkpoint("source_classifier", self.run.source_classifier_run, "--classifier")
                command += ["--patches", str(self._patches())]
        return command + self._resume()

    def environment(self) -> dict[str, str]:
        """Return the child's environment: the worker's without its secrets, with bounded threads."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_") and key not in SECRETS}
        threads = str(settings.TRAINING_THREADS)
        return kept | {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "NUMBA_NUM_THREADS": threads,
            "PYTHONUNBUFFERED": "1",
        }

    def _config(self) -> dict[str, Any]:
        """Return the run's configuration; threads left open become the worker's."""
        config: dict[str, Any] = dict(self.run.config)
        config["threads"] = config.get("threads") or settings.TRAINING_THREADS
        return config

    def _manifest(self, stains: list[str]) -> list[str]:
        assert self.run.dataset is not None
        path = self._lent.enter_context(storage.local_copy(self.run.dataset.manifest_key))
        self.inputs["manifest"] = self.run.dataset.manifest_sha256
        slides = _slides_of(read_manifest(path), stains)
        root = self._lent.enter_context(storage.slides_root(slides))
        return ["--manifest", str(path), "--slides-root", str(root)]

    def _slide(self) -> list[str]:
        slide = self.run.slide
        assert slide is not None
        self.inputs["slide"] = slide.content_sha256
        self.inputs["colour"] = slide.colour
        path = self._lent.enter_context(storage.local_path(slide))
        return ["--slide", str(path), "--mpp", repr(slide.mpp), "--colour", slide.colour]

    def _checkpoint(self, name: str, made_by: Run | None, option: str = "") -> list[str]:
        checkpoint: Checkpoint | None = best_checkpoint(made_by) if made_by is not None else None
        if checkpoint is None:
            raise ApplicationError(_("%(run)s left no checkpoint to work from. Run it again.") % {"run": made_by})
        self.inputs[name] = checkpoint.sha256
        path = self._lent.enter_context(storage.local_copy(checkpoint.key))
        return [option or "--" + name.replace("_", "-"), str(path)]

    def _patches(self) -> Path:
        """Write the slide's patches that hold tissue, for the child to score."""
        assert self.run.slide is not None
        # Nobody may have opened the slide for labelling yet.
        ensure_grid(self.run.slide)
        offered = self.run.slide.patches.filter(offered=True).order_by("row", "column")
        patches = [
            {"id": patch.pk, "x_l0": patch.x_l0, "y_l0": patch.y_l0, "size_l0": patch.size_l0} for patch in offered
        ]
        path = self.folder / "patches.json"
        path.write_text(json.dumps(patches))
        return path

    def _resume(self) -> list[str]:
        """Lay out the full state that an earlier attempt saved, if there is one."""
        state = self.run.resume_state
        if not state:
            return []
        folder = self.folder / "resume"
        for name in state["files"]:
            target = folder / "state" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with storage.local_copy(f"{state['key']}/{name}") as path:
                shutil.copyfile(path, target)
        return ["--resume", str(folder)]


def _slides_of(manifest: Manifest, stains: Iterable[str]) -> list[Slide]:
    keys = {row.key for row in manifest.slides if row.stain in set(stains)}
    slides = list(Slide.objects.filter(key__in=keys))
    if missing := sorted(keys - {slide.key for slide in slides}):
        raise ApplicationError(
            _("The data set names the slide %(key)s, which is no longer here. Freeze a new data set.")
            % {"key": missing[0]}
        )
    return slides

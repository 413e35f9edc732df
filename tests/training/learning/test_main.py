"""The command line: exit codes, events, and nothing half-written."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.training.learning.drawing import draw_tissue, relabelled, write_slide
from tests.training.learning.models import save_classifier, save_generator
from training.learning.__main__ import DONE, PERSON, PROGRAM, STOPPED, main
from training.learning.manifest import Manifest, write

MIL: dict[str, Any] = {"epochs": 1, "width": 8, "stages": [1, 1, 1, 1], "threads": 1}
GAN: dict[str, Any] = {
    "epochs": 1,
    "steps_per_epoch": 2,
    "ngf": 4,
    "ndf": 4,
    "crop_px": 32,
    "validation_fields": 1,
    "core_px": 32,
    "halo_px": 16,
    "threads": 1,
}


def _config(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(values))
    return path


def _mil(cohort: Path, out: Path, values: dict[str, Any] = MIL, stain: str = "HE") -> list[str]:
    config = _config(cohort, values)
    given = f"mil --config {config} --out {out} --manifest {cohort / 'manifest.jsonl'} --slides-root {cohort}"
    return [*given.split(), "--stain", stain]


def _events(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_whole_chain_runs_from_the_command_line(cohort: Path, tmp_path: Path, capsys: Any) -> None:
    best: dict[str, Path] = {}

    def run(name: str, arguments: list[str]) -> dict[str, Any]:
        assert main(arguments) == DONE
        events = _events(capsys.readouterr().out)
        assert events[0]["event"] == "started"
        assert events[-1]["event"] == "finished"
        report: dict[str, Any] = events[-1]["report"]
        if report["best"]:
            best[name] = tmp_path / name / report["best"]["path"]
        return report

    for stain in ("HE", "KI67"):
        run(stain, _mil(cohort, tmp_path / stain, stain=stain))
    given = f"cyclegan --config {_config(tmp_path, GAN)} --out {tmp_path / 'gan'} --slides-root {cohort}"
    inputs = f"--manifest {cohort}/manifest.jsonl --source-classifier {best['HE']} --target-classifier {best['KI67']}"
    run("gan", [*given.split(), *inputs.split()])
    config = _config(tmp_path, {"core_px": 64, "halo_px": 16, "threads": 1})
    given = f"synthesis --config {config} --out {tmp_path / 'syn'} --slide {cohort}/two-HE.tif --mpp 0.5"
    inputs = f"--generator {best['gan']} --classifier {best['HE']} --region 0 0 256 128"
    report = run("syn", [*given.split(), *inputs.split()])
    assert (report["width"], report["height"], report["region"]) == (512, 512, [0, 0, 256, 128])
    (tmp_path / "patches.json").write_text('[{"id": 1, "x_l0": 0, "y_l0": 128, "size_l0": 128}]')
    given = f"score --config {_config(tmp_path, {})} --out {tmp_path / 'score'} --slide {cohort}/two-HE.tif --mpp 0.5"
    inputs = f"--classifier {best['HE']} --patches {tmp_path / 'patches.json'}"
    assert run("score", [*given.split(), *inputs.split()])["patches"] == 1


def _refused(arguments: list[str], out: Path, capsys: Any) -> str:
    """Check that a run ends with exit code 2, an error event, one line on stderr and nothing written."""
    assert main(arguments) == PERSON
    printed = capsys.readouterr()
    error = _events(printed.out)[-1]
    assert error["event"] == "error" and error["fault"] == "person"
    assert printed.err == error["message"] + "\n"
    left = [file for file in out.rglob("*") if file.is_file()]
    assert left == []
    return str(error["message"])


@pytest.mark.parametrize(
    ("values", "says"), [({"epoch": 1}, "no key 'epoch'"), ({"epochs": 0}, "epochs is 0; expected 1 or more")]
)
def test_a_bad_configuration_is_exit_2(
    values: dict[str, Any], says: str, cohort: Path, tmp_path: Path, capsys: Any
) -> None:
    assert says in _refused(_mil(cohort, tmp_path / "out", values), tmp_path / "out", capsys)


def test_one_class_only_is_exit_2(manifest: Manifest, cohort: Path, tmp_path: Path, capsys: Any) -> None:
    write(relabelled(manifest, "tumor"), cohort / "manifest.jsonl")
    assert "needs both" in _refused(_mil(cohort, tmp_path / "out"), tmp_path / "out", capsys)


def test_a_missing_slide_is_exit_2(cohort: Path, tmp_path: Path, capsys: Any) -> None:
    (cohort / "one-HE.tif").unlink()
    assert "is missing" in _refused(_mil(cohort, tmp_path / "out"), tmp_path / "out", capsys)


def test_a_changed_slide_is_exit_2(cohort: Path, tmp_path: Path, capsys: Any) -> None:
    write_slide(cohort / "two-HE.tif", draw_tissue("HE", 50))
    assert "has changed" in _refused(_mil(cohort, tmp_path / "out"), tmp_path / "out", capsys)


def test_a_missing_classifier_is_exit_2(cohort: Path, tmp_path: Path, capsys: Any) -> None:
    given = f"cyclegan --config {_config(tmp_path, GAN)} --out {tmp_path / 'out'} --slides-root {cohort}"
    arguments = [*given.split(), "--manifest", str(cohort / "manifest.jsonl")]
    assert "must be given" in _refused(arguments, tmp_path / "out", capsys)


def test_a_classifier_of_the_other_stain_is_exit_2(cohort: Path, tmp_path: Path, capsys: Any) -> None:
    path = save_classifier(tmp_path / "ki67.safetensors", "KI67").path
    given = f"cyclegan --config {_config(tmp_path, GAN)} --out {tmp_path / 'out'} --slides-root {cohort}"
    inputs = f"--manifest {cohort / 'manifest.jsonl'} --source-classifier {path} --target-classifier {path}"
    message = _refused([*given.split(), *inputs.split()], tmp_path / "out", capsys)
    assert "its stain is 'KI67', expected 'HE'" in message


def test_an_unreadable_slide_is_exit_2(tmp_path: Path, capsys: Any) -> None:
    saved = save_classifier(tmp_path / "classifier.safetensors")
    generator = save_generator(tmp_path / "generator.safetensors", saved.sha256).path
    slide = tmp_path / "renamed.svs"
    slide.write_text("no slide")
    given = f"synthesis --config {_config(tmp_path, {})} --out {tmp_path / 'out'} --slide {slide} --mpp 0.5"
    inputs = f"--generator {generator} --classifier {saved.path}"
    assert "no slide that can be read" in _refused([*given.split(), *inputs.split()], tmp_path / "out", capsys)


def test_waiting_threads_sleep_unless_the_environment_says_otherwise(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    main(_mil(cohort, tmp_path / "out", stain="SYN"))
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    main(_mil(cohort, tmp_path / "out", stain="SYN"))
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_fault_of_the_program_is_exit_3(
    cohort: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr("training.learning.train_mil.train_mil", broken)
    assert main(_mil(cohort, tmp_path / "out")) == PROGRAM
    printed = capsys.readouterr()
    assert _events(printed.out)[-1] == {"event": "error", "message": "RuntimeError: unexpected", "fault": "program"}
    assert "Traceback" in printed.err


def test_sigterm_saves_the_state_and_a_resume_finishes(cohort: Path, tmp_path: Path) -> None:
    # Without a limit of its own the run would go on for hours.
    arguments = _mil(cohort, tmp_path / "out", MIL | {"epochs": 100_000})
    command = [sys.executable, "-m", "training.learning", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    ) as child:
        guard = threading.Timer(120, child.kill)
        guard.start()
        assert child.stdout is not None
        for line in child.stdout:
            if json.loads(line)["event"] == "checkpoint":
                child.send_signal(signal.SIGTERM)
                break
        rest = child.stdout.read()
        guard.cancel()
    assert child.returncode == STOPPED
    assert _events(rest)[-1]["event"] == "warning"
    assert not (tmp_path / "out" / "report.json").exists()

    done = len(list((tmp_path / "out" / "checkpoints").iterdir()))
    again = _mil(cohort, tmp_path / "out", MIL | {"epochs": done + 1})
    assert main([*again, "--resume", str(tmp_path / "out")]) == DONE
    assert json.loads((tmp_path / "out" / "report.json").read_text())["epochs"] == done + 1


def test_a_full_disk_keeps_the_state_before_and_a_resume_ends_as_if_nothing_had_been(
    cohort: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = MIL | {"epochs": 3, "precision": "fp32"}
    assert main(_mil(cohort, tmp_path / "whole", config)) == DONE
    sound, calls = os.fsync, []

    def full_from_the_second_epoch(number: int) -> None:
        calls.append(number)
        if (tmp_path / "out" / "checkpoints" / "epoch-0001.safetensors").exists() and len(calls) > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        sound(number)

    monkeypatch.setattr(os, "fsync", full_from_the_second_epoch)
    assert main(_mil(cohort, tmp_path / "out", config)) == PERSON
    assert "No space is left for" in capsys.readouterr().err
    monkeypatch.undo()
    assert list((tmp_path / "out").rglob("*.part")) == []

    assert main([*_mil(cohort, tmp_path / "out", config), "--resume", str(tmp_path / "out")]) == DONE
    for epoch in (1, 2, 3):
        name = f"checkpoints/epoch-{epoch:04d}.safetensors"
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_slide_too_coarse_for_the_generator_is_exit_2(cohort: Path, tmp_path: Path, capsys: Any) -> None:
    saved = save_classifier(tmp_path / "classifier.safetensors")
    generator = save_generator(tmp_path / "generator.safetensors", saved.sha256).path
    given = f"synthesis --config {_config(tmp_path, {})} --out {tmp_path / 'out'} --slide {cohort}/two-HE.tif --mpp 2"
    inputs = f"--generator {generator} --classifier {saved.path}"
    message = _refused([*given.split(), *inputs.split()], tmp_path / "out", capsys)
    assert "has 2 µm per pixel, 0.5 are needed: it would have to be magnified 4.0 times" in message

import platform
import subprocess
import sys
import textwrap

import pytest
import torch

from training.learning.compute import Compute, prepare
from training.learning.config import CycleGanConfig, MilConfig
from training.learning.errors import ConfigError, OutOfMemory


def test_a_gpu_without_memory_is_one_line_with_the_batch_and_what_is_free(
    cpu: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * 2**29, 16 * 2**30))
    with pytest.raises(OutOfMemory) as caught, cpu.memory_errors("batch_size 4"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
    message = str(caught.value)
    assert message.startswith("The GPU ran out of memory with batch_size 4: 1.5 of 16.0 GiB are free.")
    assert "smaller" in message and "\n" not in message


def test_a_machine_without_memory_says_so_too(cpu: Compute) -> None:
    with pytest.raises(OutOfMemory, match="out of memory with 128 instances"), cpu.memory_errors("128 instances"):
        torch.empty(2**60, dtype=torch.uint8)


def test_other_faults_pass_unchanged(cpu: Compute) -> None:
    with pytest.raises(RuntimeError, match="shapes"), cpu.memory_errors("any"):
        raise RuntimeError("shapes do not match")


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="finds no CUDA device"):
        prepare(MilConfig(device="cuda"))


def test_the_report_says_what_was_computed_on() -> None:
    said = prepare(CycleGanConfig(device="cpu", precision="fp32", threads=1)).describe()
    assert said == {"device": "cpu", "precision": "fp32", "threads": 1, "processes": 1, "torch": torch.__version__}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to keep what is freed")
def test_large_pieces_of_memory_are_kept_for_what_comes_next() -> None:
    faults = run_anew("""
        import resource
        prepare(CycleGanConfig(device="cpu", threads=1))
        def layers():
            x = torch.ones(2**22)  # 16 MiB
            return float((x + (x + 1))[0])
        for number in range(60):
            if number == 40:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            layers()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """)

    assert int(faults) < 2**12  # the pages of one tensor of the last 60


def test_compiled_kernels_leave_torchs_number_of_threads_as_it_is() -> None:
    counts = run_anew("""
        from training.learning.layer_kernels import pool_rectified
        from training.learning.channels_last import use_threads_of_torch
        prepare(CycleGanConfig(device="cpu", threads=1))
        use_threads_of_torch()
        pool_rectified(torch.zeros(8, 8, 8, 8).numpy(), torch.zeros(8, 4, 4, 8).numpy())
        print(torch.get_num_threads(), torch.__config__.parallel_info().count("omp_get_max_threads() : 1"))
    """)

    assert counts.split() == ["1", "1"]


def run_anew(program: str) -> str:
    """Return what a program prints in a process of its own."""
    begin = "import torch\nfrom training.learning.compute import prepare\n"
    begin += "from training.learning.config import CycleGanConfig\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    return done.stdout

"""Time things side by side: rounds are interleaved, so that what else the machine does falls on all of them alike."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Row:
    """One line of the table: a ratio per round, and the bar it is held to."""

    name: str
    ratios: list[float] = field(default_factory=list)
    bar: str = ""
    unit: str = "×"
    note: str = ""

    def as_figure(self) -> Figure:
        return Figure(self.name, median(self.ratios) if self.ratios else None, self.unit, self.bar)

    def as_markdown(self) -> str:
        if not self.ratios:
            return f"| {self.name} | not measured | {self.bar} | {self.note} |"
        low, high = min(self.ratios), max(self.ratios)
        spread = f" ({number(low)}–{number(high)})" if len(self.ratios) > 1 else ""
        return f"| {self.name} | {number(median(self.ratios))}{spread} {self.unit} | {self.bar} | {self.note} |"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


@dataclass
class Contender:
    """Something that is timed: a name and a function that is called once per item."""

    name: str
    call: Callable[[tuple[int, int]], object]
    wall_seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)


def race(contenders: Sequence[Contender], items: Sequence[tuple[int, int]], rounds: int) -> None:
    """Time every contender over all items in each round, in turn; the first call of each is not counted."""
    for contender in contenders:
        contender.call(items[0])
    for _ in range(rounds):
        for contender in contenders:
            wall, cpu = time.perf_counter(), time.process_time()
            for item in items:
                contender.call(item)
            contender.wall_seconds.append((time.perf_counter() - wall) / len(items))
            contender.cpu_seconds.append((time.process_time() - cpu) / len(items))


def ratios(slower: Sequence[float], faster: Sequence[float]) -> list[float]:
    """Return how many times as large the first is, round by round."""
    return [a / b for a, b in zip(slower, faster, strict=True)]


def machine() -> str:
    """Name the machine without naming its host."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} × {model}, {memory_gib:.0f} GiB, Linux {platform.release()}; load before: {load}"


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return what processes have used so far, user and system."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / CLOCK_TICKS


def resident_mib(pid: int | str = "self", what: str = "VmRSS") -> float:
    """Return a process's memory now (VmRSS), at its peak (VmHWM), or what of it is no file (RssAnon)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    return 0.0

"""Install requirement files into this virtual environment: `python tools/install.py requirements.txt …`.

uv does it in seconds where pip takes minutes, but uv does not read pip's settings. This hands them over, so
that a machine whose pip is set up (an index of its own, a folder of wheels, a certificate) needs no second setup.
Only ready-made wheels are taken: no compiler is ever needed.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

UV = "uv==0.13.9"
# pip's setting, uv's variable
HANDED_OVER = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
COMMA_SEPARATED = {"UV_FIND_LINKS"}
NO_WHEEL = """
counterstain: the packages could not be installed. If the lines above say that a package has no wheel for this
platform: Counterstain is made for Linux on x86-64 with glibc 2.28 or newer and Python 3.11. Otherwise check the network
and pip's index settings (python -m pip config list)."""


def main(wanted: list[str]) -> int:
    """Install requirement files (named *.txt) and single requirements; return the exit code."""
    project = Path(__file__).resolve().parent.parent
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True).returncode:
        # Without uv on this platform pip does it, slower.
        subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", UV])
    has_uv = subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True).returncode == 0
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True).stdout
    uv_install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    command = uv_install if has_uv else [*pip, "install"]
    for name in wanted:
        command += ["-r", str(project / name)] if name.endswith(".txt") else [name]
    command += ["-c", str(project / "constraints.txt"), "--only-binary", ":all:"]
    done = subprocess.run(command, env={**uv_settings(read_pip_settings(listed)), **os.environ})
    if done.returncode:
        print(NO_WHEEL, file=sys.stderr)
    return done.returncode


def read_pip_settings(listed: str) -> dict[str, str]:
    """Read the output of `pip config list`; later lines are stronger, and variables stand above files."""
    found: dict[str, str] = {}
    lines = [line for line in listed.splitlines() if "=" in line]
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = value.strip().strip("'\"").replace("\\n", " ")
    return found


def uv_settings(pip_settings: Mapping[str, str]) -> dict[str, str]:
    """Say pip's settings in uv's variables."""
    settings = {"UV_NO_CONFIG": "1"}
    for pip_name, variable in HANDED_OVER.items():
        if value := pip_settings.get(pip_name):
            settings[variable] = ",".join(value.split()) if variable in COMMA_SEPARATED else value
    if "UV_INDEX" in settings:
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: the best version of all indexes
    return settings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

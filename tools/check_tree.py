"""Refuse tracked files that name a package registry, a download address in a lock file, or a folder of one machine."""

import re
import subprocess
import sys
from pathlib import Path

# Written so that this file does not match itself.
FORBIDDEN = {
    "a package registry's host": re.compile(
        r"registry\.[n]pmjs|[p]ypi\.(org|python)|[p]ythonhosted\.|download\.[p]ytorch"
    ),
    "a download address in a lock file": re.compile(r'"[r]esolved":'),
    "a folder of one machine": re.compile(r"(?<![\w.$}~-])/(?:[w]ork|[o]pt|[r]oot|[h]ome)/\w"),
}
BINARY = {".png", ".jpg", ".jpeg", ".webp", ".ico", ".tif", ".svs"}


def main() -> int:
    """Print each such line; return 1 if there is one."""
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    found = 0
    for name in filter(None, listed.split("\0")):
        path = Path(name)
        if path.suffix in BINARY or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            for what, pattern in FORBIDDEN.items():
                if pattern.search(line):
                    print(f"{name}:{number}: names {what}: {line.strip()[:100]}")
                    found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Run as a program: fails when `platform/` (a source folder) hides the standard library's module of that name."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    if (ROOT / "platform" / "__init__.py").exists():
        sys.exit("platform/ must not have an __init__.py: it would hide the standard library's module `platform`.")
    code = "import sys; sys.path[:0] = [sys.argv[1], sys.argv[2]]; import platform; print(platform.python_version())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(ROOT / "platform")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode or not done.stdout.startswith("3."):
        sys.exit(f"`import platform` no longer finds the standard library's module:\n{done.stderr}")
    sys.stdout.write("platform is the standard library's module\n")


if __name__ == "__main__":
    main()

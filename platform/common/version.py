"""Which version of the program this is, as pyproject.toml says."""

import tomllib

from common.environment import ROOT

VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

"""What the environment says: typed reads of variables, and the installation's secret."""

import os
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def flag(name: str, default: bool = False) -> bool:
    return os.environ.get(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise SystemExit(f"{name} must be a whole number, not {text!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def data_dir() -> Path:
    """Where journals, uploads and the embedded servers live: LETTERSHOP_DATA, or var/ in the project."""
    return Path(os.environ.get("LETTERSHOP_DATA") or ROOT / "var").resolve()


def installation_secret(directory: Path) -> str:
    """SECRET_KEY from the environment, else one that is made once and kept in the data directory."""
    given = os.environ.get("SECRET_KEY", "").strip()
    if given:
        return given
    path = directory / "secret_key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(secrets.token_urlsafe(48))
        fresh.chmod(0o600)
        try:
            # A link never overwrites: of two processes that start at once, one makes the key.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()

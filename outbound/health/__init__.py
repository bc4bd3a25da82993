"""What is misconfigured, slow or stuck in this installation, and what to do: `doctor` and the operators' desk."""

from outbound.health.check import Check
from outbound.health.installation import installation_checks

__all__ = ["Check", "installation_checks"]

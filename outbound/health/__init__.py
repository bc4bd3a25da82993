"""What is misconfigured, slow or stuck in this installation, and what to do: `doctor` and the operators' desk."""

from outbound.health.check import Check
from outbound.health.installation import further_checks, installation_checks

__all__ = ["Check", "further_checks", "installation_checks"]

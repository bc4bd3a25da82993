"""The quick way in for sends: the same reading, checks and answers as the dialects' views, without their request stack."""

from api.intake.committer import Committer
from api.intake.doors import IntakeDoors

__all__ = ["Committer", "IntakeDoors"]

"""Reading what comes back: bounces (RFC 3464 and prose), complaints (ARF, RFC 5965) and automatic replies.

Pure functions over bytes that anybody may have sent: bounded, and they never raise.
"""

from deliverability.bounces.reader import read_bounce
from deliverability.bounces.report import BounceReport, Kind

__all__ = ["BounceReport", "Kind", "read_bounce"]

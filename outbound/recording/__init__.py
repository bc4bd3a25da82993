"""Recording what happened to recipients after their mail left: opens, clicks, unsubscribes, bounces, complaints, deliveries.

`record_hits` does it on any psycopg or Django cursor, `record_hits_async` on an asynchronous psycopg
connection; the statements are the same (steps, statements). No Django here.
"""

from outbound.recording.hits import Hit, clean_agent, clean_ip, clean_text
from outbound.recording.record import CommitUnknown, record_hits, record_hits_async, settle_message
from outbound.recording.steps import Recorded

__all__ = [
    "CommitUnknown",
    "Hit",
    "Recorded",
    "clean_agent",
    "clean_ip",
    "clean_text",
    "record_hits",
    "record_hits_async",
    "settle_message",
]

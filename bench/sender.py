"""One sending process of bench/campaign.py: works on a message until nothing is left, then says what it cost."""

import json
import resource
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]


def main(message_id: int, slug: str) -> None:
    import django

    django.setup()
    from common.database import connection
    from outbound.services import work_on
    from tenants.models import Tenant

    connection.set_tenant(Tenant.objects.get(slug=slug))
    sys.stdin.readline()  # the word to begin, so that several begin together
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    handed_over = 0
    while True:
        work = work_on(message_id, stop=lambda: False, slice_seconds=30)
        handed_over += work.handed_over
        if not work.again:
            break
    after, ended = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {"handed_over": handed_over, "cpu": cpu, "seconds": ended - began, "peak_mb": after.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

"""Opens and clicks of machines, told from people's: by the User-Agent, by the time, and by many links at once.

Sure and cheap things only: what cannot be told counts as a person's. Not looked at: a gateway that passes for a
browser, waits, and follows few links; one that comes again after a person has clicked; addresses of networks.
"""

from collections.abc import Iterable

from deliverability.agents import kind_of_agent
from outbound.recording.hits import Hit

# Before that many seconds after the provider took the mail nobody has seen it (1: open) or read it (2: click).
SOONEST = {1: 2, 2: 5}
# Nobody follows that many different links within so many seconds of his first click.
MOST_LINKS = {5: 10, 3: 2}

_WORDS = {True: "true", False: "false", None: "NULL"}


def by_people(hits: Iterable[Hit]) -> list[str]:
    """For each hit, as PostgreSQL writes it: whether a person did it, as far as its User-Agent tells; NULL where that is open."""
    return [_WORDS[kind_of_agent(hit.agent).by_person] if hit.kind <= 2 else "NULL" for hit in hits]


# Who clicked on many links at once was a machine from the first click on, which was taken for a person's when it came.
# Parameters: messages, positions. In the transaction that recorded the last of them.
TAKE_BACK = """
WITH click AS MATERIALIZED (
    SELECT m.month, m.id AS message_id, split_part(m.origin, ':', 1) AS origin, e.id, e.position, e.at, e.link, e.human,
        min(e.at) OVER (PARTITION BY m.id, e.position) AS first_at
    FROM unnest(%(messages)s::bigint[], %(positions)s::int[]) AS s(message_id, position) JOIN {message} m ON m.id = s.message_id
    CROSS JOIN LATERAL (
        SELECT e.id, e.position, e.at, e.link, e.human FROM {event} e
        WHERE e.month = m.month AND e.message_id = m.id AND e.position = s.position AND e.kind = 2 OFFSET 0
    ) e
), burst AS (
    SELECT message_id, position, CASE
        WHEN count(DISTINCT link) FILTER (WHERE at <= first_at + {long}) >= {many} THEN max(first_at) + {long}
        WHEN count(DISTINCT link) FILTER (WHERE at <= first_at + {short}) >= {some} THEN max(first_at) + {short} END AS until
    FROM click GROUP BY message_id, position
), human AS MATERIALIZED (
    SELECT c.*, c.at > b.until AS stays,
        row_number() OVER (PARTITION BY c.message_id, c.position ORDER BY c.id) AS nth,
        row_number() OVER (PARTITION BY c.message_id, c.position, c.at > b.until ORDER BY c.id) AS nth_now,
        row_number() OVER (PARTITION BY c.message_id, c.position, c.link ORDER BY c.id) AS nth_of_link,
        row_number() OVER (PARTITION BY c.message_id, c.position, c.link, c.at > b.until ORDER BY c.id) AS nth_of_link_now
    FROM click c JOIN burst b USING (message_id, position) WHERE c.human AND b.until IS NOT NULL
), event AS (
    UPDATE {event} e SET human = false FROM human h WHERE e.month = h.month AND e.id = h.id AND NOT h.stays
), engagement AS (
    UPDATE {engagement} e SET human_clicked_at = h.at, human_links = coalesce(h.links, '{{}}')
    FROM (
        SELECT month, message_id, position, min(at) FILTER (WHERE stays) AS at,
            array_agg(DISTINCT link) FILTER (WHERE stays AND link IS NOT NULL) AS links
        FROM human GROUP BY month, message_id, position
    ) h WHERE e.month = h.month AND e.message_id = h.message_id AND e.position = h.position
), change AS MATERIALIZED (
    SELECT message_id, origin, date_trunc('hour', at, 'UTC') AS hour, -1 AS link, count(*) FILTER (WHERE NOT stays) AS count,
        count(*) FILTER (WHERE nth = 1) - count(*) FILTER (WHERE stays AND nth_now = 1) AS uniques
    FROM human GROUP BY 1, 2, 3
    UNION ALL
    SELECT message_id, origin, date_trunc('hour', at, 'UTC'), link, count(*) FILTER (WHERE NOT stays),
        count(*) FILTER (WHERE nth_of_link = 1) - count(*) FILTER (WHERE stays AND nth_of_link_now = 1)
    FROM human WHERE link IS NOT NULL GROUP BY 1, 2, 3, 4
), tally AS (
    UPDATE {tally} t SET human_count = t.human_count - c.count, human_uniques = t.human_uniques - c.uniques
    FROM change c WHERE t.message_id = c.message_id AND t.kind = 2 AND t.hour = c.hour AND t.link = c.link
)
INSERT INTO {daily} AS d (day, origin, slot, human_clicked)
SELECT (hour AT TIME ZONE 'UTC')::date, origin, 12 + pg_backend_pid() %% 4, -sum(uniques)
FROM change WHERE link = -1 GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (day, origin, slot) DO UPDATE SET human_clicked = d.human_clicked + excluded.human_clicked
"""

"""S12: exact audience counts at a million contacts, ours and a join table's, in one run.

.venv/bin/python bench/audience.py [--contacts 1000000] [--rounds 30]
"""

import argparse
import statistics
import time

from stage import Stage, table

# Share of the contacts that have a tag.
TAGS = {
    "newsletter": 0.30,
    "customers": 0.20,
    "france": 0.10,
    "vip": 0.05,
    "paris": 0.05,
    "opted": 0.05,
    "fair": 0.01,
    "press": 0.001,
    **{f"minor{n}": 0.01 for n in range(12)},
    **{f"rare{n}": 0.001 for n in range(20)},
}

FILL = """
INSERT INTO contacts_contact (email, email_key, needs_smtputf8, first_name, last_name, language, timezone, country,
    status, tags, attributes, consent_note, created_at, updated_at)
SELECT e, e, false, 'First' || n %% 5000, 'Last' || n %% 20000,
    (ARRAY['en','en','en','en','en','en','en','en','fr','fr','fr','fr','fr','fr-ca','de','de','de','es','pt-br',''])[1 + n %% 20],
    'Europe/Paris', 'FR',
    CASE WHEN random() < 0.9 THEN 'active' WHEN random() < 0.5 THEN 'unsubscribed' ELSE 'bounced' END,
    ARRAY(SELECT t.id FROM unnest(%(ids)s::int[], %(shares)s::float[]) AS t(id, share) WHERE random() < t.share AND n > 0),
    jsonb_build_object('plan', (ARRAY['free','free','free','basic','pro'])[1 + (random() * 4.999)::int],
        'city', 'City ' || (random() * 60)::int, 'visits', (random() * 100)::int, 'company', 'Company ' || (random() * 50000)::int,
        'born', date '1950-01-01' + (random() * 20000)::int, 'wants_news', random() < 0.5),
    '', now(), now()
FROM (SELECT n, 'contact.number.' || n || '@mail' || n %% 997 || '.example' AS e FROM generate_series(%(first)s, %(last)s) n) g
"""
SUPPRESS = """
INSERT INTO contacts_suppression (email, email_key, reason, note, origin, created_at)
SELECT email, email_key, 'manual', '', '', now() FROM contacts_contact WHERE random() < CASE status WHEN 'active' THEN 0.002 ELSE 0.5 END
"""
JOIN_TABLE = """
CREATE TABLE naive_contact_tags AS SELECT id AS contact_id, unnest(tags) AS tag_id FROM contacts_contact;
ALTER TABLE naive_contact_tags ADD PRIMARY KEY (contact_id, tag_id);
CREATE INDEX ON naive_contact_tags (tag_id);
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with Stage():
        run(options.contacts, options.rounds)


def run(contacts: int, rounds: int) -> None:
    from contacts.targeting import count_audience, refresh_facets

    ids = fill(contacts)
    execute("VACUUM ANALYZE contacts_contact", "VACUUM ANALYZE contacts_suppression")
    third = list(audiences().values())[2]
    [unbuilt] = timed(lambda: count_audience(third), 1)
    [built] = timed(lambda: refresh_facets(seconds=600), 1)
    execute("VACUUM ANALYZE contacts_facet", "VACUUM contacts_stale", JOIN_TABLE)
    execute("VACUUM ANALYZE naive_contact_tags")
    rows: list[list[object]] = [["audience", "contacts", "p50 ms", "p95 ms", "join table p50 ms"]]
    ours_all, ratios = [], []
    for name, audience in audiences().items():
        naive = naive_query(audience, ids)
        expected, counted = execute(naive), count_audience(audience)
        if counted != expected:
            raise SystemExit(f"{name}: counted {counted}, there are {expected}")
        ours = timed(lambda audience=audience: count_audience(audience), rounds)
        theirs = timed(lambda naive=naive: execute(naive), max(3, rounds // 6))
        ours_all += ours
        ratios.append(statistics.median(theirs) / statistics.median(ours))
        rows.append([name, f"{counted:,}", *figures(ours), f"{statistics.median(theirs):.0f}"])
    rows.append(
        ["the third, 50 contacts changed before each count", "", *figures(changing(third, contacts, rounds)), ""]
    )
    print(table(rows))
    print(
        f"Right after an import, before any facet is built: {unbuilt:.0f} ms. Building all of them: {built / 1000:.1f} s."
    )
    print(
        f"S12: p95 over all audiences {p95(ours_all):.1f} ms at {contacts:,} contacts, exact; "
        f"{statistics.median(ratios):.0f} times as fast as a join table (goal: < 200 ms)"
    )


def fill(contacts: int) -> dict[str, int]:
    from contacts.models import ContactAttribute, Tag

    ids = {slug: Tag.objects.create(slug=slug, name=slug).pk for slug in TAGS}
    for key in ("plan", "city", "visits", "company", "born", "wants_news"):
        ContactAttribute.objects.create(key=key, label=key)
    for first in range(1, contacts + 1, 100_000):
        last = min(first + 99_999, contacts)
        execute(FILL, ids=list(ids.values()), shares=list(TAGS.values()), first=first, last=last)
    execute(SUPPRESS)
    return ids


def audiences():
    from contacts.targeting import AttributeIs, Audience, Operator

    broad = {"tags_all": ("newsletter",), "tags_any": ("customers", "france", "vip"), "exclude_tags": ("paris", "fair")}
    return {
        "everybody": Audience(),
        "one tag of 30 %": Audience(tags_all=("newsletter",)),
        "all + any + exclude + attribute (plan is pro)": Audience(
            **broad, attributes=(AttributeIs("plan", Operator.IS, "pro"),)
        ),
        "all + any + exclude + attribute (city is one of 60)": Audience(
            **broad, attributes=(AttributeIs("city", Operator.IS, "City 7"),)
        ),
        "all + any + exclude + attribute (visits > 50)": Audience(
            **broad, attributes=(AttributeIs("visits", Operator.GREATER, 50),)
        ),
        "all + any + exclude + language fr": Audience(**broad, language="fr"),
        "tags of 5 % and 0.1 %": Audience(tags_any=("vip", "press"), exclude_tags=("rare1",)),
        "all + any + exclude + attribute of 20,000 values, a range": Audience(
            **broad, attributes=(AttributeIs("born", Operator.GREATER, "1980-01-01"),)
        ),
        "all + any + exclude + attribute of 50,000 values": Audience(
            **broad, attributes=(AttributeIs("company", Operator.IS, "Company 17"),)
        ),
    }


def naive_query(audience, ids: dict[str, int]) -> str:
    """What an ORM makes of a many-to-many relation."""
    joins, wheres = (
        [],
        ["c.status = 'active'", "NOT EXISTS (SELECT 1 FROM contacts_suppression s WHERE s.email_key = c.email_key)"],
    )
    for number, slugs in enumerate([*((slug,) for slug in audience.tags_all), audience.tags_any]):
        if slugs:
            joins.append(f"JOIN naive_contact_tags t{number} ON t{number}.contact_id = c.id")
            wheres.append(f"t{number}.tag_id IN ({', '.join(str(ids[slug]) for slug in slugs)})")
    if audience.exclude_tags:
        wheres.append(
            "NOT EXISTS (SELECT 1 FROM naive_contact_tags u WHERE u.contact_id = c.id AND u.tag_id IN "
            f"({', '.join(str(ids[slug]) for slug in audience.exclude_tags)}))"
        )
    if audience.language:
        wheres.append(f"(c.language = '{audience.language}' OR c.language LIKE '{audience.language}-%')")
    for condition in audience.attributes:
        compared = {"is": f" = '{condition.value}'"}.get(
            condition.op,
            f"::numeric > {condition.value}" if isinstance(condition.value, int) else f" > '{condition.value}'",
        )
        wheres.append(f"(c.attributes ->> '{condition.key}'){compared}")
    return f"SELECT count(*) FROM (SELECT DISTINCT c.id FROM contacts_contact c {' '.join(joins)} WHERE {' AND '.join(wheres)}) x"


def changing(audience, contacts: int, rounds: int) -> list[float]:
    """Counts while contacts change, as they do during a campaign."""
    from contacts.targeting import count_audience, refresh_facets

    took = []
    for number in range(rounds):
        execute(
            "UPDATE contacts_contact SET status = CASE status WHEN 'active' THEN 'unsubscribed' ELSE 'active' END "
            "WHERE id = ANY(%(ids)s)",
            ids=[(number * 7919 + step * 104729) % contacts + 1 for step in range(50)],
        )
        took += timed(lambda: count_audience(audience), 1)
        refresh_facets()
    return took


def figures(took: list[float]) -> list[str]:
    return [f"{statistics.median(took):.1f}", f"{p95(took):.1f}"]


def execute(*statements: str, **parameters: object) -> int:
    from django.db import connection

    found = None
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters or None)
            if cursor.description:
                found = cursor.fetchone()
    return int(found[0]) if found else 0


def timed(call, rounds: int) -> list[float]:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    return took


def p95(figures: list[float]) -> float:
    return sorted(figures)[max(0, round(len(figures) * 0.95) - 1)]


if __name__ == "__main__":
    main()

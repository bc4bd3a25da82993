"""Counts by day, taken once from what is there, and indexes into chunks."""

from django.db import migrations, models

# Who has an outcome counts on the day of its last change: when the mail of somebody who bounced later was taken is
# not known any more.
COUNT = """
INSERT INTO outbound_daily (day, origin, slot, sent, refused_hard, refused_soft, failed, cancelled, suppressed, in_doubt)
SELECT (r.at AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), 0,
    count(*) FILTER (WHERE r.state IN (3, 4, 11) OR r.state IN (5, 6) AND g.bounced_at IS NOT NULL),
    count(*) FILTER (WHERE r.state = 5 AND g.bounced_at IS NULL),
    count(*) FILTER (WHERE r.state = 6 AND g.bounced_at IS NULL),
    count(*) FILTER (WHERE r.state = 7), count(*) FILTER (WHERE r.state = 8),
    count(*) FILTER (WHERE r.state = 9), count(*) FILTER (WHERE r.state = 10)
FROM outbound_recipient r JOIN outbound_message m ON m.id = r.message_id
LEFT JOIN outbound_engagement g ON g.month = r.month AND g.message_id = r.message_id AND g.position = r.position
    AND g.bounced_at IS NOT NULL
WHERE r.state >= 3 GROUP BY 1, 2;

INSERT INTO outbound_daily (day, origin, slot, deferred)
SELECT (a.at AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), 1, count(*)
FROM outbound_attempt a JOIN outbound_message m ON m.id = a.message_id GROUP BY 1, 2;

INSERT INTO outbound_daily (day, origin, slot, opens, opened, clicks, clicked, unsubscribed, bounced_hard, bounced_soft,
    complained, confirmed, blocked)
SELECT (t.hour AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), 4,
    coalesce(sum(count) FILTER (WHERE kind = 1), 0), coalesce(sum(uniques) FILTER (WHERE kind = 1), 0),
    coalesce(sum(count) FILTER (WHERE kind = 2), 0), coalesce(sum(uniques) FILTER (WHERE kind = 2), 0),
    coalesce(sum(count) FILTER (WHERE kind = 3), 0), coalesce(sum(count) FILTER (WHERE kind = 4), 0),
    coalesce(sum(count) FILTER (WHERE kind = 5), 0), coalesce(sum(count) FILTER (WHERE kind = 6), 0),
    coalesce(sum(count) FILTER (WHERE kind = 7), 0), coalesce(sum(count) FILTER (WHERE kind = 8), 0)
FROM outbound_tally t JOIN outbound_message m ON m.id = t.message_id WHERE t.link = -1 GROUP BY 1, 2;

INSERT INTO outbound_daily (day, origin, slot, came_back)
SELECT (g.bounced_at AT TIME ZONE 'UTC')::date, split_part(m.origin, ':', 1), 5, count(*)
FROM outbound_engagement g JOIN outbound_message m ON m.id = g.message_id WHERE g.bounced_at IS NOT NULL GROUP BY 1, 2;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0002_partitioned_tables")]

    operations = [
        migrations.CreateModel(
            name="Daily",
            fields=[
                ("pk", models.CompositePrimaryKey("day", "origin", "slot", blank=True, editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("origin", models.CharField(help_text="the word before the colon of Message.origin: campaign", max_length=40)),
                ("slot", models.SmallIntegerField(help_text="0 to 3: the engine; 4 to 7: recorders; 8 to 11: doubts they settled")),
                ("sent", models.BigIntegerField(db_default=0, help_text="the provider took the mail")),
                ("deferred", models.BigIntegerField(db_default=0, help_text="refusals for now (4xx)")),
                ("refused_hard", models.BigIntegerField(db_default=0, help_text="refused at once: the address is dead")),
                ("refused_soft", models.BigIntegerField(db_default=0, help_text="refused at once for another reason")),
                ("failed", models.BigIntegerField(db_default=0)),
                ("cancelled", models.BigIntegerField(db_default=0)),
                ("suppressed", models.BigIntegerField(db_default=0)),
                ("in_doubt", models.BigIntegerField(db_default=0, help_text="came into doubt; settled ones are counted as sent too")),
                ("opens", models.BigIntegerField(db_default=0)),
                ("opened", models.BigIntegerField(db_default=0, help_text="opened for the first time")),
                ("clicks", models.BigIntegerField(db_default=0)),
                ("clicked", models.BigIntegerField(db_default=0, help_text="clicked for the first time")),
                ("unsubscribed", models.BigIntegerField(db_default=0)),
                ("complained", models.BigIntegerField(db_default=0)),
                ("confirmed", models.BigIntegerField(db_default=0, help_text="the provider says that the mailbox took it")),
                ("bounced_hard", models.BigIntegerField(db_default=0, help_text="told later: the address is dead")),
                ("bounced_soft", models.BigIntegerField(db_default=0, help_text="told later: refused for another reason")),
                ("blocked", models.BigIntegerField(db_default=0, help_text="told later: our side was refused")),
                ("came_back", models.BigIntegerField(db_default=0, help_text="the first of the three above")),
            ],
            options={"ordering": ["day"]},
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="chunk",
            index=models.Index(condition=models.Q(("attempt", 1)), fields=["message", "first_position"], name="chunk_first"),
        ),
        migrations.AddIndex(
            model_name="chunk",
            index=models.Index(
                models.F("message"), models.F("contact_ids__0"), condition=models.Q(("attempt", 1)), name="chunk_lowest"
            ),
        ),
    ]

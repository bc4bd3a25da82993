"""What each account was given by the day, so that a daily limit can be kept to without reading recipients."""

from django.db import migrations

CREATE = """
CREATE TABLE outbound_accountday (
    day date NOT NULL,
    provider_id bigint NOT NULL,
    slot smallint NOT NULL,
    given bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (day, provider_id, slot)
) WITH (fillfactor = 50);
-- Today's, once: what was scheduled for longer than a month is not looked for.
INSERT INTO outbound_accountday (day, provider_id, slot, given)
SELECT (now() AT TIME ZONE 'UTC')::date, provider_id, 0, count(*) FROM outbound_recipient
WHERE provider_id IS NOT NULL AND state IN (3, 4, 10)
    AND at >= date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
    AND month >= (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month')::date
GROUP BY provider_id;
"""
DROP = "DROP TABLE outbound_accountday"


class Migration(migrations.Migration):
    dependencies = [("outbound", "0006_deeds")]
    operations = [migrations.RunSQL(CREATE, DROP)]

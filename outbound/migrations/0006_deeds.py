"""Who of each campaign's recipients opened and clicked, as bits of contacts; and the list of what these do not know yet.

outbound/deeds.py reads and rebuilds them; docs/adr/0003-audience.md tells why.
"""

from django.db import migrations

CREATE = """
CREATE TABLE outbound_deed (message_id bigint NOT NULL, kind smallint NOT NULL, block integer NOT NULL, bits bit(2048) NOT NULL);
CREATE INDEX outbound_deed_found ON outbound_deed (message_id, kind);
-- The messages whose recipients stand there.
CREATE TABLE outbound_deed_known (message_id bigint PRIMARY KEY);
-- Positions of such messages whose engagement changed since.
CREATE TABLE outbound_deed_news (message_id bigint NOT NULL, positions integer[] NOT NULL);

-- Writers only ever append here, so they never wait for each other. The schema is taken from the table that was
-- written to: recorders have no search path.
CREATE FUNCTION outbound_note_deeds() RETURNS trigger LANGUAGE plpgsql AS $note$
DECLARE
    changed text := 'after c WHERE (c.human_opened_at IS NOT NULL OR c.human_clicked_at IS NOT NULL)';
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('DELETE FROM %I.outbound_deed', TG_TABLE_SCHEMA);
        EXECUTE format('DELETE FROM %I.outbound_deed_known', TG_TABLE_SCHEMA);
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' THEN
        changed := replace(changed, 'after', 'before');
    ELSIF TG_OP = 'UPDATE' THEN
        changed := 'after c JOIN before b USING (message_id, position) WHERE '
            '(c.human_opened_at IS NULL, c.human_clicked_at IS NULL) <> (b.human_opened_at IS NULL, b.human_clicked_at IS NULL)';
    END IF;
    EXECUTE format('INSERT INTO %1$I.outbound_deed_news (message_id, positions) SELECT message_id, array_agg(position) FROM '
        || changed || ' AND message_id IN (SELECT message_id FROM %1$I.outbound_deed_known) GROUP BY message_id', TG_TABLE_SCHEMA);
    RETURN NULL;
END
$note$;

CREATE TRIGGER outbound_deeds_insert AFTER INSERT ON outbound_engagement
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION outbound_note_deeds();
CREATE TRIGGER outbound_deeds_update AFTER UPDATE ON outbound_engagement
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION outbound_note_deeds();
CREATE TRIGGER outbound_deeds_delete AFTER DELETE ON outbound_engagement
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION outbound_note_deeds();
CREATE TRIGGER outbound_deeds_truncate AFTER TRUNCATE ON outbound_engagement
    FOR EACH STATEMENT EXECUTE FUNCTION outbound_note_deeds();
"""
DROP = """
DROP TRIGGER outbound_deeds_insert ON outbound_engagement;
DROP TRIGGER outbound_deeds_update ON outbound_engagement;
DROP TRIGGER outbound_deeds_delete ON outbound_engagement;
DROP TRIGGER outbound_deeds_truncate ON outbound_engagement;
DROP FUNCTION outbound_note_deeds();
DROP TABLE outbound_deed_news;
DROP TABLE outbound_deed_known;
DROP TABLE outbound_deed;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0005_submissions")]
    operations = [migrations.RunSQL(CREATE, DROP)]

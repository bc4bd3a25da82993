"""Facets: who has which tag, status, language or attribute, as bits; and the list of what they do not know yet.

docs/adr/0003-audience.md tells why; contacts/targeting reads and rebuilds them.
"""

import django.contrib.postgres.indexes
from django.db import migrations

CREATE = """
CREATE TABLE contacts_facet (
    facet text COLLATE "C" NOT NULL,
    block integer NOT NULL,
    value jsonb,
    highest jsonb,
    positions smallint[],
    bits bit(2048) NOT NULL
);
CREATE INDEX contacts_facet_found ON contacts_facet (facet, value, block);
CREATE INDEX contacts_facet_block ON contacts_facet (block);
-- One of: a contact (id and block), a whole block, an address.
CREATE TABLE contacts_stale (block integer, id bigint, email_key varchar(320));

-- Writers only ever append here, so they never wait for each other. The schema is taken from the table that was
-- written to: connections without a search path write contacts too.
CREATE FUNCTION contacts_note_stale() RETURNS trigger LANGUAGE plpgsql AS $note$
DECLARE
    changed text;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('INSERT INTO %I.contacts_stale (block) SELECT DISTINCT block FROM %I.contacts_facet',
            TG_TABLE_SCHEMA, TG_TABLE_SCHEMA);
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'contacts_suppression' THEN
        changed := 'INSERT INTO %I.contacts_stale (email_key) SELECT DISTINCT email_key FROM ';
        IF TG_OP <> 'DELETE' THEN EXECUTE format(changed || 'after', TG_TABLE_SCHEMA); END IF;
        IF TG_OP <> 'INSERT' THEN EXECUTE format(changed || 'before', TG_TABLE_SCHEMA); END IF;
        RETURN NULL;
    END IF;
    -- Where many of a block changed at once, the block is noted.
    changed := 'INSERT INTO %I.contacts_stale (block, id) SELECT DISTINCT (id >> 11)::integer,'
        ' CASE WHEN count(*) OVER (PARTITION BY id >> 11) < 64 THEN id END FROM ';
    IF TG_OP = 'INSERT' THEN
        EXECUTE format(changed || 'after', TG_TABLE_SCHEMA);
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format(changed || 'before', TG_TABLE_SCHEMA);
    ELSE
        EXECUTE format(changed || 'after a JOIN before b USING (id) WHERE '
            '(a.status, a.language, a.tags, a.attributes, a.email_key) IS DISTINCT FROM '
            '(b.status, b.language, b.tags, b.attributes, b.email_key)', TG_TABLE_SCHEMA);
    END IF;
    RETURN NULL;
END
$note$;

CREATE TRIGGER contacts_stale_insert AFTER INSERT ON contacts_contact
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER contacts_stale_update AFTER UPDATE ON contacts_contact
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER contacts_stale_delete AFTER DELETE ON contacts_contact
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER suppression_stale_insert AFTER INSERT ON contacts_suppression
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER suppression_stale_update AFTER UPDATE ON contacts_suppression
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER suppression_stale_delete AFTER DELETE ON contacts_suppression
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER contacts_stale_truncate AFTER TRUNCATE ON contacts_contact
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();
CREATE TRIGGER suppression_stale_truncate AFTER TRUNCATE ON contacts_suppression
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_stale();

INSERT INTO contacts_stale (block) SELECT DISTINCT (id >> 11)::integer FROM contacts_contact;
"""
DROP = """
DROP TRIGGER contacts_stale_insert ON contacts_contact;
DROP TRIGGER contacts_stale_update ON contacts_contact;
DROP TRIGGER contacts_stale_delete ON contacts_contact;
DROP TRIGGER suppression_stale_insert ON contacts_suppression;
DROP TRIGGER suppression_stale_update ON contacts_suppression;
DROP TRIGGER suppression_stale_delete ON contacts_suppression;
DROP TRIGGER contacts_stale_truncate ON contacts_contact;
DROP TRIGGER suppression_stale_truncate ON contacts_suppression;
DROP FUNCTION contacts_note_stale();
DROP TABLE contacts_stale;
DROP TABLE contacts_facet;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]
    operations = [
        migrations.AddIndex(
            model_name="contact",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["attributes"], name="contact_attributes", opclasses=["jsonb_path_ops"]
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]

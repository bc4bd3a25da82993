"""Data sources that are synced, their runs, and how many contacts came from each.

Counting a million rows of an index takes a tenth of a second, so every change of contacts leaves a line with what it
added or took away. Writers only append and never wait for each other; contacts.sources.counting sums the lines up.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

CREATE = """
CREATE TABLE contacts_sourcetally (source_id bigint NOT NULL, change bigint NOT NULL);
CREATE INDEX contacts_sourcetally_source ON contacts_sourcetally (source_id) INCLUDE (change);

CREATE FUNCTION contacts_note_source() RETURNS trigger LANGUAGE plpgsql AS $note$
DECLARE
    line text := 'INSERT INTO %I.contacts_sourcetally (source_id, change)'
        ' SELECT source_id, %s FROM %s WHERE source_id IS NOT NULL GROUP BY source_id';
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('DELETE FROM %I.contacts_sourcetally', TG_TABLE_SCHEMA);
    ELSIF TG_OP = 'INSERT' THEN
        EXECUTE format(line, TG_TABLE_SCHEMA, 'count(*)', 'after');
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format(line, TG_TABLE_SCHEMA, '-count(*)', 'before');
    ELSE
        EXECUTE format('INSERT INTO %I.contacts_sourcetally (source_id, change)'
            ' SELECT * FROM (VALUES ($1, -1), ($2, 1)) v(source_id, change) WHERE source_id IS NOT NULL', TG_TABLE_SCHEMA)
            USING OLD.source_id, NEW.source_id;
    END IF;
    RETURN NULL;
END
$note$;

CREATE TRIGGER contacts_source_insert AFTER INSERT ON contacts_contact
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_source();
CREATE TRIGGER contacts_source_delete AFTER DELETE ON contacts_contact
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_source();
CREATE TRIGGER contacts_source_update AFTER UPDATE OF source_id ON contacts_contact
    FOR EACH ROW WHEN (OLD.source_id IS DISTINCT FROM NEW.source_id) EXECUTE FUNCTION contacts_note_source();
CREATE TRIGGER contacts_source_truncate AFTER TRUNCATE ON contacts_contact
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_note_source();

INSERT INTO contacts_sourcetally (source_id, change)
SELECT source_id, count(*) FROM contacts_contact WHERE source_id IS NOT NULL GROUP BY source_id;
"""
DROP = """
DROP TRIGGER contacts_source_insert ON contacts_contact;
DROP TRIGGER contacts_source_delete ON contacts_contact;
DROP TRIGGER contacts_source_update ON contacts_contact;
DROP TRIGGER contacts_source_truncate ON contacts_contact;
DROP FUNCTION contacts_note_source();
DROP TABLE contacts_sourcetally;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0004_segments")]

    operations = [
        migrations.AddField(
            model_name='datasource',
            name='config',
            field=models.JSONField(blank=True, default=dict, help_text='as contacts.sources.config reads it; no secret in it'),
        ),
        migrations.AddField(
            model_name='datasource',
            name='high_water',
            field=models.CharField(blank=True, default='', help_text='newest change that was synced', max_length=64),
        ),
        migrations.AddField(
            model_name='datasource',
            name='is_active',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='datasource',
            name='last_error',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='datasource',
            name='last_sync_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='datasource',
            name='sealed_secret',
            field=models.TextField(blank=True, default='', help_text='token or password, see common.secrets'),
        ),
        migrations.AddField(
            model_name='datasource',
            name='updated_at',
            field=models.DateTimeField(auto_now=True, default=django.utils.timezone.now),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name='SourceRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting to begin'), ('running', 'Running'), ('finished', 'Finished'), ('failed', 'Failed: the next sync goes on where it stopped, if the source lets it')], default='waiting', max_length=10)),
                ('force', models.BooleanField(default=False, help_text='everything, not only what changed since the last sync')),
                ('config', models.JSONField(blank=True, default=dict, help_text="the source's, as it was when the run was asked for")),
                ('position', models.JSONField(blank=True, default=dict, help_text='what comes next; empty: the beginning')),
                ('since', models.CharField(blank=True, default='', help_text='high-water mark it began with', max_length=64)),
                ('high_water', models.CharField(blank=True, default='', help_text='newest change met so far', max_length=64)),
                ('attempts', models.PositiveIntegerField(default=0, help_text='failed requests in a row')),
                ('wait_until', models.DateTimeField(blank=True, help_text='the source is not asked before', null=True)),
                ('pages', models.BigIntegerField(default=0)),
                ('seen', models.BigIntegerField(default=0)),
                ('created', models.BigIntegerField(default=0)),
                ('updated', models.BigIntegerField(default=0)),
                ('unchanged', models.BigIntegerField(default=0)),
                ('duplicates', models.BigIntegerField(default=0)),
                ('invalid', models.BigIntegerField(default=0)),
                ('rejects', models.JSONField(blank=True, default=list, help_text='the first items that were refused: page, item, why')),
                ('notes', models.JSONField(blank=True, default=list, help_text='what was left out: message, example, count, item')),
                ('error', models.TextField(blank=True, default='')),
                ('requested_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='contacts.datasource')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'running'])), fields=('source',), name='source_run_once')],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]

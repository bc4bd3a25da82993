"""What is known about addresses: states, runs, and how many contacts are in each state.

Counting a million rows takes too long for a page. Each statement that writes contacts notes by how much it changed the
numbers; their sum is exact in every snapshot, and contacts.validation.counting folds the notes into one row a state.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

CREATE = """
CREATE TABLE contacts_validation_tally (state varchar(8) NOT NULL, count bigint NOT NULL);
INSERT INTO contacts_validation_tally (state, count)
    SELECT validation_state, count(*) FROM contacts_contact GROUP BY validation_state;

-- Writers only ever append here, so they never wait for each other. The schema is taken from the table that was
-- written to: connections without a search path write contacts too.
CREATE FUNCTION contacts_tally_validation() RETURNS trigger LANGUAGE plpgsql AS $tally$
DECLARE
    changed text;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        EXECUTE format('DELETE FROM %I.contacts_validation_tally', TG_TABLE_SCHEMA);
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        changed := 'SELECT validation_state, 1 AS n FROM after';
    ELSIF TG_OP = 'DELETE' THEN
        changed := 'SELECT validation_state, -1 AS n FROM before';
    ELSE
        changed := 'SELECT validation_state, 1 AS n FROM after UNION ALL SELECT validation_state, -1 FROM before';
    END IF;
    EXECUTE format('INSERT INTO %I.contacts_validation_tally (state, count)'
        ' SELECT validation_state, sum(n) FROM (', TG_TABLE_SCHEMA)
        || changed || ') c GROUP BY validation_state HAVING sum(n) <> 0';
    RETURN NULL;
END
$tally$;

CREATE TRIGGER contacts_tally_insert AFTER INSERT ON contacts_contact
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_validation();
CREATE TRIGGER contacts_tally_update AFTER UPDATE ON contacts_contact
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_validation();
CREATE TRIGGER contacts_tally_delete AFTER DELETE ON contacts_contact
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_validation();
CREATE TRIGGER contacts_tally_truncate AFTER TRUNCATE ON contacts_contact
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_tally_validation();

-- What was found out belongs to the address, not to the person.
CREATE FUNCTION contacts_forget_validation() RETURNS trigger LANGUAGE plpgsql AS $forget$
BEGIN
    NEW.validation_state := 'pending';
    NEW.validation_reason := '';
    NEW.validated_at := NULL;
    RETURN NEW;
END
$forget$;

CREATE TRIGGER contacts_new_address BEFORE UPDATE OF email_key ON contacts_contact
    FOR EACH ROW WHEN (OLD.email_key IS DISTINCT FROM NEW.email_key) EXECUTE FUNCTION contacts_forget_validation();
"""
DROP = """
DROP TRIGGER contacts_new_address ON contacts_contact;
DROP TRIGGER contacts_tally_insert ON contacts_contact;
DROP TRIGGER contacts_tally_update ON contacts_contact;
DROP TRIGGER contacts_tally_delete ON contacts_contact;
DROP TRIGGER contacts_tally_truncate ON contacts_contact;
DROP FUNCTION contacts_forget_validation();
DROP FUNCTION contacts_tally_validation();
DROP TABLE contacts_validation_tally;
"""
STATES = [
    ("pending", "Pending: not checked yet, or the DNS gave no answer"),
    ("valid", "Valid: its domain takes mail"),
    ("risky", "Risky: a throw-away address, a role, or a slip of the keyboard"),
    ("invalid", "Invalid: mail cannot reach it"),
]
REASONS = [
    ("syntax", "It is no address"),
    ("no_domain", "There is no such domain"),
    ("no_mail_server", "The domain has no server for mail"),
    ("null_mx", "The domain says that it takes no mail"),
    ("typo", "It looks like a misspelled domain of a large provider"),
    ("disposable", "A throw-away address"),
    ("role", "A function, not a person"),
    ("unanswered", "The DNS gave no answer; it is asked again"),
]
RUN_STATES = [
    ("waiting", "Waiting to begin"),
    ("running", "Running"),
    ("retrying", "Asks the DNS again where it gave no answer"),
    ("finished", "Finished"),
]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0005_source_runs")]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="validation_state",
            field=models.CharField(
                choices=STATES, db_default="pending", default="pending", editable=False, max_length=8
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="validation_reason",
            field=models.CharField(
                blank=True, choices=REASONS, db_default="", default="", editable=False, max_length=16
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="validated_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("validation_state", "pending")), fields=["id"], name="contact_pending"
            ),
        ),
        migrations.CreateModel(
            name="ValidationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(choices=RUN_STATES, default="waiting", max_length=10)),
                (
                    "of_all",
                    models.BooleanField(default=True, help_text="all that are pending; else those in contact_ids"),
                ),
                (
                    "contact_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                (
                    "most",
                    models.BigIntegerField(blank=True, help_text="of the pending ones; empty: all", null=True),
                ),
                (
                    "last_id",
                    models.BigIntegerField(help_text="contacts that were made later are left to the next run"),
                ),
                (
                    "position",
                    models.BigIntegerField(
                        default=0, help_text="id of the last contact that is dealt with in this round"
                    ),
                ),
                ("round", models.SmallIntegerField(default=0, help_text="how often the DNS was asked again")),
                ("total", models.BigIntegerField(default=0)),
                ("checked", models.BigIntegerField(default=0)),
                ("valid", models.BigIntegerField(default=0)),
                ("risky", models.BigIntegerField(default=0)),
                ("invalid", models.BigIntegerField(default=0)),
                ("unanswered", models.BigIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                (
                    "again_at",
                    models.DateTimeField(blank=True, help_text="when the DNS is asked again", null=True),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tag",
                    models.ForeignKey(
                        blank=True,
                        help_text="put on invalid contacts",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="contacts.tag",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("of_all", True), ("state__in", ["waiting", "running"])),
                        fields=("of_all",),
                        name="validation_of_all_once",
                    )
                ],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]

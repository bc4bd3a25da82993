"""Indexes for lists of a million contacts: by a status that few have, by the beginning of a name."""

import django.contrib.postgres.indexes
from django.db import migrations, models

# By hand, because Django gives an expression its operator class only where django.contrib.postgres is installed.
# Both are needed: the search looks for either name, and with one of them missing it would read everybody.
CREATE = """
CREATE INDEX contact_last_name ON contacts_contact (upper(last_name) text_pattern_ops);
CREATE INDEX contact_first_name ON contacts_contact (upper(first_name) text_pattern_ops);
"""
DROP = """
DROP INDEX contact_last_name;
DROP INDEX contact_first_name;
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0006_validation")]

    operations = [
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("status", "active"), _negated=True), fields=["status", "-id"], name="contact_not_active"
            ),
        ),
        migrations.RunSQL(CREATE, DROP),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                fields=["language", "id"], name="contact_language", opclasses=["varchar_pattern_ops", "int8_ops"]
            ),
        ),
        migrations.AddIndex(
            model_name="contact", index=models.Index(fields=["country", "id"], name="contact_country")
        ),
        migrations.AddIndex(
            model_name="contact",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["updated_at"], name="contact_updated", pages_per_range=16
            ),
        ),
        migrations.AddIndex(
            model_name="suppression", index=models.Index(fields=["reason", "-id"], name="suppression_reason")
        ),
    ]

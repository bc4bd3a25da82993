"""Cheaper indexes for whoever writes many contacts: docs/performance.md tells what each costs.

Two of them only get other settings, which need no new index.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

ALTER = """
ALTER INDEX contact_tags SET (fastupdate = on, gin_pending_list_limit = 512);
ALTER INDEX contact_attributes SET (gin_pending_list_limit = 1024);
"""
RESTORE = """
ALTER INDEX contact_attributes RESET (gin_pending_list_limit);
ALTER INDEX contact_tags SET (fastupdate = off);
ALTER INDEX contact_tags RESET (gin_pending_list_limit);
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_growth")]

    operations = [
        migrations.RunSQL(
            ALTER,
            RESTORE,
            state_operations=[
                migrations.RemoveIndex(model_name="contact", name="contact_tags"),
                migrations.RemoveIndex(model_name="contact", name="contact_attributes"),
                migrations.AddIndex(
                    model_name="contact",
                    index=django.contrib.postgres.indexes.GinIndex(
                        fields=["tags"], name="contact_tags", fastupdate=True, gin_pending_list_limit=512
                    ),
                ),
                migrations.AddIndex(
                    model_name="contact",
                    index=django.contrib.postgres.indexes.GinIndex(
                        fields=["attributes"],
                        name="contact_attributes",
                        opclasses=["jsonb_path_ops"],
                        gin_pending_list_limit=1024,
                    ),
                ),
            ],
        ),
        # One index in place of two: it finds an address as well as the beginning of one.
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.UniqueConstraint(
                fields=["email_key"], name="contact_email_key", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.AlterField(model_name="contact", name="email_key", field=models.CharField(max_length=320)),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["source"], name="contact_source", condition=models.Q(source__isnull=False)),
        ),
        migrations.AlterField(
            model_name="contact",
            name="source",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="contacts",
                to="contacts.datasource",
            ),
        ),
    ]

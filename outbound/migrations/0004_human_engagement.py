"""Opens and clicks of people, told from those of machines. What is there already stays undecided: NULL, and counted as 0."""

from django.db import migrations, models

ADD = """
ALTER TABLE outbound_event ADD COLUMN human boolean;
ALTER TABLE outbound_engagement
    ADD COLUMN human_opened_at timestamptz,
    ADD COLUMN human_clicked_at timestamptz,
    ADD COLUMN human_links smallint[] NOT NULL DEFAULT '{}';
"""
REMOVE = """
ALTER TABLE outbound_engagement DROP COLUMN human_links, DROP COLUMN human_clicked_at, DROP COLUMN human_opened_at;
ALTER TABLE outbound_event DROP COLUMN human;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0003_growth")]

    operations = [
        migrations.RunSQL(ADD, REMOVE),
        migrations.AddField(
            model_name="tally",
            name="human_count",
            field=models.BigIntegerField(db_default=0, help_text="of them by people"),
        ),
        migrations.AddField(
            model_name="tally",
            name="human_uniques",
            field=models.BigIntegerField(
                db_default=0, help_text="recipients for whom it was the first by a person of its kind (and link)"
            ),
        ),
        migrations.AddField(
            model_name="daily",
            name="human_opened",
            field=models.BigIntegerField(db_default=0, help_text="opened for the first time, by a person"),
        ),
        migrations.AddField(
            model_name="daily",
            name="human_clicked",
            field=models.BigIntegerField(db_default=0, help_text="clicked for the first time, by a person"),
        ),
        migrations.AlterField(
            model_name="daily",
            name="slot",
            field=models.SmallIntegerField(help_text="0 to 3: the engine; 4 to 7: recorders; from 8: their corrections"),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_calls")]

    operations = [
        migrations.CreateModel(
            name="HookCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(help_text="mailwizz, powermta, generic", max_length=20)),
                ("digest", models.BinaryField(help_text="BLAKE2b of the body", max_length=16)),
                ("content_type", models.CharField(blank=True, default="", max_length=120)),
                ("body", models.BinaryField(help_text="as it came, after gzip")),
                ("caller", models.CharField(blank=True, default="", help_text="the name of the key", max_length=120)),
                ("deliveries", models.IntegerField(default=1, help_text="how often it came")),
                ("events", models.IntegerField(default=0)),
                ("applied", models.IntegerField(default=0)),
                ("duplicates", models.IntegerField(default=0)),
                ("ignored", models.IntegerField(default=0)),
                ("received_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["source", "digest"], name="hook_call_once")]},
        ),
        migrations.CreateModel(
            name="HookEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=20)),
                ("key", models.BinaryField(help_text="BLAKE2b of the event's id or content", max_length=16)),
                ("received_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["source", "key"], name="hook_event_once")]},
        ),
    ]

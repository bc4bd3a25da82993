from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: list = []

    operations = [
        migrations.CreateModel(
            name="AnsweredCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("caller", models.CharField(help_text="key:<id> or user:<id>", max_length=32)),
                ("key", models.CharField(max_length=255)),
                (
                    "fingerprint",
                    models.BinaryField(help_text="of the method, the path and the body", max_length=32),
                ),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("headers", models.JSONField(default=dict)),
                (
                    "body",
                    models.TextField(
                        default="", help_text="encrypted: some answers hold what is shown only once"
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="answered_call_age")],
                "constraints": [
                    models.UniqueConstraint(models.F("caller"), models.F("key"), name="answered_call_once")
                ],
            },
        ),
    ]

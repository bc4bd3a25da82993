from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_import_warnings")]

    operations = [
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, unique=True)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "tree",
                    models.JSONField(help_text="the conditions, as contacts.segments.parsing reads them"),
                ),
                (
                    "last_count",
                    models.BigIntegerField(
                        blank=True, help_text="contacts it had when it was last counted", null=True
                    ),
                ),
                (
                    "last_mailable",
                    models.BigIntegerField(blank=True, help_text="of these, the ones that may be mailed", null=True),
                ),
                ("counted_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={"ordering": ["-id"]},
        ),
    ]

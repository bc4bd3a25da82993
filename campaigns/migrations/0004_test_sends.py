import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_variants")]

    operations = [
        migrations.CreateModel(
            name="TestSend",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(max_length=320)),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("waiting", "Being handed over"),
                            ("sent", "The provider took it"),
                            ("refused", "The provider refused it for good (5xx)"),
                            ("deferred", "The provider refused it for now (4xx); it is not tried again"),
                            ("suppressed", "The address bounced or complained before"),
                            ("failed", "It was not handed over"),
                            ("in_doubt", "Handed over, no answer"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("code", models.SmallIntegerField(help_text="reply code of the provider", null=True)),
                ("reason", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="test_sends",
                        to="campaigns.campaign",
                    ),
                ),
            ],
            options={"ordering": ["-id"]},
        ),
    ]

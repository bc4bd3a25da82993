import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

_WINNER_BY = [
    ("opens", "Opens: people who opened, of those whom the mail reached"),
    ("clicks", "Clicks: people who clicked, of those whom the mail reached"),
    ("hand", "By hand"),
]


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_segment")]

    operations = [
        migrations.CreateModel(
            name="Variant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(help_text="order, from 1: of equals the first wins")),
                ("name", models.CharField(max_length=80)),
                (
                    "subject",
                    models.CharField(blank=True, default="", help_text="empty: the template's", max_length=500),
                ),
                ("share", models.PositiveSmallIntegerField(help_text="percent of the audience")),
                (
                    "versions",
                    models.JSONField(
                        default=list, help_text="frozen with the audience: template, languages, content of each"
                    ),
                ),
                (
                    "delivered",
                    models.BigIntegerField(help_text="when the winner was chosen; so are the next two", null=True),
                ),
                (
                    "human_opened",
                    models.BigIntegerField(help_text="people who opened, without machines", null=True),
                ),
                (
                    "human_clicked",
                    models.BigIntegerField(help_text="people who clicked, without machines", null=True),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="variants", to="campaigns.campaign"
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        blank=True,
                        help_text="empty: the campaign's",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="variants",
                        to="campaigns.template",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [
                    models.UniqueConstraint(models.F("campaign"), models.F("number"), name="variant_number_once"),
                    models.UniqueConstraint(models.F("campaign"), models.F("name"), name="variant_name_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SplitTest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("winner_by", models.CharField(choices=_WINNER_BY, default="opens", max_length=6)),
                (
                    "decide_after_minutes",
                    models.PositiveIntegerField(default=60, help_text="counted from the beginning of sending"),
                ),
                (
                    "decides_at",
                    models.DateTimeField(
                        blank=True, help_text="set with the audience; empty: not by itself", null=True
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, choices=_WINNER_BY, default="", max_length=6)),
                ("reason", models.TextField(blank=True, default="", help_text="why it won, in words")),
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="split_test", to="campaigns.campaign"
                    ),
                ),
                (
                    "winner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                        to="campaigns.variant",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="campaignpart",
            name="variant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="parts",
                to="campaigns.variant",
            ),
        ),
        migrations.AddField(
            model_name="campaignpart",
            name="is_rest",
            field=models.BooleanField(default=False, help_text="those who get the winner"),
        ),
        migrations.AddField(
            model_name="campaignpart",
            name="spoken",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=12),
                blank=True,
                default=list,
                help_text="of the rest: the languages of its contacts",
                size=None,
            ),
        ),
    ]

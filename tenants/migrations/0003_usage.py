import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_key_rules")]

    operations = [
        migrations.CreateModel(
            name="Usage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.BigIntegerField(default=0, help_text="0: the tenant as a whole")),
                ("day", models.DateField(help_text="UTC")),
                ("used", models.PositiveBigIntegerField(default=0)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint("tenant", "key_id", "day", name="usage_once")]},
        ),
        migrations.CreateModel(
            name="CallCount",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("most", models.BigIntegerField()),
                ("used", models.BigIntegerField()),
            ],
        ),
        # Counted at each call, worth nothing after its window: no write-ahead log, and room to update in place.
        migrations.RunSQL(
            "ALTER TABLE tenants_callcount SET UNLOGGED; ALTER TABLE tenants_callcount SET (fillfactor = 50)",
            migrations.RunSQL.noop,
        ),
    ]

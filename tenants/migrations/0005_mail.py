from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_profile")]

    operations = [
        migrations.CreateModel(
            name="WaitingMail",
            fields=[
                ("schema", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField(db_index=True, help_text="of the first of its single messages")),
            ],
        ),
        migrations.CreateModel(
            name="Setting",
            fields=[
                ("name", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("updated_by", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={"ordering": ["name"]},
        ),
    ]

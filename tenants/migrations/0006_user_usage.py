from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_mail")]

    operations = [
        migrations.AddField(
            model_name="usage",
            name="user_ref",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="as a program names them; their key_id is below 0",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="usage",
            name="key_id",
            field=models.BigIntegerField(default=0, help_text="0: the tenant as a whole; below 0: one of its users"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(
                condition=models.Q(("key_id", 0)), fields=["day"], include=("used",), name="usage_of_tenants"
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="hourly_limit",
            field=models.PositiveIntegerField(help_text="calls of the relay's API an hour; 0: any number"),
        ),
        migrations.AlterField(
            model_name="plan",
            name="daily_limit",
            field=models.PositiveIntegerField(help_text="single messages a day, and calls of the relay's API"),
        ),
        migrations.AlterField(
            model_name="plan",
            name="burst",
            field=models.PositiveIntegerField(help_text="calls of the relay's API in a second"),
        ),
    ]

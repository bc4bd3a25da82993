from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_user_usage")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="tracks_single_mail",
            field=models.BooleanField(
                "Track opens and clicks of single mail",
                db_default=False,
                default=False,
                help_text="of what programs send, password resets included; campaigns say for themselves",
            ),
        ),
    ]

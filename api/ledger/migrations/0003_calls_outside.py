from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_hooks")]

    operations = [
        migrations.AddField(
            model_name="answeredcall",
            name="running_until",
            field=models.DateTimeField(
                help_text="of a call that works outside the database: when it is over, or in doubt", null=True
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_usage")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="brand_domain",
            field=models.CharField(blank=True, default="", help_text="in ASCII form", max_length=253),
        ),
        migrations.AddField(
            model_name="tenant",
            name="sender_name",
            field=models.CharField(blank=True, default="", help_text="of campaigns that name no sender", max_length=120),
        ),
        migrations.AddField(
            model_name="tenant",
            name="sender_address",
            field=models.CharField(
                blank=True, default="", help_text="empty: news@ the first sending domain", max_length=254
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="reply_to",
            field=models.CharField(blank=True, default="", max_length=254),
        ),
    ]

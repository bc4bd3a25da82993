from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0005_source_runs")]

    operations = []

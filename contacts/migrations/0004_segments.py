from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_import_warnings")]

    operations = []

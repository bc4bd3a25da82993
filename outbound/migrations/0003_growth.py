from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("outbound", "0002_partitioned_tables")]

    operations = []

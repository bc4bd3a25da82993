"""Endpoints and deliveries, in the tenant's schema."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(max_length=2000)),
                ('description', models.CharField(blank=True, default='', max_length=200)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), help_text='api.callbacks.kinds; * is all of them', size=None)),
                ('format', models.CharField(choices=[('standard', 'Standard: all that is known of the event'), ('aegis', 'Aegis: message_id, status, timestamp, error, attempts')], default='standard', max_length=10)),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused: nothing is sent, what waits is kept')], default='active', max_length=10)),
                ('pause_reason', models.TextField(blank=True, default='', help_text='empty: a person paused it')),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('origin', models.CharField(blank=True, default='', help_text='environment: from WEBHOOK_URL', max_length=20)),
                ('sealed_secret', models.TextField()),
                ('sealed_previous_secret', models.TextField(blank=True, default='')),
                ('previous_until', models.DateTimeField(blank=True, help_text='until then the one before signs too', null=True)),
                ('failures', models.PositiveIntegerField(default=0, help_text='failed tries since the last success')),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('resting_until', models.DateTimeField(blank=True, help_text='nothing is tried before', null=True)),
                ('last_success_at', models.DateTimeField(blank=True, null=True)),
                ('last_error', models.TextField(blank=True, default='')),
                ('last_error_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.UUIDField(help_text='webhook-id, the same at every try')),
                ('kind', models.CharField(max_length=16)),
                ('at', models.DateTimeField(help_text='when it happened')),
                ('month', models.DateField(null=True)),
                ('message_id', models.BigIntegerField(help_text='empty: a test', null=True)),
                ('position', models.IntegerField(default=-1)),
                ('lane', models.IntegerField(default=-1, help_text="-1: all of the message; else the recipient's position")),
                ('attempt', models.SmallIntegerField(help_text='of sending the mail', null=True)),
                ('code', models.SmallIntegerField(null=True)),
                ('detail', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('waiting', 'Waiting for its first or next try'), ('delivered', 'Delivered: answered with 2xx'), ('given_up', 'Given up after the last try')], default='waiting', max_length=10)),
                ('tries', models.SmallIntegerField(db_default=0, default=0)),
                ('due_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField(help_text='a courier has it in hand until then', null=True)),
                ('last_try_at', models.DateTimeField(null=True)),
                ('last_status', models.SmallIntegerField(help_text='of the answer; empty: there was none', null=True)),
                ('last_error', models.TextField(db_default='', default='')),
                ('duration_ms', models.IntegerField(null=True)),
                ('answer', models.TextField(db_default='', default='', help_text='its first 1,024 bytes')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='callbacks.endpoint')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['endpoint', 'due_at', 'id'], name='delivery_due'), models.Index(condition=models.Q(('state', 'waiting')), fields=['endpoint', 'message_id', 'lane', 'id'], name='delivery_lane'), models.Index(fields=['endpoint', 'id'], name='delivery_of_endpoint'), models.Index(fields=['message_id', 'id'], name='delivery_of_message'), models.Index(fields=['created_at'], name='delivery_age')],
            },
        ),
    ]

"""What programs hand in one by one: content, queue, batches on their way, and the news that others want to hear."""

import django.db.models.deletion
from django.db import migrations, models

CREATE = """
CREATE TABLE outbound_submission (
    month date NOT NULL,
    message_id bigint NOT NULL,
    door varchar(12) NOT NULL,
    state varchar(10) NOT NULL,
    key_id bigint,
    user_ref varchar(200) NOT NULL DEFAULT '',
    campaign_ref varchar(200) NOT NULL DEFAULT '',
    from_address varchar(320) NOT NULL,
    from_name varchar(200) NOT NULL DEFAULT '',
    reply_to jsonb NOT NULL DEFAULT '[]',
    recipients jsonb NOT NULL,
    addresses text[] NOT NULL,
    subject text NOT NULL,
    html text NOT NULL DEFAULT '',
    text text NOT NULL DEFAULT '',
    headers jsonb NOT NULL DEFAULT '[]',
    metadata jsonb NOT NULL DEFAULT '{}',
    priority smallint NOT NULL DEFAULT 3,
    size integer NOT NULL DEFAULT 0,
    tracked boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    send_at timestamptz,
    processed_at timestamptz,
    error text NOT NULL DEFAULT '',
    retries smallint NOT NULL DEFAULT 0,
    provider_id bigint,
    provider_reference varchar(200) NOT NULL DEFAULT '',
    PRIMARY KEY (month, message_id)
) PARTITION BY RANGE (month);
CREATE INDEX outbound_submission_state ON outbound_submission (state, message_id);
CREATE INDEX outbound_submission_created ON outbound_submission USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX outbound_submission_processed ON outbound_submission (processed_at) WHERE processed_at IS NOT NULL;
-- Counting one sender's mail compares the address itself.
CREATE INDEX outbound_submission_sender ON outbound_submission (lower(from_address) text_pattern_ops, message_id)
    INCLUDE (from_address);
CREATE INDEX outbound_submission_campaign ON outbound_submission (campaign_ref, message_id) WHERE campaign_ref <> '';
CREATE INDEX outbound_submission_user ON outbound_submission (user_ref, message_id) WHERE user_ref <> '';
CREATE INDEX outbound_submission_addresses ON outbound_submission USING gin (addresses) WITH (fastupdate = off);

CREATE TABLE outbound_attachment (
    month date NOT NULL,
    message_id bigint NOT NULL,
    number smallint NOT NULL,
    filename varchar(255) NOT NULL,
    content_type varchar(127) NOT NULL,
    content_id varchar(255) NOT NULL DEFAULT '',
    size integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (month, message_id, number)
) PARTITION BY RANGE (month);
-- Mostly compressed already: trying again costs time and gains nothing.
ALTER TABLE outbound_attachment ALTER COLUMN content SET STORAGE EXTERNAL;

-- Who waits for a try. A row is taken into a batch, and removed when the recipient's outcome is written.
CREATE TABLE outbound_queue (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month date NOT NULL,
    message_id bigint NOT NULL,
    position integer NOT NULL,
    email varchar(320) NOT NULL,
    priority smallint NOT NULL,
    due_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    attempt smallint NOT NULL DEFAULT 1,
    batch_id bigint,
    place smallint
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbound_queue_due ON outbound_queue (priority, due_at, id) WHERE batch_id IS NULL;
CREATE INDEX outbound_queue_batch ON outbound_queue (batch_id, place) WHERE batch_id IS NOT NULL;
CREATE UNIQUE INDEX outbound_queue_recipient ON outbound_queue (message_id, position);

-- What one sender has in hand: leased like a chunk, with a journal of its own.
CREATE TABLE outbound_batch (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner varchar(80) NOT NULL,
    fence integer NOT NULL DEFAULT 1,
    lease_until timestamptz NOT NULL,
    provider_id bigint NOT NULL,
    size smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outbound_batch_lease ON outbound_batch (lease_until);

-- What happened, for those who want to hear of it; written only where somebody listens to that kind.
CREATE TABLE outbound_news (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    kind varchar(16) NOT NULL,
    month date NOT NULL,
    message_id bigint NOT NULL,
    position integer NOT NULL,
    attempt smallint,
    code smallint,
    detail jsonb NOT NULL DEFAULT '{}'
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE TABLE outbound_listener (kind varchar(16) PRIMARY KEY);

ALTER TABLE outbound_recipient ADD COLUMN provider_id bigint;
CREATE INDEX outbound_recipient_bounced ON outbound_recipient (contact_id) WHERE state IN (5, 6);
ALTER TABLE outbound_attempt ADD COLUMN provider_id bigint;
"""
DROP = """
ALTER TABLE outbound_attempt DROP COLUMN provider_id;
DROP INDEX outbound_recipient_bounced;
ALTER TABLE outbound_recipient DROP COLUMN provider_id;
DROP TABLE outbound_listener;
DROP TABLE outbound_news;
DROP TABLE outbound_batch;
DROP TABLE outbound_queue;
DROP TABLE outbound_attachment;
DROP TABLE outbound_submission;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0004_human_engagement")]

    operations = [
        migrations.RunSQL(CREATE, DROP),
        migrations.AlterField(
            model_name="message",
            name="provider",
            field=models.ForeignKey(
                help_text="empty: chosen for each recipient when it is sent",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="outbound.provideraccount",
            ),
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="priority",
            field=models.PositiveSmallIntegerField(default=1, help_text="1 is asked first; the next only while all before it are down"),
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="weight",
            field=models.PositiveSmallIntegerField(default=100, help_text="its share among those of one priority"),
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="down_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]

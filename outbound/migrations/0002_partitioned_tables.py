"""The partitioned tables, which Django cannot make: outbound/models.py describes their columns."""

from django.db import migrations

CREATE = """
CREATE SEQUENCE outbound_event_id AS bigint;
CREATE TABLE outbound_recipient (
    month date NOT NULL,
    message_id bigint NOT NULL,
    position integer NOT NULL,
    contact_id bigint NOT NULL,
    state smallint NOT NULL,
    attempts smallint NOT NULL DEFAULT 1,
    code smallint,
    reason text,
    at timestamptz NOT NULL,
    next_at timestamptz,
    PRIMARY KEY (month, message_id, position)
) PARTITION BY RANGE (month);
CREATE INDEX outbound_recipient_deferred ON outbound_recipient (message_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX outbound_recipient_unusual ON outbound_recipient (message_id, state, position) WHERE state <> 3;
CREATE TABLE outbound_attempt (
    month date NOT NULL,
    message_id bigint NOT NULL,
    position integer NOT NULL,
    number smallint NOT NULL,
    state smallint NOT NULL,
    code smallint,
    reason text,
    at timestamptz NOT NULL,
    PRIMARY KEY (month, message_id, position, number)
) PARTITION BY RANGE (month);
CREATE TABLE outbound_event (
    month date NOT NULL,
    id bigint NOT NULL DEFAULT nextval('outbound_event_id'),
    at timestamptz NOT NULL,
    kind smallint NOT NULL,
    message_id bigint NOT NULL,
    position integer NOT NULL,
    link smallint,
    ip inet,
    agent text,
    detail text,
    PRIMARY KEY (month, id)
) PARTITION BY RANGE (month);
CREATE INDEX outbound_event_recipient ON outbound_event (message_id, position);
CREATE TABLE outbound_engagement (
    month date NOT NULL,
    message_id bigint NOT NULL,
    position integer NOT NULL,
    opened_at timestamptz,
    clicked_at timestamptz,
    unsubscribed_at timestamptz,
    complained_at timestamptz,
    bounced_at timestamptz,
    opens integer NOT NULL DEFAULT 0,
    clicks integer NOT NULL DEFAULT 0,
    links smallint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (month, message_id, position)
) PARTITION BY RANGE (month);
"""
DROP = """
DROP TABLE outbound_engagement;
DROP TABLE outbound_event;
DROP TABLE outbound_attempt;
DROP TABLE outbound_recipient;
DROP SEQUENCE outbound_event_id;
"""


class Migration(migrations.Migration):
    dependencies = [("outbound", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]

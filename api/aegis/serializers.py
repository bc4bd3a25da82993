"""Shapes of Aegis' bodies, for the documentation: what is taken is decided in `reading`."""

from rest_framework import serializers


class AegisPerson(serializers.Serializer):
    """An address and the name beside it."""

    email = serializers.EmailField()
    name = serializers.CharField(required=False)


class AegisFile(serializers.Serializer):
    """An attachment."""

    name = serializers.CharField(help_text="the file's name; its type is told from it and from the content")
    content = serializers.CharField(help_text="base64")


class AegisEmail(serializers.Serializer):
    """What `POST /send` takes."""

    to = serializers.EmailField()
    subject = serializers.CharField()
    body = serializers.CharField()
    isHtml = serializers.BooleanField(required=False, default=False)
    toName = serializers.CharField(required=False)
    cc = AegisPerson(many=True, required=False)
    bcc = AegisPerson(many=True, required=False)
    replyTo = serializers.EmailField(required=False)
    attachments = AegisFile(many=True, required=False)
    priority = serializers.IntegerField(min_value=1, max_value=5, default=3, required=False)
    headers = serializers.DictField(child=serializers.CharField(), required=False)


class AegisQueued(serializers.Serializer):
    """It is kept and will be sent."""

    success = serializers.BooleanField()
    message = serializers.CharField()
    message_id = serializers.CharField()


class AegisLoss(serializers.Serializer):
    """Why a message was lost."""

    message_id = serializers.CharField()
    failed_at = serializers.DateTimeField()
    attempts = serializers.IntegerField()
    last_error = serializers.CharField(help_text="without addresses and hosts")


class AegisStanding(serializers.Serializer):
    """Where a message stands."""

    message_id = serializers.CharField()
    lookup_date = serializers.DateField(help_text="the day it was taken in (UTC)")
    timestamp = serializers.DateTimeField()
    status = serializers.CharField(
        help_text="queued, scheduled, deferred, sent, delivered, bounced, failed, cancelled, in_doubt"
    )
    message = serializers.CharField()
    details = AegisLoss(required=False, help_text="only when it bounced or failed")


class AegisError(serializers.Serializer):
    """What went wrong."""

    error = serializers.CharField(help_text="the status in words")
    message = serializers.CharField()
    code = serializers.CharField()
    timestamp = serializers.DateTimeField()
    field = serializers.CharField(required=False)
    retry_after = serializers.IntegerField(required=False, help_text="seconds")


class AegisQueue(serializers.Serializer):
    """What waits, of the whole installation."""

    pending_messages = serializers.IntegerField()
    lock_files = serializers.IntegerField(help_text="batches that a worker holds just now")
    total_size_bytes = serializers.IntegerField()
    total_size_human = serializers.CharField()
    directory = serializers.CharField()


class AegisWorkers(serializers.Serializer):
    """Who sends."""

    count = serializers.IntegerField()
    pids = serializers.ListField(child=serializers.IntegerField())
    status = serializers.CharField(help_text="running, stopped, or unknown while Redis is away")


class AegisEnvironment(serializers.Serializer):
    """This process of the web server."""

    python_version = serializers.CharField()
    memory_usage = serializers.IntegerField(help_text="bytes")
    memory_peak = serializers.IntegerField(help_text="bytes")
    memory_limit = serializers.CharField(help_text="128M; -1: none")


class AegisSystem(serializers.Serializer):
    """The installation."""

    service = serializers.CharField()
    version = serializers.CharField()
    timestamp = serializers.DateTimeField()
    uptime = serializers.CharField(help_text="2d 14h 23m")
    queue = AegisQueue()
    workers = AegisWorkers()
    environment = AegisEnvironment()

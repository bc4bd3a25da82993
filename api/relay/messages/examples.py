"""Examples of messages, as the documentation shows them."""

from drf_spectacular.utils import OpenApiExample

NEW = OpenApiExample(
    "A message",
    {
        "from": "Sender <sender@example.com>",
        "to": ["recipient@example.com"],
        "subject": "Hello {{first_name}}",
        "html_body": "<h1>Hello {{first_name}}</h1><p>This is a test email</p>",
        "text_body": "Hello {{first_name}}\n\nThis is a test email",
        "headers": {"Reply-To": "noreply@example.com", "X-Priority": "high"},
        "attachments": [{"filename": "note.txt", "content_type": "text/plain", "content": "SGVsbG8gdGhlcmU="}],
        "campaign_id": "camp-123",
        "metadata": {"user_id": "user-456", "source": "api"},
        "personalization": {"enabled": True, "variables": {"first_name": "John"}},
    },
    request_only=True,
)
TAKEN = OpenApiExample(
    "Taken",
    {
        "success": True,
        "data": {
            "message_id": "msg-qhzt4cvd7ndo3ywm6yvkpxqfne",
            "status": "queued",
            "queued_at": "2024-01-15T10:00:00Z",
            "estimated_send_time": "2024-01-15T14:00:00Z",
        },
    },
    response_only=True,
    status_codes=["202"],
)

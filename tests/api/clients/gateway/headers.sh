curl -X POST "http://localhost:8000/api/v1/send" \
  -H "X-API-Key: sk_test_default_key_123" \
  -H "Content-Type: application/json" \
  -d '{
    "to": "user@example.com",
    "subject": "Newsletter",
    "html_body": "<h2>Latest Updates</h2>",
    "text_body": "Latest Updates",
    "headers": {
      "Reply-To": "noreply@example.com",
      "X-Priority": "1"
    }
  }'

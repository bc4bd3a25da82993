curl -X POST "http://localhost:8000/api/v1/send" \
  -H "X-API-Key: sk_test_default_key_123" \
  -H "Content-Type: application/json" \
  -d '{
    "to": "user@example.com",
    "subject": "Welcome!",
    "html_body": "<h1>Welcome to our service!</h1><p>Thank you for signing up.</p>",
    "text_body": "Welcome to our service! Thank you for signing up."
  }'

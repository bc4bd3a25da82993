curl -X POST http://localhost:8000/send \
  -H "Content-Type: application/json" \
  -H "X-Api-Key: your-api-key" \
  -d '{
    "to": "user@example.com",
    "subject": "Welcome to Our Platform!",
    "body": "<html><body><h1 style=\"color: blue;\">Welcome!</h1><p>Thank you for joining us.</p></body></html>",
    "isHtml": true
  }'

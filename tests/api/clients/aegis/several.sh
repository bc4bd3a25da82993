curl -X POST http://localhost:8000/send \
  -H "Content-Type: application/json" \
  -H "X-Api-Key: your-api-key" \
  -d '{
    "to": "primary@example.com",
    "subject": "Team Update",
    "body": "Monthly team update...",
    "cc": [
      {"email": "manager@example.com", "name": "Manager"},
      {"email": "lead@example.com", "name": "Team Lead"}
    ],
    "bcc": [
      {"email": "archive@example.com"}
    ]
  }'

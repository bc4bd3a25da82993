curl -X POST http://localhost:8000/send \
  -H "Content-Type: application/json" \
  -H "X-Api-Key: your-api-key" \
  -d '{
    "to": "customer@example.com",
    "subject": "Your Invoice",
    "body": "<h2>Invoice Attached</h2><p>Please find your invoice attached.</p>",
    "isHtml": true,
    "attachments": [
      {
        "name": "invoice-2024-001.pdf",
        "content": "JVBERi0xLjQKJc..."
      }
    ]
  }'

#!/bin/bash
API_KEY="test-api-key"
BASE_URL="http://localhost:8000"

echo "Testing Aegis Mailer API..."

# Health check
echo "1. Health Check:"
curl -s "$BASE_URL/health" | jq .

# Send test email
echo "2. Sending test email:"
RESPONSE=$(curl -s -X POST "$BASE_URL/send" \
  -H "Content-Type: application/json" \
  -H "X-Api-Key: $API_KEY" \
  -d '{
    "to": "test@example.com",
    "subject": "API Test",
    "body": "This is a test email from the API",
    "isHtml": false
  }')

echo $RESPONSE | jq .

# Extract message ID
MESSAGE_ID=$(echo $RESPONSE | jq -r '.message_id')
DATE=$(date +%Y-%m-%d)

# Check status
echo "3. Checking message status:"
sleep 2
curl -s "$BASE_URL/send/$MESSAGE_ID/status?date=$DATE" | jq .

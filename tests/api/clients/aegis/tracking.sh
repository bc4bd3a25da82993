# Send email and get message ID
RESPONSE=$(curl -X POST http://localhost:8000/send \
  -H "Content-Type: application/json" \
  -H "X-Api-Key: your-api-key" \
  -d '{"to":"test@example.com","subject":"Test","body":"Hello"}')

MESSAGE_ID=$(echo $RESPONSE | jq -r '.message_id')
DATE=$(date +%Y-%m-%d)

# Check status with date hint for faster lookup
curl "http://localhost:8000/send/$MESSAGE_ID/status?date=$DATE"

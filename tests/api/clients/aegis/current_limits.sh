# Check current limits
curl -I -X POST http://localhost:8000/send \
  -H "X-Api-Key: your-key" \
  -H "Content-Type: application/json"

# Look for rate limit headers
# X-RateLimit-Limit: 100
# X-RateLimit-Remaining: 85

#!/bin/bash
# health-monitor.sh

AEGIS_URL="https://your-domain.com"
WEBHOOK_URL="https://your-monitoring-service.com/webhook"

response=$(curl -s -o /dev/null -w "%{http_code}" "$AEGIS_URL/health")

if [ "$response" != "200" ]; then
    curl -X POST "$WEBHOOK_URL" \
         -H "Content-Type: application/json" \
         -d "{\"alert\": \"Aegis Mailer health check failed\", \"status\": \"$response\"}"
fi

"""What customers are told: their endpoints, and every notice that is sent to them, until they have it."""

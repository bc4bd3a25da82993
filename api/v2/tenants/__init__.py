"""What a tenant is, and as whom it writes."""

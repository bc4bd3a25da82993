"""What GraphQL shows, type by type and field by field."""

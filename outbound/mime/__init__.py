"""A submitted message as the mail that each recipient gets. Knows no Django and no database."""

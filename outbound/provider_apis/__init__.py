"""What the APIs of sending services say of credentials: Google's of a service account, Mailgun's of a key and its domains."""

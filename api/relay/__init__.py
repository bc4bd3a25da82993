"""The dialect of the SMTP relay: messages, recipients, campaigns and figures for its clients."""

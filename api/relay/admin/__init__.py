"""What operators do over the relay's paths: configuration, maintenance, clean-up; and how limits stand."""

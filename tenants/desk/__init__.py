"""What every page of both desks is built from."""

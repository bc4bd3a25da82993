"""What mail servers and providers tell us about mail that left."""

"""What is random in a read, and where its numbers come from."""

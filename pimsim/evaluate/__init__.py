"""Joins accuracy, cost and baseline; the only room that sees both sides."""

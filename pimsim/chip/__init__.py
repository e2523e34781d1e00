"""Chip hierarchy, schedule, action counts to energy, area, latency, throughput."""

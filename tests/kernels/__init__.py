"""Kernels, one by one: a register, and one test that goes through it."""

"""What every room stands on: specs and units, errors and checks, random streams, library paths, jit settings."""

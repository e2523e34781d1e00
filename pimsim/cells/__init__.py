"""Memory-cell physics: statistics, drift, faults, I-V, temperature; the card schema."""

"""One array with its periphery: Macro, program, matmul, calibration."""

"""Energy, area and latency of ADCs, DACs, drivers, SRAM, DRAM, wires and logic."""

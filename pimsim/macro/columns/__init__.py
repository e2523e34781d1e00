"""From the state of the cells to what their columns add up."""

"""Style, plots with bands, breakdowns: DataFrames in, Axes out."""

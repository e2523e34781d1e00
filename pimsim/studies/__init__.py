"""Monte Carlo studies: Task, Store, collect, intervals; trial(params, rng) -> numbers. Knows nothing of crossbars."""

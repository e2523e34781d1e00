"""Layer shapes and MAC counts, tables of known networks; no weights."""

"""How weights and inputs become cell levels and voltage steps."""

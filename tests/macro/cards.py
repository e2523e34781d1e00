"""Device cards made up for tests."""

CARD = """
name: test
technology: test
summary: made up for a test
conductance:
  min: {{value: {low} S, how: assumed, where: "test"}}
  max: {{value: {high} S, how: assumed, where: "test"}}
programming: {{kind: exact, how: assumed, where: "test"}}
retention: {{kind: constant, how: assumed, where: "test"}}
"""


def write_card(folder, low, high):
    """Path of a card of ideal cells from ``low`` to ``high`` siemens."""
    path = folder / f"card-{low}-{high}.yaml"
    path.write_text(CARD.format(low=low, high=high))
    return str(path)

"""The YAML experiment: spec to tasks to store to table and figure."""

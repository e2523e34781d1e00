"""The YAML experiment: spec -> tasks -> store -> table and figure."""

from pimsim.experiment.run import Outcome, run_experiment
from pimsim.experiment.spec import Experiment, experiment_path, list_experiments, load_experiment

__all__ = ["Experiment", "Outcome", "experiment_path", "list_experiments", "load_experiment", "run_experiment"]

"""Errors of studies, each with its own name so that a caller can tell them apart."""

from pimsim.base.errors import InputError, PimsimError


class StoreError(PimsimError):
    """Something is wrong with a result store."""


class OtherStudyError(StoreError):
    """The store holds the results of another study."""


class UnequalRowsError(StoreError):
    """Two results for one (point, trial) differ, so at least one is wrong."""


class DamagedRowError(StoreError):
    """A row of a store is not what was written into it."""


class StoreBusyError(StoreError):
    """Another process is writing to this store."""


class TrialError(PimsimError):
    """A trial failed or returned something that is no result."""


class WorkerError(PimsimError):
    """What runs the trials failed, not a trial: a worker was killed, a scheduler does not answer."""


class TrialImportError(InputError):
    """A trial function that a worker process could not import."""

"""Settings of the whole suite."""

from hypothesis import HealthCheck, settings

# Drawing data takes long where a machine is busy: a fact of the machine, not of the code under test.
settings.register_profile("suite", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

"""One self-contained HTML page of a study."""

from pimsim.report.page import write_report

__all__ = ["write_report"]

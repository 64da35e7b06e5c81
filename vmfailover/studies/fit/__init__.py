"""From a trace, or from dirty rates, to hot sets that modify memory alike."""

from vmfailover.studies.fit.fit import Fit
from vmfailover.studies.fit.of_rates import fit_rates
from vmfailover.studies.fit.of_trace import fit_trace
from vmfailover.studies.fit.rates import DirtyRate, from_domstats, from_qmp

__all__ = ["DirtyRate", "Fit", "fit_rates", "fit_trace", "from_domstats", "from_qmp"]

"""Will a live migration converge, how long will it take, and for how long will the VM stand still?"""

from vmfailover.studies.migration.forecast import Forecast, forecast
from vmfailover.studies.migration.migrate import Migration, Setting, migrate

__all__ = ["Forecast", "Migration", "Setting", "forecast", "migrate"]

"""One figure a module, each of which answers one question; `vmfailover.report.plots` lists them."""

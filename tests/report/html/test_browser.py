"""The page in a real browser: nothing to complain of, nothing fetched, tables that sort, dark, narrow and on paper."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vmfailover.report.html.page import render
from vmfailover.report.html.run_page import run_page

from ..outcomes import outcome
from .studies import made, report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no Chromium with chromedriver here; Debian: apt-get install chromium-driver"
)


#: How many figures the pages have.
FIGURES = {"run": 8, "sweep": 4, "comparison": 2, "replications": 3}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run."""
    return page_of("run", tmp_path_factory)


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow if name != "run" else ()) for name in FIGURES]
)
def any_page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run or of a study, called by what it is of."""
    return page_of(request.param, tmp_path_factory)


def page_of(what: str, folders: pytest.TempPathFactory) -> Path:
    path = folders.mktemp("page") / f"{what}.html"
    path.write_text(render(run_page(outcome("failover")) if what == "run" else report(what)), encoding="utf-8")
    return path


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="the package selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={tmp_path}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.set_window_size(1280, 1000)
    yield driver
    driver.quit()


def requests(browser: Any, page: Path) -> list[str]:
    """The addresses that a page has asked for, those aside that hold what they stand for."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    urls = [each["request"]["url"] for each in sent if each["documentURL"] == page.as_uri()]
    return [url for url in urls if not url.startswith("data:")]


@pytest.mark.slow
def test_it_opens_without_a_complaint_or_a_request(browser: Any, any_page: Path) -> None:
    browser.get(any_page.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert requests(browser, any_page) == [any_page.as_uri()]
    assert browser.get_log("browser") == []
    figures = browser.execute_script("return document.querySelectorAll('.picture svg').length")
    assert figures == FIGURES[any_page.stem]


@pytest.mark.slow
def test_a_complaint_or_a_request_would_be_noticed(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text("<img src='nowhere.png'><script>throw new Error('no')</script>")
    browser.get(path.as_uri())
    assert len(requests(browser, path)) > 1
    assert browser.get_log("browser")


@pytest.mark.slow
def test_tables_sort_by_number_and_back(browser: Any, page: Path) -> None:
    browser.get(page.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    table = browser.find_elements("css selector", "details table")[1]
    button = next(each for each in table.find_elements("css selector", "th button") if each.text == "lines")
    read = "return [...arguments[0].tBodies[0].rows].map((row) => Number(row.cells[arguments[1]].dataset.key))"
    column = [each.text for each in table.find_elements("css selector", "th button")].index("lines")
    expected = sorted(row.lines for row in outcome("failover").epoch_rows)
    button.click()
    assert browser.execute_script(read, table, column) == expected
    button.click()
    assert browser.execute_script(read, table, column) == expected[::-1]
    assert table.find_element("css selector", "[aria-sort]").get_attribute("aria-sort") == "descending"


@pytest.mark.slow
def test_points_sort_by_what_is_measured_and_those_without_stand_first(
    browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    browser.get(page_of("sweep", tmp_path_factory).as_uri())
    (table, *_) = browser.find_elements("css selector", "table.sortable")
    button = next(each for each in table.find_elements("css selector", "th button") if each.text == "slowdown")
    button.click()
    read = "return [...arguments[0].tBodies[0].rows].map((row) => Number(row.cells[0].dataset.key))"
    frame = made("sweep").frame
    expected = frame.sort_values("guest.slowdown", na_position="first", kind="stable")["point"]
    assert browser.execute_script(read, table) == list(expected)


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_is_light_or_dark_as_the_reader_wants(scheme: str, dark: bool, browser: Any, any_page: Path) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(any_page.as_uri())
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    red = int(colour.partition("(")[2].partition(",")[0])
    assert (red < 64) == dark
    assert (red > 192) == (not dark)


@pytest.mark.slow
def test_it_fits_a_narrow_screen(browser: Any, any_page: Path) -> None:
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(any_page.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_it_prints(browser: Any, any_page: Path) -> None:
    browser.get(any_page.as_uri())
    printed = browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
    assert base64.b64decode(printed).startswith(b"%PDF")

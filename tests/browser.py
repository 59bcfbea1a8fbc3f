"""A real browser: Debian's Chromium without a window, for tests that are marked ``site``.

Import the fixture ``browser`` into a test module (or a conftest) to use it. Packages:
``apt-get install chromium chromium-driver``, and the extra ``site`` for selenium.
"""

import json
import shutil
from pathlib import Path

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Browser:
    """Chromium with what tests of pages ask for.

    Attributes
    ----------
    driver : selenium.webdriver.Chrome
    """

    def __init__(self, driver):
        self.driver = driver

    def open(self, address):
        """Load a page (a path, or an address) anew, forgetting what was logged before."""
        address = address.resolve().as_uri() if isinstance(address, Path) else address
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(address)

    def run(self, script, *arguments):
        """What a script of the page returns."""
        return self.driver.execute_script(script, *arguments)

    def resize(self, width, height=900):
        """Set the size of the page, narrower than any window allows."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def prefer(self, **features):
        """Set media features: ``prefer(color_scheme="dark", reduced_motion="reduce")``."""
        listed = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def console(self):
        """Errors and warnings since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses asked for since the page was opened."""
        messages = (json.loads(e["message"])["message"] for e in self.driver.get_log("performance"))
        asked = (m["params"] for m in messages if m["method"] == "Network.requestWillBeSent")
        return [parameters["request"]["url"] for parameters in asked]

    def overflow(self):
        """Pixels by which the page is wider than the window; 0 if it is not."""
        page = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return self.run(f"return {page}")

    def screenshot(self, path):
        """Write the whole page to a PNG."""
        width = self.run("return innerWidth")
        height = self.run("return document.documentElement.scrollHeight")
        self.resize(width, height)
        self.driver.save_screenshot(str(path))
        self.resize(width)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """One Chromium for all tests."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the extra site")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs chromium and chromedriver (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.set_script_timeout(60)
    yield Browser(chrome)
    chrome.quit()

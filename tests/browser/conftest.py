"""One Chromium for all tests of the page, the machine's own: Playwright downloads none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.report.page import render
from tests.browser.releases import make_release

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        assert "CHROMIUM_EXPECTED" not in os.environ, "no Chromium on this machine, although it should have one"
        pytest.skip("no Chromium on this machine: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def full_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five years, every section, hostile names."""
    return draw(tmp_path_factory.mktemp("full"), is_empty=False)


@pytest.fixture(scope="session")
def empty_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release whose tables hold nothing."""
    return draw(tmp_path_factory.mktemp("empty"), is_empty=True)


def draw(folder: Path, *, is_empty: bool) -> Path:
    page = folder / "report.html"
    database = make_release(folder / "engagement.duckdb", is_empty=is_empty)
    page.write_text(render(database, "20260930T000000Z", company="<i>茶</i> & Co"), encoding="utf-8")
    return page


class Seen:
    """What a page did while it was open: messages on the console, requests, dialogs."""

    def __init__(self, page: Page) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("dialog", lambda dialog: self.messages.append(dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture(scope="module")
def opened(browser: Browser, full_page: Path) -> Iterator[tuple[Page, Seen]]:
    """The page, in a browser without the page's own protection: escaping alone must hold."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ja-JP", bypass_csp=True)
    page = context.new_page()
    seen = Seen(page)
    page.goto(full_page.as_uri())
    yield page, seen
    context.close()


def show(page: Page, language: str) -> None:
    """Switch the language as a reader does."""
    page.locator(f'label[for="lang-{language}"]').click()
    assert page.evaluate("document.documentElement.lang") == language

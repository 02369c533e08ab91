"""The report page in a browser: it draws, keeps to itself, is not fooled by names, and serves every reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from pipelines.report.wording import END_OF_ISOLATE, ISOLATE, LANGUAGES
from tests.browser.conftest import Seen, show
from tests.browser.releases import HOSTILE

Opened = tuple[Page, Seen]
CHARTS = {"engagement", "units", "scores", "turnover", "activities", "nps", "buyers", "second", "segments", "subscriptions"}
CHARTS |= {"voices", "followers", "drivers", "leavers", "staying", "link", "effects"}
WIDTHS = (360, 414, 768, 1024, 1280, 1920)
# Words that Japanese writes in Latin letters, names of published tables and of files.
LATIN = r"(?<![A-Za-z])(?:NPS|eNPS|SNS|RFM|PDCA|English|1on1|rpt_[a-z_]+|T\d+Z)(?![A-Za-z])"
JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")


def visible_text(page: Page, language: str) -> str:
    """What a reader sees with all tables open, without the names from outside."""
    show(page, language)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    drawn = "[...document.querySelectorAll('svg text')].filter(one => one.getClientRects().length).map(one => one.textContent)"
    seen = "\n".join([page.evaluate("document.body.innerText"), *page.evaluate(drawn)])
    return re.sub(f"{ISOLATE}[^{END_OF_ISOLATE}]*{END_OF_ISOLATE}?", "", seen)


def test_every_chart_draws_in_both_languages(opened: Opened) -> None:
    page, _ = opened
    for language in LANGUAGES:
        show(page, language)
        drawn = page.evaluate(
            """() => [...document.querySelectorAll('.figure')].filter(one => one.querySelector('svg.chart')).map(one => {
                const chart = [...one.querySelectorAll('svg.chart')].find(svg => svg.getClientRects().length);
                const marks = [...chart.querySelectorAll('path,line,rect')].filter(mark => {
                    const box = mark.getBoundingClientRect(); return box.width + box.height > 1; });
                const box = chart.getBoundingClientRect();
                return [one.id, marks.length, box.width, box.height, chart.getAttribute('aria-label')]; })"""
        )
        assert {key for key, *_ in drawn} == CHARTS
        assert [key for key, marks, width, height, label in drawn if marks < 3 or width < 300 or height < 50 or not label] == []


def test_a_chart_and_its_words_stay_inside_its_card(opened: Opened) -> None:
    page, _ = opened
    outside = page.evaluate(
        """() => [...document.querySelectorAll('.figure svg.chart')].filter(svg => svg.getClientRects().length).flatMap(svg => {
            const card = svg.closest('.figure').getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(text => { const box = text.getBoundingClientRect();
                return box.left < card.left - 1 || box.right > card.right + 1; }).map(text => text.textContent); })"""
    )
    assert outside == []


def test_the_page_is_silent_and_asks_nobody(opened: Opened) -> None:
    page, seen = opened
    for language in LANGUAGES:
        show(page, language)
    assert seen.messages == []
    assert [url for url in seen.requests if url != page.url and url != "data:,"] == []


def test_its_own_protection_lets_its_own_script_run_and_nothing_else(browser: Browser, full_page: Path) -> None:
    page = browser.new_page(locale="en-US")
    seen = Seen(page)
    page.goto(full_page.as_uri())
    assert page.evaluate("document.documentElement.lang") == "en"
    assert seen.messages == []
    page.evaluate("const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)")
    with page.expect_event("requestfailed") as refused:
        page.evaluate("const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i)")
    assert refused.value.failure == "csp"
    assert page.evaluate("window.hacked") is None
    page.close()


def test_hostile_names_are_text_and_do_nothing(opened: Opened) -> None:
    page, _ = opened
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 1
    strange = "img,iframe,object,embed,form,b,i,foreignObject,image,main a:not([href^='#'])"
    assert page.locator(strange).count() == 0
    handlers = "[...document.querySelectorAll('*')].filter(one => [...one.attributes].some(a => a.name.startsWith('on')))"
    assert page.evaluate(f"{handlers}.length") == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    seen = page.evaluate("document.body.textContent")
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[4], HOSTILE[5], HOSTILE[6], HOSTILE[9]):
        assert name in seen
    assert "<i>茶</i> & Co" in seen
    assert not re.search(r"[\u202a-\u202e\u2066\u2067\u200b]", seen)


@pytest.mark.parametrize("which", ["opened", "empty_page"])
def test_both_languages_are_complete(which: str, request: pytest.FixtureRequest, browser: Browser) -> None:
    given = request.getfixturevalue(which)
    page = browser.new_page() if isinstance(given, Path) else given[0]
    if isinstance(given, Path):
        page.goto(given.as_uri())
    japanese = re.sub(LATIN, "", visible_text(page, "ja"))
    assert re.findall(r"[A-Za-z]{2,}", japanese) == []
    english = visible_text(page, "en").replace("日本語", "")
    assert JAPANESE.findall(english) == []
    assert not re.search(r"\b(None|nan|null|undefined)\b", japanese + english)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_runs_over_the_edge(opened: Opened, width: int) -> None:
    page, _ = opened
    page.set_viewport_size({"width": width, "height": 900})
    for language in LANGUAGES:
        show(page, language)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = """[...document.querySelectorAll('main *')].filter(one => !one.closest('.scroll') && !one.closest('svg')
            && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
        assert page.evaluate(wide) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["full_page", "empty_page"])
def test_the_accessibility_audit_finds_nothing(browser: Browser, which: str, scheme: str, request: pytest.FixtureRequest) -> None:
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.goto(request.getfixturevalue(which).as_uri())
    for language in LANGUAGES:
        show(page, language)
        # Its tables are open in Japanese, shut in English.
        page.evaluate(f"document.querySelectorAll('details').forEach(one => {{ one.open = {str(language == 'ja').lower()}; }})")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200], len(one["nodes"])) for one in found] == []
    page.close()


def test_light_and_dark_differ_in_page_and_charts(opened: Opened) -> None:
    page, _ = opened
    looks = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        looks[scheme] = page.evaluate(
            """() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color,
                getComputedStyle(document.querySelector('#nps svg.chart [stroke="var(--c1)"]')).stroke]"""
        )
    page.emulate_media(color_scheme="light")
    assert all(light != dark for light, dark in zip(looks["light"], looks["dark"], strict=True))


def test_a_keyboard_is_enough(browser: Browser, full_page: Path) -> None:
    page = browser.new_page(locale="ja-JP")
    page.goto(full_page.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "lang-ja"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "Engagement report"
    page.locator("#nps summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#nps table").is_visible()
    page.reload()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.close()


def test_it_prints_on_a4_with_its_tables(browser: Browser, full_page: Path, tmp_path: Path) -> None:
    page = browser.new_page(color_scheme="dark", locale="ja-JP")
    page.goto(full_page.as_uri())
    pdf = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    sizes = {tuple(float(part) for part in box.split()) for box in re.findall(r"/MediaBox \[([^\]]+)\]", pdf.decode("latin-1"))}
    assert {(round(right), round(top)) for _, _, right, top in sizes} == {(595, 842)}
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 900})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#nps table").is_visible()
    assert not page.locator(".languages").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    cut = """[...document.querySelectorAll('table')].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
        .map(one => one.closest('article').id)"""
    assert page.evaluate(cut) == []
    page.evaluate("document.getElementById('lang-en').click()")  # its words do not break as Japanese does
    assert page.evaluate(cut) == []
    page.close()


def test_five_years_open_in_under_a_second(browser: Browser, full_page: Path) -> None:
    assert full_page.stat().st_size < 600_000
    page = browser.new_page()
    times = []
    for _ in range(5):
        page.goto(full_page.as_uri())
        times.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert min(times) < 1000
    page.close()


def test_an_empty_release_says_in_words_what_is_missing(browser: Browser, empty_page: Path) -> None:
    page = browser.new_page(locale="en-US")
    page.goto(empty_page.as_uri())
    assert page.locator("svg.chart").count() == 0
    assert page.locator("#engagement").inner_text().endswith("No employee survey is connected.")
    assert page.locator(".figure:not(.empty)").count() == 0
    page.close()

// The language is switched by the style sheet alone; this tells it to screen readers, keeps it, and opens the tables for paper.
const japanese = document.getElementById("lang-ja"), english = document.getElementById("lang-en");
const titles = { ja: document.title, en: document.documentElement.dataset.titleEn };
function tell() {
  const language = english.checked ? "en" : "ja";
  document.documentElement.lang = language;
  document.title = titles[language];
  try { localStorage.setItem("engagement-report-language", language); } catch { /* a file may not keep anything */ }
}
let wanted = null;
try { wanted = localStorage.getItem("engagement-report-language"); } catch { /* see above */ }
if ((wanted ?? navigator.language.slice(0, 2)) !== "ja") english.checked = true;
japanese.addEventListener("change", tell);
english.addEventListener("change", tell);
tell();
let shut = [];
addEventListener("beforeprint", () => { shut = [...document.querySelectorAll("details:not([open])")]; shut.forEach(one => { one.open = true; }); });
addEventListener("afterprint", () => shut.forEach(one => { one.open = false; }));

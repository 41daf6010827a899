// What can be wrong with a page as it stands, beyond what axe knows.
import { accessible, onPage } from "./people.mjs";

const MOST_BYTES = 100_000;

/** All of it, in words; nothing, when all is well. The page's size and media are changed on the way. */
export async function faultsOf(page, locale) {
  const faults = [];
  for (const width of [1280, 390, 320]) {
    await page.setViewportSize({ width, height: 844 });
    faults.push(...(await onPage(page, sideways)).map((fault) => `at ${width} ${fault}`));
  }
  await page.setViewportSize({ width: 390, height: 844 });
  faults.push(...(await onPage(page, smallTargets)));
  faults.push(...(await onPage(page, heavy, MOST_BYTES)), ...(await onPage(page, hardToType)));
  faults.push(...(await onPage(page, notRead, locale)), ...(await onPage(page, errorsApart)));
  await page.emulateMedia({ reducedMotion: "reduce" });
  faults.push(...(await onPage(page, moves)));
  await page.setViewportSize({ width: 700, height: 900 });
  const shown = await onPage(page, seen);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const printed = await onPage(page, seen);
  faults.push(...shown.filter((text, at) => text && !printed[at]).map((text) => `not on paper: ${text}`));
  faults.push(...(await onPage(page, sideways)).map((fault) => `on paper ${fault}`));
  await accessible(page, `${locale} ${new URL(page.url()).pathname} on paper, from a dark screen`, true, ["color-contrast"]);
  // All of this scrolls: a focus that was there would be found out of sight.
  await onPage(page, () => document.activeElement?.blur());
  return faults;
}

function sideways() {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((at) => at.getBoundingClientRect().right > clientWidth + 1 || at.scrollWidth > clientWidth + 1);
  const names = wide.slice(-3).map((at) => `${at.tagName.toLowerCase()}.${at.className}`);
  return [`it scrolls sideways, ${scrollWidth} in ${clientWidth}: ${names.join(", ")}`];
}

// Each text of the page that can be seen, in its order; what only acts is not for paper.
function seen() {
  const texts = [...document.querySelectorAll("main :is(h1, h2, h3, p, li, dt, dd, th, td, legend, label)")];
  const acts = ".no-paper, .filter, .pages, .under";
  return texts.map((at) => (at.checkVisibility() && !at.closest(acts) ? at.textContent.trim().slice(0, 40) : ""));
}

// WCAG 2.2, 2.5.8 asks for 24 pixels; a thumb for 44. Links within a sentence are exempt.
function smallTargets() {
  const faults = [];
  for (const at of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    at.scrollIntoView({ block: "center" });
    const box = at.getBoundingClientRect();
    const middle = [box.x + box.width / 2, box.y + box.height / 2];
    // What belongs to it: itself, its label, and what it draws over its card.
    const own = (there) => [at, ...(at.labels ?? [])].some((mine) => mine.contains(there));
    const hits = (x, y) => own(document.elementFromPoint(x, y));
    // Closed, hidden, or out of sight until it has the focus.
    if (!box.width || !box.height || !hits(...middle)) continue;
    const inSentence = at.tagName === "A" && at.parentElement.textContent.trim().length > at.textContent.trim().length;
    if (inSentence && getComputedStyle(at).display === "inline") continue;
    const reach = (dx, dy) => {
      let far = 0;
      while (far < 44 && hits(middle[0] + dx * (far + 1), middle[1] + dy * (far + 1))) far += 1;
      return far;
    };
    const [width, height] = [reach(1, 0) + reach(-1, 0) + 1, reach(0, 1) + reach(0, -1) + 1];
    if (width < 44 || height < 44) {
      faults.push(`small for a thumb, ${width} x ${height}: ${at.tagName.toLowerCase()} "${(at.textContent || at.id).trim().slice(0, 40)}"`);
    }
  }
  window.scrollTo(0, 0);
  return faults;
}

// As unpacked: what a page weighs on the wire is less.
function heavy(most) {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const own = entries.filter((entry) => !/\.(woff2?|ttf|otf)(\?|$)/.test(entry.name) && entry.initiatorType !== "fetch");
  const bytes = own.reduce((sum, entry) => sum + entry.decodedBodySize, 0);
  const faults = own.filter((entry) => new URL(entry.name).origin !== location.origin).map((entry) => `comes from elsewhere: ${entry.name}`);
  if (bytes >= most) faults.push(`weighs ${bytes} bytes`);
  if (bytes < 1000) faults.push(`its weight is not known: ${bytes}`);
  return faults;
}

function hardToType() {
  const faults = [];
  const known = /^(off|name|username|email|tel|current-password|new-password|one-time-code|bday|country-name|given-name|family-name)$/;
  for (const input of document.querySelectorAll("input, textarea")) {
    if (!["text", "password", "email", "tel", "search", "url", "textarea"].includes(input.type)) continue;
    const name = input.name || input.id;
    const purposes = input.autocomplete.split(" ").filter((token) => token !== "webauthn");
    if (purposes.length !== 1 || !known.test(purposes[0])) faults.push(`${name}: autocomplete "${input.autocomplete}"`);
    if (input.offsetParent === null) continue;
    if (input.form?.method === "post" && !input.enterKeyHint) faults.push(`${name}: no enterkeyhint`);
    if (input.autocomplete === "one-time-code" && input.inputMode !== "numeric") faults.push(`${name}: no digits on a phone`);
    if (input.type === "password" && input.hasAttribute("maxlength")) faults.push(`${name}: cuts what is pasted`);
    if (input.type === "password" && !/-password$/.test(input.autocomplete)) faults.push(`${name}: no password for a manager`);
    if (input.autocapitalize === "sentences") faults.push(`${name}: a phone writes a capital letter`);
    for (const kind of ["paste", "drop", "contextmenu", "copy"]) {
      if (!input.dispatchEvent(new Event(kind, { bubbles: true, cancelable: true }))) faults.push(`${name}: no ${kind}`);
    }
  }
  return faults;
}

// Gaps, codes instead of words, words of the other language.
function notRead(locale) {
  const faults = [];
  const names = /^(Chrome|Linux|HeadlessChrome|JavaScript|SMS|QR|FreeOTP|Aegis|Caps|Lock|CSV|PDF|IP|UTC|MSK|propusk|qwerty|English|Русский|йцукен|Таисия|Тихая|Demo|Kira)$/;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || at.closest("script, style, noscript, code, .message, .letter, [translate=no], [lang]:not(html)")) continue;
    if (/[{}]|undefined|\bnull\b|NaN/.test(text)) faults.push(`a gap: ${text}`);
    if (/\b[a-z]+_[a-z_]+\b/.test(text)) faults.push(`a code: ${text}`);
    const plain = text.replaceAll(/\S+@\S+|https?:\S+|\b[0-9a-f:.]{3,}\b/gi, " ");
    const foreign = locale === "ru" ? /[A-Za-z]{2,}/g : /[А-Яа-яЁё]{2,}/g;
    for (const [word] of plain.matchAll(foreign)) if (!names.test(word)) faults.push(`"${word}" in ${locale}: ${text}`);
  }
  return faults;
}

// A refusal is summed up, and each part of it leads to a field that says the same.
function errorsApart() {
  const alert = document.querySelector(".alert");
  if (!alert) return [];
  const faults = [];
  if (alert.getAttribute("role") !== "alert" || !alert.hasAttribute("autofocus")) faults.push("errors without a voice");
  for (const link of alert.querySelectorAll("a")) {
    const field = document.querySelector(link.hash);
    const described = (field?.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent);
    if (field?.tagName !== "INPUT") continue;
    if (field.getAttribute("aria-invalid") !== "true") faults.push(`${field.id} is not called wrong`);
    if (!described.join(" ").includes(link.textContent.trim())) faults.push(`${field.id} does not say: ${link.textContent}`);
  }
  if ([...alert.querySelectorAll("a")].some((link) => !document.querySelector(link.hash))) faults.push("a link to no field");
  return faults;
}

function moves() {
  const parts = [...document.querySelectorAll("*")].flatMap((at) => [undefined, "::before", "::after"].map((part) => getComputedStyle(at, part)));
  const still = (style) => /^(0s(, )?)+$/.test(style.transitionDuration) && style.animationName === "none";
  return parts.every(still) ? [] : ["it moves, although asked not to"];
}

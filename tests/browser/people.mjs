// What a person does in the portal, and what must hold on every page that they see.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const portal = process.env.PORTAL;
const shots = process.env.SHOTS;

let failures = 0;
let checks = 0;
let posts = 0;
const began = Date.now();

/** Says what was looked at, and counts what did not hold. */
export function check(holds, what, said = "") {
  checks += 1;
  if (!holds) failures += 1;
  console.log(`${holds ? "ok  " : "FAIL"} ${what}${holds ? "" : ` ${said}`}`);
}

export function finish() {
  const passed = checks - failures;
  // In the words of cargo's own summary, which tests/run adds up.
  console.log(`test result: ${failures ? "FAILED" : "ok"}. ${passed} passed; ${failures} failed; 0 ignored`);
  process.exitCode = failures ? 1 : 0;
}

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
}

/** All of these people come from one network, which may take two steps a second, and 120 at once: a fast machine waits. */
export async function pace(page) {
  const stepsAtMost = 2 * posts + 40;
  const allowedAt = began + 1000 * ((stepsAtMost - 120) / 2);
  if (allowedAt > Date.now()) await page.waitForTimeout(allowedAt - Date.now());
}

/** A browser of its own: no cookie is shared with another. */
export async function person(browser, { locale = "en-GB", scripts = false, dark = false, width = 1280, storageState } = {}) {
  const context = await browser.newContext({
    locale,
    storageState,
    javaScriptEnabled: scripts,
    colorScheme: dark ? "dark" : "light",
    viewport: { width, height: width < 600 ? 844 : 900 },
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A page that says 403 or 404 on purpose is reported as a failed resource; everything else is a fault.
    const expected = /status of 4\d\d/.test(message.text());
    if (["error", "warning"].includes(message.type()) && !expected) check(false, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => check(false, `page error: ${error}`));
  page.on("request", (request) => {
    // What a script asks while somebody types is no step of a flow.
    if (request.method() === "POST" && !request.url().endsWith("/password/check")) posts += 1;
    if (!request.url().startsWith(portal) && !request.url().startsWith("data:")) {
      check(false, `a request to elsewhere: ${request.url()}`);
    }
  });
  page.on("response", async (response) => {
    if (response.status() >= 500) check(false, `${response.status()} at ${response.url()}`);
    const policy = response.headers()["content-security-policy"] ?? "";
    const lax = laxIn(policy);
    if (lax.length) check(false, `no strict policy at ${response.url()}: ${lax.join(", ")}`);
  });
  return page;
}

// Nothing inline, nothing from elsewhere, no frame around it: every source is this site or none.
function laxIn(policy) {
  const rules = policy.split(";").map((rule) => rule.trim().split(/\s+/));
  const named = new Map(rules.map(([name, ...sources]) => [name, sources]));
  const wanted = ["default-src", "script-src", "style-src", "base-uri", "form-action", "frame-ancestors"];
  const lax = wanted.filter((name) => !named.has(name)).map((name) => `no ${name}`);
  if (named.get("default-src")?.join() !== "'none'") lax.push("default-src is not none");
  for (const [name, ...sources] of rules) {
    for (const source of sources) if (!["'none'", "'self'"].includes(source)) lax.push(`${name} ${source}`);
  }
  return lax;
}

export const go = (page, path) => page.goto(portal + path);

/** How many messages with a code went to an address, and the newest code, from the page of sent messages. */
export async function codes(page, to) {
  const html = await (await page.context().request.get(portal + "/outbox")).text();
  const letters = html.split("<article").slice(1).filter((letter) => letter.includes(`<strong>${to}</strong>`));
  const found = letters.map((letter) => /"message">[^<]*?\b(\d{6})\b/.exec(letter)?.[1]).filter(Boolean);
  return { count: found.length, newest: found[0] };
}

/** The newest code once more than `before` of them have come: messages leave about once a second. */
export async function code(page, to, before = 0) {
  for (let tries = 0; tries < 100; tries += 1) {
    const { count, newest } = await codes(page, to);
    if (count > before) return newest;
    await page.waitForTimeout(100);
  }
  throw new Error(`no code came to ${to}`);
}

export const press = (page, name) => page.locator("main").getByRole("button", { name, exact: true }).first().click();

/** RFC 6238, as an application computes it: SHA-1, six digits, thirty seconds. */
function totp(key, step) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key].map((sign) => alphabet.indexOf(sign).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", bytes).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

const usedSteps = new Map();

/** A code of this key that was not used yet. Up to one step ahead is accepted; beyond that one waits for the next. */
export async function appCode(page, key) {
  const now = (later = 0) => Math.floor((Date.now() + later) / 30_000);
  // The step before is good until the next one begins: not the one of which seconds are left.
  const step = Math.max(now(10_000) - 1, (usedSteps.get(key) ?? 0) + 1);
  while (step > now() + 1) await page.waitForTimeout(500);
  usedSteps.set(key, step);
  return totp(key, step);
}

/** Answers what is asked for on the pages of proofs, with what this person has, until another page comes. */
export async function proves(page, { to, password, key, old, before = 0, look = async () => {} }) {
  while (/\/prove$/.test(new URL(page.url()).pathname)) {
    await look();
    const asked = (field) => page.locator(`#${field}`).count();
    if (await asked("password")) await page.fill("#password", password);
    else if (await asked("backup_code")) await page.fill("#backup_code", old);
    else if (await asked("code")) await page.fill("#code", await code(page, to, before));
    else if (!(await asked("app_code"))) {
      await pressOn(page, /Use the passkey|Использовать ключ доступа/);
      continue;
    } else if (old) {
      await pressOn(page, /By a backup code|Резервным кодом/);
      continue;
    } else await page.fill("#app_code", await appCode(page, key));
    await pressOn(page, /Continue|Продолжить/);
  }
}

/** Presses, and waits for the next page. */
export async function pressOn(page, name) {
  const next = page.waitForEvent("framenavigated");
  await press(page, name);
  await next;
  await page.waitForLoadState();
}

/** Begins to add what a button on the security page names, and proves what is asked for: nothing, right after a sign-in. */
export async function prove(page, to, password, button, more = {}) {
  await go(page, "/security");
  const { count } = await codes(page, to);
  await pressOn(page, button);
  await proves(page, { to, password, before: count, ...more });
  await page.waitForURL("**/security/new");
  return true;
}

/** Gives what was just added a name, and leaves it at that. */
export async function nameIt(page, name, look = async () => {}) {
  await page.waitForURL("**/security/name?*");
  await look();
  await page.fill("#name", name);
  await pressOn(page, /^(Save|Сохранить)$/);
}

/** Adds an authenticator; the key that it holds. */
export async function addDevice(page, to, password, name = "A phone") {
  await prove(page, to, password, /Add an application|Добавить приложение/);
  const key = (await page.locator(".key").innerText()).replaceAll(" ", "");
  await page.fill("#app_code", await appCode(page, key));
  await pressOn(page, /^(Add|Добавить)$/);
  await nameIt(page, name);
  return key;
}

/** Makes a set of backup codes, proving with an authenticator, or with one of the codes that it will replace. */
export async function makeCodes(page, key, password, old, look = async () => {}) {
  await go(page, "/security");
  await pressOn(page, /Make backup codes|Make new ones|Создать коды|Создать новые/);
  await proves(page, { password, key, old });
  await page.waitForURL("**/security/new");
  await look();
  const codes = await page.locator(".codes code").allInnerTexts();
  await pressOn(page, /I have saved them|Коды сохранены/);
  await page.waitForURL("**/security");
  return codes;
}

/** A device that makes keys, presses its own button and verifies its user, in this person's browser. */
export async function keyDevice(page, transport = "internal") {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const send = (method, more = {}) => devtools.send(`WebAuthn.${method}`, { authenticatorId, ...more });
  return {
    keys: async () => (await send("getCredentials")).credentials,
    /** A copy of the key, as it was when its counter stood there. */
    putBack: async (credential, signCount) => {
      await send("clearCredentials");
      await send("addCredential", { credential: { ...credential, signCount } });
    },
    clear: () => send("clearCredentials"),
    /** Whether the person touches it when asked. */
    touches: (enabled) => send("setAutomaticPresenceSimulation", { enabled }),
    verifies: (isUserVerified) => send("setUserVerified", { isUserVerified }),
  };
}

/** Registers up to the page for a password. */
export async function registerUntilPassword(page, to, name) {
  await go(page, "/sign-up");
  await page.fill("#name", name);
  await page.fill("#contact", to);
  await page.check("#terms");
  await getCode(page);
  await page.fill("#code", await code(page, to));
  await press(page, /Continue|Продолжить/);
  await page.waitForURL("**/sign-up/password");
}

/** Without scripts one waits instead of computing, and presses again. */
export async function checked(page, name, look = () => {}) {
  await pressOn(page, name);
  if (!(await page.locator("#waiting").isVisible())) return;
  await look();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await pressOn(page, name);
}

export async function getCode(page, look) {
  await checked(page, /Get a code|Получить код/, look);
  await page.waitForURL("**/sign-up/code");
}

export async function register(page, to, name, password) {
  await registerUntilPassword(page, to, name);
  await page.fill("#new_password", password);
  await press(page, /Finish registration|Завершить регистрацию/);
  await page.waitForURL("**/home");
}

export async function typePassword(page, to, password) {
  await page.fill("#identifier", to);
  await page.fill("#password", password);
  await press(page, /Sign in|Войти/);
}

export async function signIn(page, to, password, typed = to) {
  if (!page.url().includes("/sign-in")) await go(page, "/sign-in");
  const { count } = await codes(page, to);
  await typePassword(page, typed, password);
  await page.waitForURL("**/sign-in/code");
  const sent = await code(page, to, count);
  await page.fill("#code", sent);
  await press(page, /Continue|Продолжить/);
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  return sent;
}

/** What `look` says of the page that stands: a click returns when the next one is on its way and has no root yet. */
export async function onPage(page, look, given) {
  await page.waitForLoadState();
  return page.evaluate(look, given);
}

/** No scroll sideways, a title, a language, labels for inputs: asked of the page as it stands. */
export async function sound(page, name) {
  const faults = await onPage(page, () => {
    const faults = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) faults.push(`scrolls sideways: ${scrollWidth} in ${clientWidth}`);
    if (!document.title) faults.push("no title");
    if (!document.documentElement.lang) faults.push("no language");
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    if (document.querySelector("script:not([src]), [style], [onclick], style")) faults.push("something inline");
    for (const form of document.querySelectorAll("form[method=post]")) {
      if (!form.querySelector("[name=form_token]")?.value) faults.push(`no form token: ${form.action}`);
    }
    return faults;
  });
  if (faults.length) check(false, `${name}: ${faults.join("; ")}`);
}

/** A picture of the page as it stands, full length unless it has no end; where pictures are wanted. */
export async function shot(page, name) {
  if (!shots) return;
  // The driver hides the caret by a style of its own, which is still there when the next thing is looked at.
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: !name.startsWith("outbox"), caret: "initial" });
}

// A colour on its way to another is neither: what ends is at its end. A spinner has none.
function settle() {
  for (const animation of document.getAnimations()) {
    if (animation.effect.getComputedTiming().endTime !== Infinity) animation.finish();
  }
}

/** Serious findings of axe. The page's policy forbids scripts, so the rules are injected by the debugger. */
export async function accessible(page, name, quiet = false, rules) {
  await onPage(page, settle);
  await onPage(page, `globalThis.axe ?? (() => { ${axe}; })(); 0`);
  const found = await page.evaluate((values) => globalThis.axe.run(document, values ? { runOnly: values } : {}), rules);
  const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  const what = serious.map((v) => `${v.id} at ${v.nodes.map((n) => n.target).join(", ")}`).join("; ");
  if (!quiet || serious.length > 0) check(serious.length === 0, `${name}: nothing serious for axe ${what}`);
}

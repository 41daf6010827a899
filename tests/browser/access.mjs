// What holds on every page, in both languages, for everybody: found by following links and pressing buttons, so that a
// page which is added is looked at too; and every task done by the keyboard alone.
import { readFile } from "node:fs/promises";
import { accessible, appCode, check, code, codes, go, onPage, pace, person, portal, shot } from "./people.mjs";
import { focused, follow, submit, tabTo, type } from "./keyboard.mjs";
import { faultsOf } from "./page.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";

export async function access(browser) {
  await Promise.all(["ru", "en"].map((locale) => inLanguage(browser, locale)));
}

async function inLanguage(browser, locale) {
  const looked = new Map();
  const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", scripts: true });
  const look = (of = page) => lookAt(of, locale, looked);
  const to = `tab-${locale}@example.org`;
  await pace(page);

  await crawl(page, ["/", "/nowhere"], look);
  await registers(page, to, locale, look);
  await changesPassword(page, look);
  const key = await addsDevice(page, to, look);
  await endsSession(browser, page, to, key, look);
  await signsOutAndIn(page, to, key, look);
  await lacksSecondStep(browser, locale, look);
  await opensMenu(page);
  check(true, `${locale}: register, change the password, add an authenticator, end a session, sign out and in, by keyboard alone`);
  await crawl(page, ["/home", "/"], look, (before) => proves(page, to, before, look));
  const names = [...looked.keys()];
  check(names.length > 25, `${locale}: ${names.length} pages looked at: ${names.join(", ")}`);
  await page.context().close();
}

async function registers(page, to, locale, look) {
  await go(page, "/");
  await follow(page, /^(Register|Зарегистрироваться)$/);
  await type(page, "name", locale === "ru" ? "Таисия" : "Tabitha");
  await type(page, "contact", "tabitha@");
  await tabTo(page, "terms");
  await page.keyboard.press("Space");
  await follow(page, /^(Get a code|Получить код)$/);
  await fromErrors(page, "contact", look);
  await type(page, "contact", to);
  await submit(page);
  check((await focused(page)).id === "code", "the cursor stands in the field for the code");
  await look();
  await type(page, "code", "000000");
  await submit(page);
  await fromErrors(page, "code", look);
  await type(page, "code", await code(page, to));
  await submit(page);
  await look();
  await type(page, "new_password", "qwerty");
  await page.locator(".rules [data-state=missing]").first().waitFor();
  const missing = await page.locator(".rules [data-state=missing]").count();
  await submit(page);
  check((await page.locator(".alert li").count()) === missing, "what the page said while typing is what the server says");
  await fromErrors(page, "new_password", look);
  await tabTo(page, /^(Suggest a password|Предложить пароль)$/);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector("#new_password").value.length > 20);
  await type(page, "new_password", PASSWORD);
  await follow(page, /^(Finish registration|Завершить регистрацию)$/);
  check(new URL(page.url()).pathname === "/home", "registered by keyboard");
  await look();
}

// A refusal is read first, and leads to its field.
async function fromErrors(page, field, look) {
  const role = () => document.activeElement?.getAttribute("role");
  // The script that moves it runs when the page is there.
  await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "alert", null, { timeout: 5000 }).catch(() => {});
  const alert = await page.evaluate(role);
  check(alert === "alert", `the focus goes to the errors: ${new URL(page.url()).pathname}`, alert);
  check(/^(Error|Ошибка): /.test(await page.title()), "the title says so too");
  await look();
  await page.evaluate(() => document.querySelector(".alert").focus());
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  check((await focused(page)).id === field, `its link leads to the field ${field}`, JSON.stringify(await focused(page)));
}

async function changesPassword(page, look) {
  await follow(page, /^(Security|Безопасность)$/);
  await look();
  await follow(page, /^(Change the password|Сменить пароль)$/);
  await look();
  await type(page, "current_password", "wrong");
  await type(page, "new_password", NEW_PASSWORD);
  await submit(page);
  await fromErrors(page, "current_password", look);
  await type(page, "current_password", PASSWORD);
  await tabTo(page, "current_password-show");
  await page.keyboard.press("Space");
  check((await page.getAttribute("#current_password", "type")) === "text", "Space on the button shows the password");
  await type(page, "new_password", NEW_PASSWORD);
  await submit(page);
  check((await page.locator(".news").innerText()).length > 0, "the password is changed by keyboard");
  await look();
}

async function addsDevice(page, to, look) {
  await follow(page, /^(Security|Безопасность)$/);
  await follow(page, /^(Add an application|Добавить приложение)$/);
  await look();
  const key = (await page.locator(".key").innerText()).replaceAll(" ", "");
  await type(page, "app_code", "000000");
  await submit(page);
  await fromErrors(page, "app_code", look);
  await type(page, "app_code", await appCode(page, key));
  await submit(page);
  check(new URL(page.url()).pathname === "/security/name", "an authenticator is added by keyboard");
  await look();
  await type(page, "name", "x".repeat(41));
  await submit(page);
  await fromErrors(page, "name", look);
  await type(page, "name", "Aegis");
  await submit(page);
  await look();
  await type(page, "app_code", await appCode(page, key));
  await submit(page);
  await look();
  check(await page.locator("[data-print]").isVisible(), "a button prints the codes");
  await follow(page, /^(I have saved them|Коды сохранены)$/);
  check(new URL(page.url()).pathname === "/security/done", "named, and backup codes made, by keyboard");
  await look();
  return key;
}

// As far as an account that came with a password alone gets before it is signed in.
async function lacksSecondStep(browser, locale, look) {
  const [name, password] = JSON.parse(await readFile(process.env.DEMO, "utf8")).bare;
  const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", scripts: true });
  await go(page, "/sign-in");
  await type(page, "identifier", name);
  await type(page, "password", password);
  await submit(page);
  check(new URL(page.url()).pathname === "/sign-in/add", "who has too little chooses what to add");
  await look(page);
  for (const way of [/^(Add an application|Добавить приложение)$/, /^(Add a passkey|Добавить ключ доступа)$/, /^(Make backup codes|Создать коды)$/]) {
    await follow(page, way);
    await look(page);
    await follow(page, /^(Cancel|Отмена)$/);
  }
  await page.context().close();
}

async function endsSession(browser, page, to, key, look) {
  const other = await person(browser, { locale: "en-GB" });
  await go(other, "/sign-in");
  await other.fill("#identifier", to);
  await other.fill("#password", NEW_PASSWORD);
  await other.keyboard.press("Enter");
  await other.fill("#app_code", await appCode(other, key));
  await other.keyboard.press("Enter");
  await other.waitForURL("**/home");
  await follow(page, /^(Home|Главная)$/);
  await follow(page, /^(Sessions|Сеансы|See the sessions|Посмотреть сеансы)/);
  await look();
  await follow(page, /^(End|Завершить):/);
  check((await page.locator(".news").innerText()).length > 0, "a session is ended by keyboard");
  await go(other, "/home");
  check(other.url().includes("/sign-in"), "and its browser has to sign in");
  await other.context().close();
}

async function signsOutAndIn(page, to, key, look) {
  await follow(page, /^(Sign out|Выйти)$/);
  check(new URL(page.url()).pathname === "/sign-in", "signed out by keyboard");
  await look();
  await type(page, "identifier", to);
  await type(page, "password", "wrong");
  await submit(page);
  await look();
  await type(page, "identifier", to);
  await type(page, "password", NEW_PASSWORD);
  await submit(page);
  await look();
  for (const way of [/^(By a backup code|Резервным кодом)$/, /^(By a code sent to|Кодом, который придёт на)/]) {
    if ((await page.getByRole("button", { name: way }).count()) === 0) continue;
    await follow(page, way);
    await look();
  }
  await follow(page, /^(By a code from your|Кодом из приложения)/);
  await type(page, "app_code", await appCode(page, key));
  await submit(page);
  check(new URL(page.url()).pathname === "/home", "signed in by keyboard");
}

// On a phone the pages are behind a button.
async function opensMenu(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  await go(page, "/home");
  await tabTo(page, /^(Menu|Меню)$/);
  check(!(await page.locator("#menu a").first().isVisible()), "the menu is closed");
  await page.keyboard.press("Enter");
  await tabTo(page, /^(Security|Безопасность)$/);
  await page.keyboard.press("Escape");
  check(!(await page.locator("#menu a").first().isVisible()), "Escape closes the menu");
  check(/^(Menu|Меню)$/.test((await focused(page)).name), "and the focus is back on its button");
  await page.keyboard.press("Space");
  await follow(page, /^(History|История)$/);
  check(new URL(page.url()).pathname === "/history", "the menu leads on, by keyboard");
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Every page that a link leads to from these; with `press`, which goes on from there, also those behind a button. */
async function crawl(page, from, look, press) {
  const waiting = [...from];
  const found = new Set(from);
  const pressed = new Set();
  while (waiting.length > 0) {
    const path = waiting.shift();
    if (!(await opens(page, path))) continue;
    await look();
    for (const link of await links(page)) {
      // One page of a list stands for the others.
      const [address] = link.split(/[?#]/);
      if (found.has(link) || found.has(address) || [...found].filter((known) => known.startsWith(`${address}?`)).length > 1) continue;
      found.add(link);
      waiting.push(link);
    }
    for (const button of press ? await buttons(page) : []) {
      if (pressed.has(button.id)) continue;
      pressed.add(button.id);
      await pace(page);
      await go(page, path);
      const target = page.locator(`form[action="${button.action}"] button`).nth(button.nth);
      if ((await target.count()) === 0) continue;
      const before = await press();
      await Promise.all([page.waitForEvent("framenavigated"), target.click()]);
      await page.waitForLoadState();
      await look();
      await press(before);
    }
  }
}

// Answers what it is asked for on the way to what a button promised; called first for how many codes there were.
async function proves(page, to, before, look) {
  const { count } = await codes(page, to);
  if (before === undefined) return count;
  for (let steps = 0; steps < 4; steps += 1) {
    const asked = await onPage(page, () => document.querySelector("main form input:not([type=hidden], [type=checkbox])")?.id);
    const byCode = page.getByRole("button", { name: /^(By a code sent to|Кодом, который придёт на)/ });
    if (asked === "password") await page.fill("#password", NEW_PASSWORD);
    else if (asked === "code") await page.fill("#code", await code(page, to, before));
    else if ((await byCode.count()) === 0) return count;
    await pace(page);
    const next = page.waitForEvent("framenavigated");
    await (["password", "code"].includes(asked) ? page.keyboard.press("Enter") : byCode.click());
    await next;
    await page.waitForLoadState();
    await look();
  }
  return count;
}

// Files are not opened; of them, too, the policy and the weight are looked at.
async function opens(page, path) {
  const reply = await page.context().request.get(portal + path);
  if (reply.headers()["content-type"]?.startsWith("text/html")) {
    await go(page, path);
    return true;
  }
  check((reply.headers()["content-security-policy"] ?? "").includes("default-src 'none'"), `${path} is a file, under the policy as well`);
  return false;
}

// From the text of the page: what stands in `noscript` is a link too.
async function links(page) {
  const here = page.url();
  const found = [...(await page.content()).matchAll(/<a\b[^>]*\shref="([^"]+)"/g)].map(([, href]) => href.replaceAll("&amp;", "&"));
  const urls = found.map((href) => new URL(href, here)).filter((url) => url.origin === new URL(portal).origin);
  return [...new Set(urls.map((url) => url.pathname + url.search))];
}

// Forms of nothing but a button. Signing out and the language are tried elsewhere.
function buttons(page) {
  return onPage(page, () => {
    const found = [];
    for (const form of document.querySelectorAll("main form[method=post]")) {
      const action = form.getAttribute("action");
      if (form.querySelector("input:not([type=hidden]), select, textarea") || form.dataset.passkey) continue;
      const same = [...document.querySelectorAll(`form[action="${action}"] button`)];
      for (const button of form.querySelectorAll("button")) {
        found.push({ action, nth: same.indexOf(button), id: `${action} ${button.value.length < 20 ? button.value : ""}` });
      }
    }
    return found;
  });
}

/** Everything that must hold, once for each page in each of its states. `looked`: a map for those that were. */
export async function lookAt(page, locale, looked) {
  const state = await onPage(page, () => {
    const mark = (sign, what) => (document.querySelector(what) ? sign : "");
    const field = document.querySelector("main form input:not([type=hidden])")?.id ?? "";
    return `${mark("!", ".alert")}${mark("+", ".news")}${field && `:${field}`} ${document.querySelector("h1")?.textContent}`;
  });
  const name = new URL(page.url()).pathname + state;
  if (looked.has(name)) return;
  looked.set(name, true);
  const file = `page-${locale}-${String(looked.size).padStart(2, "0")}${name.split(" ")[0].replaceAll(/[^a-z_-]+/g, "-").replace(/-$/, "")}`;
  for (const [width, dark] of [[1280, false], [390, true], [390, false], [1280, true]]) {
    const colorScheme = dark ? "dark" : "light";
    await page.setViewportSize({ width, height: width === 390 ? 844 : 900 });
    await page.emulateMedia({ colorScheme });
    await shot(page, `${file}-${width}-${colorScheme}`);
    if ((width === 1280) !== dark) await accessible(page, `${locale} ${name} ${width} ${colorScheme}`, true);
  }
  const faults = await faultsOf(page, locale);
  if (faults.length > 0) check(false, `${locale} ${name}: ${faults.join("; ")}`);
  await page.emulateMedia({ colorScheme: "light", media: "screen", reducedMotion: "no-preference" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

// The pages of the examples as people use them, in both languages.
import { readFileSync } from "node:fs";
import { accessible, appCode, check, finish, keyDevice, launch, onPage, portal, shot, sound } from "./people.mjs";

const walks = { passkey_only: keys, single_page: client };
const PASSWORD = "Correct Horse 7 Batteries!";
const seen = new WeakSet();
const browser = await launch();
try {
  const name = process.argv[2];
  await walks[name]("en-GB");
  await walks[name]("ru-RU");
} catch (error) {
  check(false, error.stack);
} finally {
  await browser.close();
  finish();
}

/** A browser of its own at the example's page; `dark` and 390 pixels wide where Russian is spoken. */
async function person(locale) {
  const russian = locale.startsWith("ru");
  const viewport = russian ? { width: 390, height: 844 } : { width: 1000, height: 800 };
  const context = await browser.newContext({ locale, viewport, colorScheme: russian ? "dark" : "light" });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A refusal on purpose is reported as a failed resource; everything else is a fault.
    if (["error", "warning"].includes(message.type()) && !/status of 4\d\d/.test(message.text())) check(false, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => check(false, `page error: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(portal)) check(false, `a request to elsewhere: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) check(false, `${response.status()} at ${response.url()}`);
  });
  await page.goto(portal);
  return page;
}

function printed(to) {
  const lines = readFileSync(process.env.LOG, "utf8").matchAll(/^to (\S+): .*?\b(\d{6})\b/gm);
  return [...lines].filter((line) => line[1] === to);
}

/** The newest code printed for this address, once there are more than `before`. */
async function code(page, to, before) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = printed(to);
    if (found.length > before) return found.at(-1)[2];
    await page.waitForTimeout(100);
  }
  throw new Error(`no code for ${to}`);
}

function press(page, name) {
  return page.getByRole("button", { name, exact: true }).click();
}

/** A page is never left, and axe leaves a sheet of its own in it: what is inline is asked once. */
async function look(page, name) {
  if (!seen.has(page)) await sound(page, name);
  seen.add(page);
  const wide = await onPage(page, () => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `${name}: no scroll sideways`);
  await accessible(page, name);
  await shot(page, name);
}

async function keys(locale) {
  const russian = locale.startsWith("ru");
  const say = (english, translated) => (russian ? translated : english);
  const to = `${locale.toLowerCase()}@example.org`;
  const name = `passkey_only-${locale}`;
  const page = await person(locale);
  const device = await keyDevice(page);
  await page.locator("#register").waitFor();
  check((await page.locator("html").getAttribute("lang")) === locale.slice(0, 2), `${name}: in its own language`);
  await look(page, `${name}-guest`);

  // The device has no key yet: the page says what to do.
  await press(page, say("Sign in with a passkey", "Войти с ключом доступа"));
  await page.locator("[role=alert]:not(:empty)").waitFor();
  const stopped = await page.locator("[role=alert]").innerText();
  check(stopped.includes(say("try again", "Попробуйте")), `${name}: no key, in words`, stopped);

  await page.fill("#name", say("Ann", "Анна"));
  await page.fill("#email", to);
  await press(page, say("Send me a code", "Получить код"));
  await page.locator("#code").waitFor();
  const sent = await code(page, to, 0);
  await page.fill("#code", sent === "000000" ? "000001" : "000000");
  await press(page, say("Create a passkey", "Создать ключ доступа"));
  await page.locator("[role=alert]:not(:empty)").waitFor();
  await look(page, `${name}-code`);
  await page.fill("#code", sent);
  await press(page, say("Create a passkey", "Создать ключ доступа"));
  await page.locator("#person").waitFor();
  const account = await page.locator("#account").innerText();
  check((await page.locator("#keys").innerText()) === "1" && account.length === 36, `${name}: registered with a key`);
  const [key] = await device.keys();
  check(key.isResidentCredential === true && key.userName === to, `${name}: found without a name, under the address`);
  await look(page, `${name}-person`);

  await press(page, say("Sign out", "Выйти"));
  await page.locator("#register").waitFor();
  await press(page, say("Sign in with a passkey", "Войти с ключом доступа"));
  await page.locator("#person").waitFor();
  check((await page.locator("#account").innerText()) === account, `${name}: signed in by touching the key`);

  // Another key, in another device of the same browser: the old one proves, the new one is made.
  const second = await keyDevice(page, "usb");
  await press(page, say("Add another passkey", "Добавить ещё один ключ"));
  await page.locator("#keys", { hasText: "2" }).waitFor();
  check((await second.keys()).length === 1, `${name}: a second key`);
  await device.clear();
  await press(page, say("Sign out", "Выйти"));
  await press(page, say("Sign in with a passkey", "Войти с ключом доступа"));
  await page.locator("#person").waitFor();
  check((await page.locator("#account").innerText()) === account, `${name}: the second key alone signs in`);
  await page.context().close();
}

async function client(locale) {
  const russian = locale.startsWith("ru");
  const say = (english, translated) => (russian ? translated : english);
  const to = `${locale.toLowerCase()}@example.org`;
  const name = `single_page-${locale}`;
  const page = await person(locale);
  const next = say("Continue", "Продолжить");
  await page.locator("#sign-up").waitFor();
  await look(page, `${name}-guest`);
  await page.fill("#name", say("Ann", "Анна"));
  await page.fill("#contact", to);
  await press(page, say("Send me a code", "Получить код"));
  await page.locator("#typed").waitFor();
  await page.fill("#typed", await code(page, to, 0));
  await press(page, next);
  await page.locator("#typed[type=password]").waitFor();
  await page.fill("#typed", "short");
  await press(page, next);
  await page.locator("[role=alert]:not(:empty)").waitFor();
  await look(page, `${name}-weak`);
  await page.fill("#typed", PASSWORD);
  await press(page, next);
  await page.locator("#person").waitFor();
  check((await page.locator("#amr").innerText()).includes("pwd"), `${name}: registered`);
  check((await page.locator("#history li").count()) > 0, `${name}: with a history`);

  await press(page, say("Order something", "Заказать что-нибудь"));
  await page.locator("#history li", { hasText: say("Order", "Заказ") }).waitFor();
  check(true, `${name}: an order stands in the history`);

  await signIn();
  await page.locator("#asked", { hasText: say("Code from the message", "Код из письма") }).waitFor();
  await page.fill("#typed", await code(page, to, 1));
  await press(page, next);
  await page.locator("#person").waitFor();
  check((await page.locator("#amr").innerText()) === "pwd email mfa", `${name}: signed in by password and message`);

  // An authenticator: proven by both, scanned or typed, and asked for at the next sign-in.
  await press(page, say("Add an authenticator", "Добавить приложение с кодами"));
  await page.locator("#asked", { hasText: say("Password", "Пароль") }).waitFor();
  await page.fill("#typed", PASSWORD);
  await press(page, next);
  await page.locator("#asked", { hasText: say("Code from the message", "Код из письма") }).waitFor();
  await page.fill("#typed", await code(page, to, 2));
  await press(page, next);
  await page.locator("#picture svg").waitFor();
  await look(page, `${name}-authenticator`);
  const key = (await page.locator("#key").innerText()).replaceAll(" ", "");
  await page.fill("#typed", await appCode(page, key));
  await press(page, next);
  await page.locator("#person").waitFor();
  await signIn();
  await page.locator("#asked", { hasText: say("Code from the authenticator", "Код из приложения") }).waitFor();
  // Another way can be chosen.
  await press(page, say("Code from the message", "Код из письма"));
  await page.locator("#asked", { hasText: say("Code from the message", "Код из письма") }).waitFor();
  await look(page, `${name}-ways`);
  await press(page, say("Code from the authenticator", "Код из приложения"));
  await page.fill("#typed", await appCode(page, key));
  await press(page, next);
  await page.locator("#person").waitFor();
  check((await page.locator("#amr").innerText()) === "pwd otp mfa", `${name}: signed in by password and authenticator`);
  await look(page, `${name}-person`);
  const left = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length].join());
  check(left === ",0,0", `${name}: no secret within reach of a script`, left);
  await page.reload();
  await page.locator("#person").waitFor();
  await press(page, say("Sign out", "Выйти"));
  await page.locator("#sign-in").waitFor();
  await page.reload();
  await page.locator("#sign-in").waitFor();
  check(true, `${name}: signed out, and so after a reload`);
  await page.context().close();

  async function signIn() {
    await press(page, say("Sign out", "Выйти"));
    await page.locator("#sign-in").waitFor();
    await page.fill("#identifier", to);
    await page.fill("#password", PASSWORD);
    await press(page, next);
  }
}

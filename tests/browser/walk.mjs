// The portal as people use it, without JavaScript; then with it, and every page as it looks.
import { readFile } from "node:fs/promises";
import { access } from "./access.mjs";
import { accounts } from "./accounts.mjs";
import { galleries } from "./galleries.mjs";
import { passkeys } from "./keys.mjs";
import { life } from "./life.mjs";
import { ending } from "./ending.mjs";
import { links } from "./links.mjs";
import { messages } from "./messages.mjs";
import { accessible, check, code, codes, finish, go, launch, person, press, register, registerUntilPassword } from "./people.mjs";
import { addDevice, appCode, makeCodes, shot, signIn, sound, typePassword } from "./people.mjs";
import { portalPages } from "./portal.mjs";
import { typing } from "./typing.mjs";
import { ways } from "./ways.mjs";
import { tabs } from "./tabs.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";

const parts = { registration, twoBrowsers, held, changeOfPassword, temporary, secondFactors, links, doors, passkeys, galleries, narrowest, withScripts, typing, access, portal: portalPages, ways, life, ending, accounts, messages, tabs };
const only = process.env.ONLY.split(",");
const walked = (await readFile(new URL("walks", import.meta.url), "utf8")).trim().split(/[\n,]/);
check(String(walked.sort()) === String(Object.keys(parts).sort()), "each part is in a walk", walked);

const browser = await launch();
try {
  for (const part of only) await parts[part](browser);
} catch (error) {
  check(false, error.stack);
} finally {
  await browser.close();
  finish();
}

async function registration() {
  const anna = await person(browser, { locale: "en-GB" });
  await go(anna, "/sign-up");
  await anna.fill("#name", "Anna");
  await anna.fill("#contact", "+7 916 000");
  await anna.check("#terms");
  await press(anna, "Get a code");
  check((await anna.locator("[role=alert]:visible").innerText()).includes("phone number"), "a phone that is none is refused in words");
  check((await anna.locator("#contact").inputValue()) === "+7 916 000", "what was typed is there again");

  await registerUntilPassword(anna, "+79160000001", "Anna");
  for (const [weak, reason] of [
    ["short", "at least 8 characters"],
    ["password1", "Many people use this"],
    ["+79160000001", "Leave out your name"],
  ]) {
    await anna.fill("#new_password", weak);
    await press(anna, "Finish registration");
    const said = await anna.locator("[role=alert]:visible").innerText();
    check(said.includes(reason), `a weak password is refused with its reason: ${reason}`, said);
    check((await anna.getAttribute("#new_password", "aria-invalid")) === "true", "its field says so as well");
    check((await anna.inputValue("#new_password")) === "", "no password is sent back");
  }
  const before = anna.url();
  await anna.reload();
  check(anna.url() === before && !anna.url().includes("?"), "a reload does not post again, nothing stands in the address");
  await anna.fill("#new_password", PASSWORD);
  await press(anna, "Finish registration");
  await anna.waitForURL("**/home");
  check((await anna.locator("h1").innerText()) === "Hello, Anna", "registered and signed in");
  check((await anna.locator(".news").innerText()).includes("registered"), "and told so once");
  await anna.reload();
  check((await anna.locator(".news").count()) === 0, "not twice");

  await anna.getByRole("button", { name: "Sign out" }).click();
  await anna.waitForURL("**/sign-in");
  const sent = await signIn(anna, "+79160000001", PASSWORD, "8 (916) 000-00-01");
  check(/^\d{6}$/.test(sent), "signed in with the phone written in another way, and a code by SMS");
  await go(anna, "/history");
  const newest = await anna.locator(".list.lines > li").first().innerText();
  check(newest.includes("Sign-in") && /Chrome \d+, Linux/.test(newest), "the sign-in stands in the history with its browser");
  check(newest.includes("MSK"), "and its time names a zone");
  await anna.context().close();
}

async function twoBrowsers() {
  const boris = await person(browser, { locale: "en-GB" });
  await register(boris, "boris@example.org", "Boris", PASSWORD);
  const elsewhere = await person(browser, { locale: "ru-RU" });
  await signIn(elsewhere, "boris@example.org", PASSWORD);
  check(elsewhere.url().endsWith("/home"), "a second browser signs in");
  await go(boris, "/sessions");
  check((await boris.locator(".list > li").count()) === 2, "both sessions are listed");
  await press(boris, /^End:/);
  check((await boris.locator(".news").innerText()) === "The session has ended.", "one is ended");
  check((await boris.locator(".list > li").count()) === 1, "and gone from the list");
  await go(elsewhere, "/history");
  check(elsewhere.url().includes("/sign-in?next=/history"), "the other browser has to sign in again, and will come back");
  check((await elsewhere.locator("html").getAttribute("lang")) === "ru", "in its own language");
  await boris.context().close();
  await elsewhere.context().close();
}

async function held() {
  const vera = await person(browser, { locale: "ru-RU" });
  await register(vera, "+79160000002", "Вера", PASSWORD);
  await vera.getByRole("button", { name: "Выйти" }).click();
  const stranger = await person(browser, { locale: "ru-RU" });
  await go(stranger, "/sign-in");
  for (let tries = 0; tries < 5; tries += 1) {
    await typePassword(stranger, "+79160000002", "не тот пароль");
    await stranger.waitForURL("**/sign-in");
    check((await stranger.locator("[role=alert]:visible").innerText()).includes("Неверный телефон"), `wrong password ${tries + 1}`);
  }
  await typePassword(stranger, "+79160000002", "не тот пароль");
  const said = await stranger.locator("[role=alert]:visible").innerText();
  check(/через (5 минут|4 минуты): в \d\d:\d\d МСК/.test(said), `the sixth is held, and told for how long: ${said.split("\n")[1]}`);
  await shot(stranger, "held-ru");
  await typePassword(stranger, "+79160000002", PASSWORD);
  check((await stranger.locator("[role=alert]:visible").innerText()).includes("через"), "the right password is held there as well");
  await signIn(vera, "+79160000002", PASSWORD);
  check(vera.url().endsWith("/home"), "the browser that she used before still signs in");
  await go(vera, "/history");
  check((await vera.locator(".list.lines").innerText()).includes("приостановлено"), "she sees that somebody was held");
  await go(vera, "/outbox");
  check((await vera.locator("main").innerText()).includes("приостановлен на 5 мин"), "and was told of it by SMS");
  await vera.context().close();
  await stranger.context().close();
}

async function changeOfPassword() {
  const gleb = await person(browser, { locale: "en-GB" });
  await register(gleb, "gleb@example.org", "Gleb", PASSWORD);
  const other = await person(browser);
  await signIn(other, "gleb@example.org", PASSWORD);
  await go(gleb, "/password");
  await gleb.fill("#current_password", "wrong");
  await gleb.fill("#new_password", NEW_PASSWORD);
  await press(gleb, "Change the password");
  check((await gleb.getAttribute("#current_password", "aria-invalid")) === "true", "a wrong current password is refused at its field");
  await gleb.fill("#current_password", PASSWORD);
  await gleb.fill("#new_password", "short");
  await press(gleb, "Change the password");
  check((await gleb.locator("#current_password").count()) === 0, "after a weak new one only that is asked for again");
  await gleb.fill("#new_password", NEW_PASSWORD);
  await press(gleb, "Change the password");
  check((await gleb.locator(".news").innerText()).includes("is changed"), "the password is changed");
  await go(other, "/home");
  check(other.url().includes("/sign-in"), "all other sessions have ended");
  await go(gleb, "/home");
  check(gleb.url().endsWith("/home"), "this one goes on");
  await gleb.context().close();
  await other.context().close();
}

// An organisation's first sign-in: by a temporary password, which must be changed before there is a session.
async function temporary() {
  const [to, given] = JSON.parse(await readFile(process.env.DEMO, "utf8")).office;
  const reach = async (page) => {
    await go(page, "/sign-in");
    const { count } = await codes(page, to);
    await typePassword(page, to, given);
    await page.waitForURL("**/sign-in/code");
    await page.fill("#code", await code(page, to, count));
    await press(page, /Continue|Продолжить/);
    await page.waitForURL("**/sign-in/password");
  };
  const left = await person(browser, { locale: "en-GB", scripts: true });
  await reach(left);
  check((await left.locator("main").innerText()).includes("temporary password"), "the page says why a new password is asked for");
  await accessible(left, "due-en");
  await sound(left, "due-en");
  await shot(left, "due-en");
  await go(left, "/home");
  check(left.url().includes("/sign-in"), "who leaves there is not signed in");
  await left.context().close();

  const olga = await person(browser, { locale: "ru-RU" });
  await reach(olga);
  check((await olga.locator("main").innerText()).includes("временный пароль"), "and can come again, in Russian");
  await shot(olga, "due-ru");
  for (const [weak, reason] of [[given, "нынешний пароль"], ["short", "не меньше 8"]]) {
    await olga.fill("#new_password", weak);
    await press(olga, "Сменить и войти");
    check((await olga.locator("[role=alert]:visible").innerText()).includes(reason), `refused with its reason: ${reason}`);
  }
  await sound(olga, "due-ru");
  await olga.fill("#new_password", PASSWORD);
  await press(olga, "Сменить и войти");
  await olga.waitForURL("**/home");
  check((await olga.locator(".news").innerText()).includes("изменён"), "the session begins with the new password");
  await olga.getByRole("button", { name: "Выйти" }).click();
  await signIn(olga, to, PASSWORD);
  check(olga.url().endsWith("/home"), "which signs in from then on");
  await olga.context().close();
}

// An authenticator and backup codes: added, asked for at the next sign-in, each code good once.
async function secondFactors() {
  const to = "zoya@example.org";
  const zoya = await person(browser, { locale: "en-GB" });
  await register(zoya, to, "Zoya", PASSWORD);
  const key = await addDevice(zoya, to, PASSWORD);
  const codes = await makeCodes(zoya, key, PASSWORD);
  check(codes.length === 10 && codes.every((one) => /^[0-9A-Z]{5}(-[0-9A-Z]{5}){2}$/.test(one)), "ten backup codes are shown");
  check((await zoya.locator("main").innerText()).includes("Codes left: 10"), "and ten are left");
  await go(zoya, "/security/new");
  check(new URL(zoya.url()).pathname === "/security", "they are not shown a second time");
  const shown = await zoya.content();
  check(!codes.some((one) => shown.includes(one)) && !shown.includes(key), "nor is the key");
  await zoya.getByRole("button", { name: "Sign out" }).click();

  await go(zoya, "/sign-in");
  await typePassword(zoya, to, PASSWORD);
  check((await zoya.locator("#app_code").count()) === 1, "the next sign-in asks for the application's code");
  await zoya.fill("#app_code", "12345");
  await press(zoya, "Continue");
  check((await zoya.locator("[role=alert]:visible").innerText()).includes("six digits"), "a code of five digits is refused in words");
  const typed = await appCode(zoya, key);
  await zoya.fill("#app_code", `${typed.slice(0, 3)} ${typed.slice(3)}`);
  await press(zoya, "Continue");
  await zoya.waitForURL("**/home");
  check((await zoya.locator("main").innerText()).includes("code from the application"), "signed in by password and the application");

  const other = await person(browser, { locale: "en-GB" });
  await go(other, "/sign-in");
  await typePassword(other, to, PASSWORD);
  await other.fill("#app_code", typed);
  await press(other, "Continue");
  check((await other.locator("[role=alert]:visible").innerText()).includes("used already"), "the same code again, elsewhere, is refused");
  await press(other, "By a backup code");
  const loose = codes[3].toLowerCase().replaceAll("-", " ");
  await other.fill("#backup_code", loose.slice(0, -1) + (loose.endsWith("7") ? "8" : "7"));
  await press(other, "Continue");
  check((await other.locator("[role=alert]:visible").innerText()).includes("typing error"), "a typing error in a backup code is seen as one");
  await other.fill("#backup_code", loose);
  await press(other, "Continue");
  await other.waitForURL("**/home");
  check(true, "signed in by password and a backup code in small letters");
  await go(other, "/security");
  check((await other.locator("main").innerText()).includes("Codes left: 9"), "one fewer is left");
  await other.getByRole("button", { name: "Sign out" }).click();
  await go(other, "/sign-in");
  await typePassword(other, to, PASSWORD);
  await press(other, "By a backup code");
  await other.fill("#backup_code", codes[3]);
  await press(other, "Continue");
  check((await other.locator("[role=alert]:visible").innerText()).includes("used already"), "the same backup code a second time is refused");
  await press(other, /^By a code sent to/);
  await other.fill("#code", await code(other, to, 1));
  await press(other, "Continue");
  await other.waitForURL("**/home");
  check(true, "and a code by e-mail still signs in");

  const fresh = await makeCodes(zoya, key, PASSWORD, codes[0]);
  await go(other, "/home");
  check(new URL(other.url()).pathname === "/sign-in", "a new list ends the other sessions");
  await typePassword(other, to, PASSWORD);
  await press(other, "By a backup code");
  await other.fill("#backup_code", codes[5]);
  await press(other, "Continue");
  check((await other.locator("[role=alert]:visible").innerText()).includes("No such code"), "and the old list is void");
  await other.fill("#backup_code", fresh[5]);
  await press(other, "Continue");
  await other.waitForURL("**/home");
  check(true, "the new one is good");
  // All pages of it.
  const history = await (await other.context().request.get(process.env.PORTAL + "/history.csv")).text();
  check(history.includes("A way to sign in was added") && history.includes("used already"), "all of it stands in the history", history);
  await zoya.context().close();
  await other.context().close();
}

async function doors() {
  const guest = await person(browser, { locale: "en-GB" });
  for (const path of ["/home", "/sessions", "/history?before=x", "/password", "/security", "/security/prove", "/security/new"]) {
    await go(guest, path);
    check(new URL(guest.url()).pathname === "/sign-in", `${path} asks to sign in`);
  }
  await go(guest, "/sign-in/code");
  check(guest.url().endsWith("/sign-in"), "no code page without a flow");
  for (const target of ["//evil.example", "/\\evil.example", "https:evil.example"]) {
    await go(guest, "/sign-in?next=" + encodeURIComponent(target));
    check((await guest.inputValue("[name=next] >> nth=-1")) === "", `no way on to ${target}`);
  }
  const missing = await go(guest, "/nothing-here");
  check(missing.status() === 404 && (await guest.locator("h1").innerText()) === "There is no such page", "a page for what is not there");
  const forged = await guest.context().request.post(process.env.PORTAL + "/sign-in", {
    form: { identifier: "gleb@example.org", password: NEW_PASSWORD },
    headers: { origin: process.env.PORTAL, accept: "text/html" },
  });
  check(forged.status() === 403 && (await forged.text()).includes("The form is too old"), "a form without its token does nothing");
  await go(guest, "/sign-in");
  await guest.getByRole("button", { name: "Русский" }).click();
  check((await guest.locator("h1").innerText()) === "Войти", "the language switch stays on the page");
  await guest.context().close();
}

async function narrowest() {
  const page = await person(browser, { locale: "ru-RU", width: 320 });
  await register(page, "+79160000003", "Дарья", PASSWORD);
  for (const path of ["/home", "/sessions", "/history", "/security", "/password", "/outbox"]) {
    await go(page, path);
    await sound(page, `${path} at 320`);
    await shot(page, `${path.slice(1)}-ru-320`);
  }
  check(true, "at 320 pixels as well");
  await page.context().close();
}

// The same portal with JavaScript switched on: nothing complains.
async function withScripts() {
  const page = await person(browser, { locale: "en-GB", scripts: true });
  await register(page, "+79160000004", "Egor", PASSWORD);
  await page.keyboard.press("Tab");
  check((await page.evaluate(() => document.activeElement.className)) === "skip", "the keyboard finds the skip link first");
  await go(page, "/sign-in");
  check(page.url().endsWith("/home"), "who is signed in is not asked again");
  await page.context().close();
}

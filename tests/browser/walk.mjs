// The portal as people use it, without JavaScript; then every page in both languages, wide and narrow, light and dark.
import { readFile } from "node:fs/promises";
import { accessible, check, code, finish, go, launch, pace, person, press, register, registerUntilPassword } from "./people.mjs";
import { addDevice, appCode, keyDevice, makeCodes, prove, shot, signIn, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";

const parts = { registration, twoBrowsers, held, changeOfPassword, temporary, secondFactors, doors, passkeys, galleries, narrowest, withScripts };
const only = process.env.ONLY?.split(",") ?? Object.keys(parts);

const browser = await launch();
try {
  for (const part of only) await parts[part]();
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
    await typePassword(page, to, given);
    await page.waitForURL("**/sign-in/code");
    await page.fill("#code", await code(page, to));
    await press(page, /Continue|Продолжить/);
    await page.waitForURL("**/sign-in/password");
  };
  const left = await person(browser, { locale: "en-GB" });
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
  check((await zoya.locator(".news").innerText()).includes("can sign in with it"), "an authenticator is added");
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
  await other.fill("#code", await code(other, to, 2));
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
  await go(other, "/history");
  const history = await other.locator(".list.lines").innerText();
  check(history.includes("A way to sign in was added") && history.includes("backup code: used already"), "all of it stands in the history");
  await zoya.context().close();
  await other.context().close();
}

// A device of Chromium's own: a key is added, signs in without a name, and is found out when it was copied.
async function passkeys() {
  const to = "kira@example.org";
  const kira = await person(browser, { locale: "en-GB", scripts: true });
  await register(kira, to, "Kira", PASSWORD);
  const device = await keyDevice(kira);
  await prove(kira, to, PASSWORD, "Add a passkey");
  await press(kira, "Create the passkey");
  await kira.waitForURL("**/security");
  check((await kira.locator(".news").innerText()).includes("can sign in with it"), "a passkey is added");
  const [made] = await device.keys();
  const handle = Buffer.from(made.userHandle, "base64");
  check(made.isResidentCredential && made.rpId === "localhost" && handle.length === 64, "it is found without a name, under a handle of 64 bytes");
  check(made.userName === to, "the device lists it under the name that its owner knows");
  await go(kira, "/security");
  await press(kira, "Add another passkey");
  await kira.fill("#password", PASSWORD);
  await press(kira, "Continue");
  await press(kira, "Use the passkey");
  await kira.waitForURL("**/security/new");
  check(true, "a passkey proves its owner before another is added");
  await press(kira, "Create the passkey");
  await kira.locator("form > [role=alert]:not([hidden])").waitFor();
  check((await kira.locator("form > [role=alert]").innerText()).includes("already holds"), "a device is not enrolled twice, and says so");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const posted = kira.waitForRequest((request) => request.url().endsWith("/sign-in/key"));
  await pressKey(kira, device);
  const answer = new URLSearchParams((await posted).postData()).get("key");
  await kira.waitForURL("**/home");
  check((await kira.locator("main").innerText()).includes("passkey"), "signed in by the passkey, without a name typed");
  check(JSON.parse(answer).response.userHandle === handle.toString("base64url"), "the answer carried the handle");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const form = async (key) => ({ form: { form_token: await kira.inputValue("form[data-begin] [name=form_token]"), key, next: "" } });
  const post = async (path, key) => kira.context().request.post(process.env.PORTAL + path, { ...(await form(key)), headers: { origin: process.env.PORTAL } });
  check((await (await post("/sign-in/key/options", "")).json()).allowCredentials.length === 0, "a new challenge names nobody");
  const replayed = await (await post("/sign-in/key", answer)).text();
  check(replayed.includes("passkey was not accepted"), "the answer that was accepted before is refused to a new challenge");
  await go(kira, "/home");
  check(kira.url().includes("/sign-in"), "and nobody is signed in by it");

  await untilOffered(kira, () => go(kira, "/sign-in"));
  await device.verifies(false);
  await pressKey(kira, device);
  await kira.locator("form > [role=alert]:not([hidden])").waitFor();
  check((await kira.locator("form > [role=alert]").innerText()).includes("Nothing was sent"), "without a finger, a face or a PIN the browser sends nothing, and the page says so");
  await device.verifies(true);
  await device.touches(true);

  // The browser itself offers the key at the field for names: this device takes it at once.
  await go(kira, "/sign-in");
  await kira.waitForURL("**/home");
  check(true, "signed in by the key that the browser offers beside the names");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const [worn] = await device.keys();
  check(worn.signCount > 3, `the device counts: ${worn.signCount}`);
  await device.putBack(worn, 0);
  await pressKey(kira, device);
  await kira.locator("[role=alert] h2").waitFor();
  check((await kira.locator(".alert").innerText()).includes("passkey was not accepted"), "a copy of the key is refused");
  await device.touches(false);
  await device.putBack(worn, 1000);
  await untilOffered(kira, () => go(kira, "/sign-in"));
  await pressKey(kira, device);
  await kira.locator(".alert").waitFor();
  check((await kira.locator(".alert").innerText()).includes("passkey was not accepted"), "and so is the key itself from then on");
  await device.touches(false);
  await signIn(kira, to, PASSWORD);
  check(kira.url().endsWith("/home"), "a password and a message still sign in: the key is not asked for");
  await go(kira, "/security");
  check((await kira.locator("main").innerText()).includes("switched off, somebody used a copy"), "the list of keys says why it is off");
  await shot(kira, "key-disabled");
  await go(kira, "/outbox");
  check((await kira.locator("main").innerText()).includes("a copy of your passkey"), "and a message told the owner");
  await device.clear();
  await device.touches(true);
  await prove(kira, to, PASSWORD, "Add another passkey");
  await press(kira, "Create the passkey");
  await kira.waitForURL("**/security");
  check((await device.keys()).length === 1, "a new key takes its place");
  await kira.getByRole("button", { name: "Sign out" }).click();
  await kira.waitForURL("**/home");
  check((await kira.locator("main").innerText()).includes("passkey"), "and signs in");
  await kira.context().close();

  const without = await person(browser, { locale: "ru-RU" });
  await go(without, "/sign-in");
  check((await without.locator("form.or").innerText()).includes("нужен JavaScript"), "without scripts the page says what the button needs");
  await press(without, "Войти с ключом доступа");
  check(without.url().endsWith("/sign-in"), "and pressing it does no harm");
  await without.context().close();
  for (const locale of ["ru", "en"]) {
    await keyPages({ locale, width: 1280, dark: false });
    await keyPages({ locale, width: 390, dark: true });
  }
}

// The browser waits behind the field for names, for a person who does not touch the device. A touch does not end a wait
// that has begun.
async function untilOffered(page, step) {
  const offered = page.waitForResponse("**/sign-in/key/options");
  await step();
  await offered;
  await page.waitForTimeout(200);
}

// Asks for a key by the button, and touches the device once that wait makes room.
async function pressKey(page, device) {
  const touch = async (route) => {
    await device.touches(true);
    await route.continue();
  };
  await page.route("**/sign-in/key/options", touch, { times: 1 });
  await press(page, "Sign in with a passkey");
}

// The pages of keys, as they look and read.
async function keyPages({ locale, width, dark }) {
  const tag = `${locale}-${width}-${dark ? "dark" : "light"}`;
  const to = `keys-${tag}@example.org`;
  const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", width, dark, scripts: true });
  const look = async (name) => {
    await sound(page, `${name} ${tag}`);
    await shot(page, `${name}-${tag}`);
    await accessible(page, `${name} ${tag}`);
  };
  await register(page, to, "Kira", PASSWORD);
  const device = await keyDevice(page);
  await prove(page, to, PASSWORD, /Add a passkey|Добавить ключ доступа/);
  await look("key-new");
  await device.verifies(false);
  await press(page, /Create the passkey|Создать ключ доступа/);
  await page.locator("form > [role=alert]:not([hidden])").waitFor();
  // The same document, in which axe has left something of its own.
  await shot(page, `key-new-stopped-${tag}`);
  await device.verifies(true);
  await press(page, /Create the passkey|Создать ключ доступа/);
  await page.waitForURL("**/security");
  await look("key-security");
  await device.touches(false);
  await signOut(page);
  await look("key-sign-in");
  await typePassword(page, to, PASSWORD);
  await page.waitForURL("**/sign-in/code");
  await look("key-prove");
  const [worn] = await device.keys();
  await device.putBack(worn, 0);
  await device.touches(true);
  await press(page, /Use the passkey|Использовать ключ доступа/);
  await page.locator(".alert").waitFor();
  await look("key-prove-refused");
  await page.context().close();
}

async function signOut(page) {
  await page.getByRole("button", { name: /Sign out|Выйти/ }).click();
  await page.waitForURL("**/sign-in");
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

async function galleries() {
  for (const locale of ["ru", "en"]) {
    for (const width of [1280, 390]) {
      for (const dark of [false, true]) await gallery({ locale, width, dark });
    }
  }
}

// All pages, with their errors: pictures for people, and what must hold on each.
async function gallery({ locale, width, dark }) {
  const tag = `${locale}-${width}-${dark ? "dark" : "light"}`;
  const to = `${tag}@example.org`;
  const page = await person(browser, {
    locale: locale === "ru" ? "ru-RU" : "en-GB",
    width,
    dark,
    scripts: width === 390,
  });
  const look = async (name) => {
    await sound(page, `${name} ${tag}`);
    await shot(page, `${name}-${tag}`);
    // axe is a script itself, and the narrow gallery the one with scripts on. Colours differ between light and dark.
    if (width === 390) await accessible(page, `${name} ${tag}`);
  };
  await pace(page);
  await go(page, "/");
  await look("welcome");
  await go(page, "/sign-up");
  await look("sign-up");
  await page.fill("#name", locale === "ru" ? "Константин Константинопольский" : "Konstantin Longname-Featherstonehaugh");
  await page.fill("#contact", "nobody@");
  await page.check("#terms");
  await press(page, /Get a code|Получить код/);
  await look("sign-up-error");
  await page.fill("#contact", to);
  await press(page, /Get a code|Получить код/);
  await look("sign-up-code");
  await page.fill("#code", "000000");
  await press(page, /Continue|Продолжить/);
  await look("sign-up-code-error");
  await page.fill("#code", await code(page, to));
  await press(page, /Continue|Продолжить/);
  await look("sign-up-password");
  await page.fill("#new_password", "qwerty");
  await press(page, /Finish registration|Завершить регистрацию/);
  await look("sign-up-password-error");
  await page.fill("#new_password", PASSWORD);
  await press(page, /Finish registration|Завершить регистрацию/);
  await look("home");
  const other = await person(browser, { locale: "en-GB" });
  await signIn(other, to, PASSWORD);
  await go(page, "/sessions");
  await look("sessions");
  await press(page, /^(End|Завершить):/);
  await look("sessions-ended");
  await go(page, "/password");
  await look("password");
  await page.fill("#current_password", "wrong");
  await page.fill("#new_password", NEW_PASSWORD);
  await press(page, /Change the password|Сменить пароль/);
  await look("password-error");
  await go(page, "/security");
  await look("security");
  const again = /Add an application|Добавить приложение/;
  const sent = await prove(page, to, PASSWORD, again, async () => look("security-prove"));
  check(sent, `proven by a message: ${tag}`);
  await look("security-device");
  await page.fill("#app_code", "000000");
  await press(page, /^(Add|Добавить)$/);
  await look("security-device-error");
  const key = (await page.locator(".key").innerText()).replaceAll(" ", "");
  await page.fill("#app_code", await appCode(page, key));
  await press(page, /^(Add|Добавить)$/);
  await makeCodes(page, key, PASSWORD, undefined, async () => {
    await look("security-codes");
    await page.emulateMedia({ media: "print", colorScheme: dark ? "dark" : "light" });
    if (width === 1280 && !dark) await shot(page, `security-codes-print-${tag}`);
    await page.emulateMedia({ media: "screen", colorScheme: dark ? "dark" : "light" });
  });
  await look("security-all");
  await go(page, "/history");
  await look("history");
  await page.emulateMedia({ media: "print", colorScheme: dark ? "dark" : "light" });
  if (width === 1280 && !dark) await shot(page, `history-print-${tag}`);
  await page.emulateMedia({ media: "screen", colorScheme: dark ? "dark" : "light" });
  await page.getByRole("button", { name: /Sign out|Выйти/ }).click();
  await look("sign-in");
  await go(page, "/home");
  await look("sign-in-asked");
  await typePassword(page, to, "wrong");
  await look("sign-in-error");
  await typePassword(page, to, PASSWORD);
  await page.waitForURL("**/sign-in/code");
  await look("sign-in-app");
  await press(page, /By a backup code|Резервным кодом/);
  await look("sign-in-backup");
  await page.fill("#backup_code", "00000-00000-00001");
  await press(page, /Continue|Продолжить/);
  await look("sign-in-backup-error");
  await press(page, /By a code sent to|Кодом, который придёт на/);
  await look("sign-in-code");
  await press(page, /Send a new code|Отправить новый код/);
  await look("sign-in-code-too-soon");
  await go(page, "/outbox");
  await look("outbox");
  await go(page, "/nowhere");
  await look("not-found");
  check(true, `all pages looked at: ${tag}`);
  await page.context().close();
  await other.context().close();
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

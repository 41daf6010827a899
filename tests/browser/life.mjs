// A loss, and changes that others may have made: a forgotten password, with and without a second step; a recovery that
// waits and is stopped from another browser and by the link in its message; contacts changed and undone.
import { accessible, addDevice, appCode, check, checked, code, codes, go, pace, person, portal, pressOn } from "./people.mjs";
import { register, shot, signIn, sound, typePassword } from "./people.mjs";
import { focused, follow, submit, tabTo, type } from "./keyboard.mjs";
import { faultsOf } from "./page.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";

export async function life(browser) {
  await forgotten(browser);
  await secondStep(browser);
  await stoppedElsewhere(browser);
  await stoppedByLink(browser);
  await undone(browser);
  await notMine(browser);
  for (const locale of ["ru", "en"]) {
    for (const width of [1280, 390]) await pictures(browser, { locale, width, dark: width === 390 });
  }
  await pictures(browser, { locale: "ru", width: 320, dark: false });
}

const text = (page) => page.locator("main").innerText();
const at = (page) => new URL(page.url()).pathname;

// Without scripts, from the page for signing in to the first page inside.
async function forgotten(browser) {
  const to = "forgot@example.org";
  const owner = await person(browser, { scripts: true });
  await register(owner, to, "Flora", PASSWORD);
  const page = await person(browser);
  await go(page, "/sign-in");
  await page.getByRole("link", { name: "Forgot your password or lost a device?" }).click();
  check(at(page) === "/forgot", "the page for signing in leads to restoring access");
  const told = [];
  for (const contact of ["nobody.here@example.org", to]) {
    await go(page, "/forgot");
    await page.fill("#contact", contact);
    await checked(page, "Continue", () => shot(page, "life-forgot-waiting-en"));
    check(at(page) === "/forgot/code", "a code is asked for");
    told.push((await text(page)).replaceAll(contact, ""));
  }
  check(told[0] === told[1], "an address that nobody has gets the same page", told.join("\n"));
  await page.fill("#code", await code(page, to, 1));
  await pressOn(page, "Continue");
  check(at(page) === "/forgot/password" && (await text(page)).includes("of your last"), "a code from the mailbox is enough for an account with nothing more");
  await page.fill("#new_password", "qwerty");
  await pressOn(page, "Change and sign in");
  check((await page.getAttribute("#new_password", "aria-invalid")) === "true", "a weak password is refused at its field");
  await page.fill("#new_password", NEW_PASSWORD);
  await pressOn(page, "Change and sign in");
  check(at(page) === "/home" && (await page.locator(".news").innerText()).includes("Access is restored"), "and then one is in");
  await go(owner, "/home");
  check(at(owner) === "/sign-in", "all other sessions have ended");
  await typePassword(owner, to, PASSWORD);
  check((await owner.locator("[role=alert]:visible").innerText()).includes("is wrong"), "the old password opens nothing");
  await go(page, "/history");
  check((await page.locator(".list.lines").innerText()).includes("Access restored"), "the history tells of it");
  await page.context().close();
  await owner.context().close();
}

async function secondStep(browser) {
  const to = "+79160000031";
  const owner = await person(browser, { scripts: true });
  await register(owner, to, "Sonya", PASSWORD);
  const key = await addDevice(owner, to, PASSWORD);
  const page = await person(browser, { scripts: true });
  await forgets(page, to);
  check((await page.locator("#app_code").count()) === 1 && (await text(page)).includes("I have none of these, wait"), "an account with a second step asks for it, or for time");
  await page.fill("#app_code", await appCode(page, key));
  await pressOn(page, "Continue");
  check(at(page) === "/forgot/password", "the application confirms");
  await page.fill("#new_password", "qwerty");
  await page.locator(".rules [data-state=missing]").first().waitFor();
  check(true, "the page helps while a new password is typed");
  await page.fill("#new_password", NEW_PASSWORD);
  await pressOn(page, "Change and sign in");
  check(at(page) === "/home", "and then one is in");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");

  await forgets(page, to, "device");
  check((await page.locator("#password").count()) === 1, "who has lost the device confirms by the password");
  await page.fill("#password", NEW_PASSWORD);
  await pressOn(page, "Continue");
  check(at(page) === "/home" && (await page.locator(".news").innerText()).includes("What was lost no longer works"), "and is in");
  await go(page, "/security");
  check(!(await text(page)).includes("A phone"), "the lost device is gone from the list");
  await page.context().close();
  await owner.context().close();
}

async function stoppedElsewhere(browser) {
  const to = "+79160000032";
  const owner = await person(browser, { scripts: true });
  await register(owner, to, "Ulyana", PASSWORD);
  const thief = await person(browser, { scripts: true });
  await forgets(thief, to);
  check(at(thief) === "/forgot/wait" && (await text(thief)).includes("Wait 72 hours"), "who holds the SIM card alone has to wait");
  await pressOn(thief, "Start the clock");
  check(/Not before\s+\d+ \w+ \d{4}, \d\d:\d\d MSK/.test(await text(thief)), "and is told from when it can be finished", await text(thief));
  await go(owner, "/home");
  check((await text(owner)).includes("Somebody is restoring access to your account"), "the owner reads of it in the other browser");
  await pressOn(owner, "Stop it");
  check((await owner.locator(".news").innerText()).includes("The recovery is stopped"), "and stops it");
  await go(owner, "/home");
  check(!(await text(owner)).includes("Somebody is restoring"), "then there is nothing more to read");
  await forgets(thief, to);
  check(at(thief) === "/forgot" && (await thief.locator("[role=alert]").innerText()).includes("stopped by the owner"), "and no other begins");
  await thief.context().close();
  await owner.context().close();
}

async function stoppedByLink(browser) {
  const to = "+79160000033";
  const owner = await person(browser, { scripts: true });
  await register(owner, to, "Lidia", PASSWORD);
  const thief = await person(browser, { scripts: true });
  await forgets(thief, to);
  await pressOn(thief, "Start the clock");
  const link = await objection(thief, to);
  const scanner = await person(browser);
  const fetched = await scanner.context().request.get(portal + link);
  check(fetched.headers()["referrer-policy"] === "strict-origin" && fetched.headers()["cache-control"] === "no-store", "the page behind the link says nothing of its address, and is kept nowhere");
  await go(owner, "/home");
  check((await text(owner)).includes("Somebody is restoring"), "a program that opens the link stops nothing");
  const reader = await person(browser, { scripts: true });
  await go(reader, link);
  check((await reader.locator("h1").innerText()) === "Stop the recovery?" && !/0033|Lidia/.test(await text(reader)), "who opens it is asked, and not told whose account it is");
  await pressOn(reader, "Stop it");
  check(at(reader) === "/objection/stopped", "its button stops it, signed out");
  await go(owner, "/home");
  check(!(await text(owner)).includes("Somebody is restoring"), "it is stopped");
  await go(reader, link);
  await pressOn(reader, "Stop it");
  check((await reader.locator("h1").innerText()) === "This link does not work", "once");
  await go(reader, "/objection?o=AAAA");
  check((await reader.locator("h1").innerText()) === "This link does not work", "nor does a wrong one");
  for (const page of [owner, thief, scanner, reader]) await page.context().close();
}

async function undone(browser) {
  const [to, other] = ["undo@example.org", "undo.other@example.net"];
  const page = await person(browser);
  await register(page, to, "Zlata", PASSWORD);
  await go(page, "/profile");
  await page.getByRole("link", { name: "Change contacts" }).click();
  check(at(page) === "/contacts" && (await text(page)).includes("the only contact"), "the profile leads to the contacts");
  await page.getByRole("link", { name: /^Replace/ }).click();
  await page.fill("#contact", other);
  await pressOn(page, "Get a code");
  check(at(page) === "/contacts/prove" && (await text(page)).includes(other), "the new address is confirmed");
  await page.fill("#code", await code(page, other));
  await pressOn(page, "Continue");
  check(at(page) === "/contacts" && (await page.locator(".news").innerText()).includes("is replaced"), "and is in the place of the old one");
  check((await text(page)).includes("can be undone until"), "for a while it can be undone");
  const link = await objection(page, to);
  const reader = await person(browser);
  await go(reader, link);
  check((await text(reader)).includes("All sessions end"), "the old address got a link, which says what it does");
  await pressOn(reader, "Undo the change");
  check(at(reader) === "/objection/undone", "and undoes the change");
  await go(page, "/contacts");
  check(at(page) === "/sign-in", "all sessions have ended");
  await signIn(page, to, PASSWORD);
  await go(page, "/contacts");
  check((await page.content()).includes(to) && !(await page.content()).includes(other), "the old address is back");
  await go(page, "/history");
  const history = await page.locator(".list.lines").innerText();
  check(history.includes("A change of contacts was undone") && history.includes("new contact: "), "all of it stands in the history", history);
  await page.context().close();
  await reader.context().close();
}

// A sign-in from a second browser tells the first; "not me" from its notice locks, and the owner gets back in.
async function notMine(browser) {
  const to = "notme@example.org";
  const owner = await person(browser);
  await register(owner, to, "Nina", PASSWORD);
  const thief = await person(browser);
  await signIn(thief, to, PASSWORD);
  check(at(thief) === "/home", "a second browser signs in");
  const link = await objection(owner, to);
  await go(owner, "/outbox");
  check((await text(owner)).includes("sign-in from a new browser") && (await text(owner)).includes("To lock the account at once"), "the owner is told, with a link");
  await go(owner, "/history");
  const line = await owner.locator(".list.lines > li").first().innerText();
  check(line.includes("unusual: a new browser") && line.includes("This was not me"), "and reads in the history what was unusual, with the same way out", line);
  const reader = await person(browser, { scripts: true });
  await go(reader, link);
  check((await reader.locator("h1").innerText()) === "Lock the account?" && !/notme|Nina/.test(await text(reader)), "who opens the link is asked, and not told whose account it is");
  await go(thief, "/home");
  check(at(thief) === "/home", "opening it locks nothing");
  await pressOn(reader, "It was not me, lock it");
  check(at(reader) === "/objection/locked" && (await reader.locator("h1").innerText()) === "The account is locked", "its button does");
  for (const page of [thief, owner]) {
    await go(page, "/home");
    check(at(page) === "/sign-in", "a session has ended");
  }
  await typePassword(thief, to, PASSWORD);
  check((await thief.locator("[role=alert]:visible").innerText()).includes("is wrong"), "and the password opens nothing");
  await reader.getByRole("link", { name: "Restore access" }).click();
  check(at(reader) === "/forgot", "the page leads to restoring access");
  await forgets(reader, to);
  await reader.fill("#new_password", NEW_PASSWORD);
  await pressOn(reader, "Change and sign in");
  check(at(reader) === "/home", "by which the owner is in again");
  await go(reader, link);
  await pressOn(reader, "It was not me, lock it");
  check((await reader.locator("h1").innerText()) === "This link does not work", "the link is settled then");
  await go(reader, "/home");
  check(at(reader) === "/home", "and locks nobody out");
  for (const page of [owner, thief, reader]) await page.context().close();
}

/** From the first page up to what is asked for after the code. */
async function forgets(page, to, lost = "password") {
  await pace(page);
  await go(page, "/forgot");
  await page.fill("#contact", to);
  await page.check(`#lost-${lost}`);
  const { count } = await codes(page, to);
  await checked(page, /^(Continue|Продолжить)$/);
  await page.fill("#code", await code(page, to, count));
  await pressOn(page, /^(Continue|Продолжить)$/);
}

/** The newest link of a notice to this address, as a path. */
async function objection(page, to) {
  for (let tries = 0; tries < 100; tries += 1) {
    const html = await (await page.context().request.get(portal + "/outbox")).text();
    const letters = html.split("<article").slice(1).filter((letter) => letter.includes(`<strong>${to}</strong>`));
    const links = letters.map((letter) => /\/objection\?o=[\w-]+/.exec(letter)?.[0]).filter(Boolean);
    if (links.length > 0) return links[0];
    await page.waitForTimeout(100);
  }
  throw new Error(`no link came to ${to}`);
}

// Every page of these ways, its errors, and by keyboard alone: in both languages, wide and narrow, light and dark.
async function pictures(browser, { locale, width, dark }) {
  const tag = `${locale}-${width}-${dark ? "dark" : "light"}`;
  const nth = ["ru-1280-light", "ru-390-dark", "en-1280-light", "en-390-dark", "ru-320-light"].indexOf(tag);
  const [phone, mail, other] = [`+7916000004${nth}`, `life-${tag}@example.org`, `life-with-a-long-name-${tag}@example.net`];
  const of = { locale: locale === "ru" ? "ru-RU" : "en-GB", width, dark, scripts: true };
  const [owner, page] = [await person(browser, of), await person(browser, of)];
  const seen = async (name, of = page) => {
    await sound(of, `${name} ${tag}`);
    await shot(of, `life-${name}-${tag}`);
    await accessible(of, `${name} ${tag}`, true);
    const before = of.viewportSize();
    const faults = await faultsOf(of, locale);
    if (faults.length > 0) check(false, `${name} ${tag}: ${faults.join("; ")}`);
    await of.emulateMedia({ colorScheme: dark ? "dark" : "light", media: "screen", reducedMotion: "no-preference" });
    await of.setViewportSize(before);
  };
  await pace(page);
  const name = locale === "ru" ? "Таисия" : "Tabitha";
  await register(owner, phone, name, PASSWORD);

  await go(page, "/sign-in");
  await seen("sign-in");
  await follow(page, /^(Forgot your password|Забыли пароль)/);
  await seen("forgot");
  await type(page, "contact", "nobody@");
  await tabTo(page, "lost-password");
  await page.keyboard.press("ArrowDown");
  check((await focused(page)).id === "lost-device" && (await page.isChecked("#lost-device")), `${tag}: the arrow keys choose what is lost`);
  await page.keyboard.press("ArrowUp");
  await follow(page, /^(Continue|Продолжить)$/);
  await seen("forgot-error");
  const { count } = await codes(page, phone);
  await type(page, "contact", phone);
  await submit(page);
  await seen("forgot-code");
  await type(page, "code", await code(page, phone, count));
  await submit(page);
  await seen("wait");
  await follow(page, /^(Start the clock|Начать отсчёт)$/);
  await seen("waits");

  await go(owner, "/home");
  await seen("note-home", owner);
  await go(owner, "/security");
  await seen("note-security", owner);
  const link = await objection(page, phone);
  await go(page, link);
  await seen("objection");
  await page.getByRole("button", { name: locale === "ru" ? "English" : "Русский" }).click();
  check((await page.locator("h1").innerText()) === (locale === "ru" ? "Stop the recovery?" : "Остановить восстановление доступа?"), `${tag}: the switch of the language stays on the page`);
  await page.getByRole("button", { name: locale === "ru" ? "Русский" : "English" }).click();
  await follow(page, /^(Stop it|Остановить)$/);
  await seen("objected");
  await go(page, link);
  await pressOn(page, /^(Stop it|Остановить)$/);
  await seen("objection-dead");
  await forgets(page, phone, "both");
  check(await page.isChecked("#lost-both"), `${tag}: what was chosen is there again`);
  await seen("stopped");

  await go(owner, "/contacts");
  await seen("contacts", owner);
  await follow(owner, /^(Add a contact|Добавить контакт)$/);
  await type(owner, "contact", "nobody@");
  await submit(owner);
  await seen("contact-error", owner);
  await type(owner, "contact", other);
  await submit(owner);
  await seen("contact-code", owner);
  await type(owner, "code", await code(owner, other));
  await submit(owner);
  await seen("contacts-two", owner);
  await tabTo(owner, /^(Phone|Телефон): /);
  await owner.keyboard.press("Enter");
  check(await owner.getByText(phone, { exact: true }).isVisible(), `${tag}: an address is shown in full, by keyboard`);
  await follow(owner, /^(Replace|Заменить):/);
  await seen("contact-replace", owner);
  await go(owner, "/contacts");
  const mine = await owner.locator("a[href^='/contacts/new?contact=']").last().getAttribute("href");
  await go(owner, mine.replace("new", "main"));
  await seen("contact-main", owner);
  await follow(owner, /^(Make it the main one|Сделать основным)$/);
  check(at(owner) === "/contacts" && (await owner.locator("[role=alert]").count()) === 1, `${tag}: the only one of its kind is the main one already`);
  await go(owner, "/contacts");
  await follow(owner, /^(Remove|Удалить):/);
  await seen("contact-remove", owner);
  await follow(owner, /^(Remove|Удалить)$/);
  await seen("contact-prove", owner);
  await go(page, await objection(page, phone));
  await seen("objection-contact");
  await follow(page, /^(Undo the change|Отменить изменение)$/);
  await seen("undone");

  const second = await person(browser, of);
  await register(second, mail, name, PASSWORD);
  await forgets(page, mail);
  await seen("password");
  await type(page, "new_password", NEW_PASSWORD);
  await submit(page);
  check(at(page) === "/home", `${tag}: in again, by keyboard`);
  await seen("restored");
  const third = await person(browser, of);
  await signIn(third, mail, NEW_PASSWORD);
  await go(third, "/history");
  await seen("unusual-history", third);
  await go(third, "/outbox");
  await sound(third, `outbox ${tag}`);
  // Its list has no end.
  await shot(third, `outbox-not-me-${tag}`);
  await go(page, await objection(page, mail));
  await seen("objection-not-me");
  await follow(page, /^(It was not me, lock it|Это не я, заблокировать)$/);
  await seen("not-me-locked");
  await page.getByRole("button", { name: locale === "ru" ? "English" : "Русский" }).click();
  check((await page.locator("h1").innerText()) === (locale === "ru" ? "The account is locked" : "Учётная запись заблокирована"), `${tag}: the switch of the language stays on the page of the end, too`);
  check(true, `the pages of a loss looked at: ${tag}`);
  for (const one of [owner, page, second, third]) await one.context().close();
}

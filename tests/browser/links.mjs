// A link in a letter: opened in the browser that asked, on another device, by programs; with scripts and without.
import { accessible, check, getCode, go, pace, person, portal, press, register, shot, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";

export async function links(browser) {
  const to = "lida@example.org";
  const lida = await person(browser, { locale: "en-GB" });
  await register(lida, to, "Lida", PASSWORD);
  await lida.getByRole("button", { name: "Sign out" }).click();
  await lida.waitForURL("**/sign-in");

  // In the same browser, by another tab.
  const first = await ask(lida, to);
  const number = await lida.locator(".number").innerText();
  check(/^\d{6}$/.test(number), "the page that waits shows a number of six digits");
  await sound(lida, "link-waits");
  await press(lida, "I have opened it, continue");
  check((await lida.locator("[role=alert]").innerText()).includes("not confirmed yet"), "who presses too early is told what to do");
  await twice(lida, "link-waits-en");
  for (let times = 0; times < 5; times += 1) {
    await lida.context().request.get(first);
    await lida.context().request.head(first);
  }
  const scanner = await person(browser, { locale: "en-GB" });
  const fetched = await scanner.context().request.get(first);
  check(fetched.ok() && fetched.headers()["referrer-policy"] === "strict-origin", "a scanner fetches the page, which says nothing of its address");
  check(!(await scanner.context().cookies()).some((cookie) => cookie.name === "propusk"), "and is signed in to nothing");
  const tab = await lida.context().newPage();
  await tab.goto(first);
  check((await tab.locator("h1").innerText()) === "Sign in here?", "the link asks in the browser that asked");
  check((await tab.locator("#number").count()) === 0, "and wants no number there");
  await sound(tab, "link-here");
  await twice(tab, "link-here-en");
  await tab.getByRole("button", { name: "Русский" }).click();
  check(tab.url() === first && (await tab.locator("h1").innerText()) === "Войти в этом браузере?", "in both languages");
  await twice(tab, "link-here-ru");
  await tab.getByRole("button", { name: "English" }).click();
  await press(tab, "Sign in");
  await tab.waitForURL("**/home");
  check(true, "its button signs in, in that very tab");
  await press(lida, "I have opened it, continue");
  await lida.waitForURL("**/home");
  check(true, "and the tab that waited is signed in, too");
  await tab.goto(first);
  check((await tab.locator("h1").innerText()) === "This link does not work", "a used link says so");
  await shot(tab, "link-used-en");
  await tab.close();

  // On another device; the page that waits has a script and goes on by itself.
  const screen = await person(browser, { locale: "ru-RU", scripts: true });
  const second = await ask(screen, to);
  await twice(screen, "link-waits-ru");
  await accessible(screen, "link-waits");
  const near = await screen.context().newPage();
  await near.goto(second);
  await accessible(near, "link-here");
  await near.close();
  const shown = await screen.locator(".number").innerText();
  const phone = await person(browser, { locale: "ru-RU", scripts: true, width: 390 });
  await phone.goto(second);
  check((await phone.locator("main").innerText()).includes("Chrome"), "the phone shows who asks");
  await sound(phone, "link-elsewhere");
  await accessible(phone, "link-elsewhere");
  await twice(phone, "link-elsewhere-ru");
  await phone.fill("#number", "12 34");
  await press(phone, "Подтвердить");
  check((await phone.locator("[role=alert]").innerText()).includes("шесть цифр"), "a slip of the finger is no answer");
  await twice(phone, "link-slip-ru");
  await phone.fill("#number", `${shown.slice(0, 3)} ${shown.slice(3)}`);
  await press(phone, "Подтвердить");
  await phone.waitForURL("**/link/done");
  check((await phone.locator("h1").innerText()).includes("вернитесь"), "the phone says where it goes on");
  await twice(phone, "link-done-ru");
  await screen.waitForURL("**/home");
  check(true, "the screen goes on by itself");
  await go(phone, "/home");
  check(phone.url().includes("/sign-in"), "and the phone is signed in to nothing");

  // A thief who knows the password; the owner denies.
  const thief = await person(browser, { locale: "en-GB" });
  const third = await ask(thief, to);
  await phone.goto(third);
  await press(phone, "Это не я");
  await phone.waitForURL("**/link/denied");
  await twice(phone, "link-denied-ru");
  await press(thief, "I have opened it, continue");
  check((await thief.locator("[role=alert]").innerText()).includes("denied"), "a denial reaches the screen that asked");
  await shot(thief, "link-denied-en");
  await go(lida, "/history");
  check((await lida.locator(".list.lines").innerText()).includes("denied"), "and stands in the history");

  // A registration.
  const mark = await person(browser, { locale: "en-GB" });
  await go(mark, "/sign-up");
  await mark.fill("#name", "Mark");
  await mark.fill("#contact", "mark.link@example.org");
  await mark.check("#terms");
  await getCode(mark);
  const fourth = await byLink(mark, "mark.link@example.org");
  await mark.goto(fourth);
  check((await mark.locator("h1").innerText()) === "Confirm your address", "a link confirms the address of a registration");
  await press(mark, "Confirm the address");
  await mark.waitForURL("**/sign-up/password");
  check(true, "and the registration goes on");
  for (const page of [lida, screen, phone, scanner, thief, mark]) await page.context().close();
}

/** A sign-in up to the page that waits for the link; where the link leads. */
async function ask(page, to) {
  await go(page, "/sign-in");
  await typePassword(page, to, PASSWORD);
  await page.waitForURL("**/sign-in/code");
  return byLink(page, to);
}

export async function byLink(page, to) {
  const { length } = await sent(page, to);
  await pace(page);
  await press(page, /^(By a link sent to|Ссылкой, которая придёт на)/);
  await page.locator(".number").waitFor();
  for (let tries = 0; tries < 100; tries += 1) {
    const links = await sent(page, to);
    if (links.length > length) return links[0];
    await page.waitForTimeout(100);
  }
  throw new Error(`no link came to ${to}`);
}

/** The links that went to an address, the newest first. */
async function sent(page, to) {
  const html = await (await page.context().request.get(portal + "/outbox")).text();
  const letters = html.split("<article").slice(1).filter((letter) => letter.includes(`<strong>${to}</strong>`));
  return letters.map((letter) => /href="([^"]+\/link\?m=[^"]+)"/.exec(letter)?.[1]).filter(Boolean);
}

/** As a wide screen and as a phone shows it. */
async function twice(page, name) {
  const before = page.viewportSize();
  const at = (width) => page.setViewportSize({ width, height: 844 });
  // Taking a picture leaves a sheet in a page without scripts: it is looked at before.
  for (const width of [1280, 390, 320]) {
    await at(width);
    await sound(page, name);
  }
  for (const width of [1280, 390]) {
    await at(width);
    await shot(page, `${name}-${width}`);
  }
  await page.setViewportSize(before);
}

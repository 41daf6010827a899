// Several accounts in one browser: added, switched, signed out of; and a page of the one before, still open.
import { faultsOf } from "./page.mjs";
import { accessible, check, go, person, press, pressOn, register, shot, signIn, sound } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";
const said = (page) => page.locator("main").innerText();
const strip = (page) => page.locator(".who").innerText();

// In both languages, wide and narrow, without a fault: by another browser with the same cookies, since axe is a script and
// this person has none.
async function looked(of, name) {
  const storageState = await of.context().storageState();
  const page = await person(of.context().browser(), { scripts: true, storageState });
  await go(page, new URL(of.url()).pathname + new URL(of.url()).search);
  for (const [language, button] of [["en", "Русский"], ["ru", "English"]]) {
    await sound(page, `${name}-${language}`);
    const faults = await faultsOf(page, language);
    check(faults.length === 0, `${name}, ${language}: as a page should be`, faults.join("; "));
    await page.emulateMedia({ media: "screen", colorScheme: "light", reducedMotion: "no-preference" });
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      await shot(page, `${name}-${language}-${width}`);
    }
    await accessible(page, `${name}, ${language}`);
    const next = page.waitForEvent("framenavigated");
    await page.getByRole("button", { name: button }).click();
    await next;
    await page.waitForLoadState();
  }
  await page.context().close();
}

export async function accounts(browser) {
  const [first, second] = ["vera.a@example.org", "+79160000077"];
  const oleg = await person(browser, { locale: "en-GB" });
  await register(oleg, second, "Таисия", PASSWORD);
  await oleg.context().close();
  const vera = await person(browser, { locale: "en-GB" });
  await register(vera, first, "Вера", PASSWORD);
  check((await vera.locator(".who").count()) === 0, "who has one account is not told which it is");

  await go(vera, "/profile");
  await vera.getByRole("link", { name: "Choose an account" }).click();
  await looked(vera, "accounts-one");
  await vera.getByRole("link", { name: "Add an account" }).click();
  await looked(vera, "account-add");
  await signIn(vera, second, PASSWORD);
  check((await strip(vera)).includes("Таисия"), "another account is added, and each page says which is in use");
  await looked(vera, "account-home");

  // A page of the second's, left open.
  const stale = await vera.context().newPage();
  await go(stale, "/lock");
  await go(vera, "/accounts");
  check((await said(vera)).includes("v***a@example.org"), "the one before is listed, masked");
  await looked(vera, "accounts");
  await pressOn(vera, /^Switch to it: Вера/);
  await vera.waitForURL("**/home");
  check((await vera.locator(".news").innerText()).includes("switched") && (await strip(vera)).includes("Вера"), "switched without a password");
  await pressOn(stale, "Lock it");
  check((await said(stale)).includes("before a switch"), "a form of the account before is refused, and says why");
  await shot(stale, "account-stale-en");
  await go(vera, "/home");
  check((await strip(vera)).includes("Вера"), "and did nothing for the account in use");
  await go(vera, "/history");
  const lines = await vera.locator(".list.lines").innerText();
  check(lines.includes("Switched to this account") && !lines.includes("locked"), "the history tells of the switch, and of no lock");
  await stale.close();

  // Vera signs out: the second is not in use by that, and one press away.
  await vera.getByRole("button", { name: "Sign out", exact: true }).first().click();
  await vera.waitForURL("**/accounts");
  check((await said(vera)).includes("None of them is in use"), "signing out of one asks which to go on with");
  await looked(vera, "accounts-nobody");
  await pressOn(vera, /^Switch to it: Таисия/);
  check((await vera.locator("h1").innerText()).includes("Таисия"), "the other goes on");
  await go(vera, "/accounts");
  await vera.getByRole("link", { name: "Add an account" }).click();
  await signIn(vera, first, PASSWORD);

  // The second ends all their other sessions elsewhere.
  const elsewhere = await person(browser, { locale: "ru-RU" });
  await signIn(elsewhere, second, PASSWORD);
  await go(elsewhere, "/sessions");
  await pressOn(elsewhere, /^Завершить все/);
  await elsewhere.context().close();
  await go(vera, "/accounts");
  const over = await said(vera);
  check(over.includes("sign in again") && !over.includes("Таисия"), "what was ended elsewhere is over here, and not named");
  await looked(vera, "accounts-ended");
  await vera.getByRole("link", { name: "Sign in again" }).click();
  await signIn(vera, second, PASSWORD);
  await go(vera, "/accounts");
  check(!(await said(vera)).includes("sign in again"), "signed in again, it is listed");
  await pressOn(vera, "Sign out of all");
  await vera.waitForURL("**/sign-in");
  await go(vera, "/accounts");
  check(vera.url().endsWith("/sign-in"), "nobody is left");
  await vera.context().close();
}

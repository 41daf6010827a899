// What a person is told, and where: notifications switched off by channel, what cannot be, and the inbox in both languages.
import { accessible, check, code, codes, go, pace, person, portal, pressOn, register, shot, sound, typePassword } from "./people.mjs";
import { faultsOf } from "./page.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";
const to = "nina@example.org";
const phone = "+79160000079";

export async function messages(browser) {
  // Without scripts from beginning to end.
  const nina = await person(browser, { locale: "en-GB" });
  await register(nina, to, "Nina", PASSWORD);
  await follow(nina, "/home", "Notifications");
  check((await main(nina)).includes("There are none yet"), "the inbox of a new account is empty");
  await follow(nina, "/security", "Choose notifications");
  check((await nina.locator("input[type=checkbox]").count()) === 0, "who has one address cannot switch it off");
  check((await main(nina)).includes("one address at least stays on"), "and reads why");

  await go(nina, "/contacts/new");
  await nina.fill("#contact", phone);
  await pressOn(nina, "Get a code");
  await nina.fill("#code", await code(nina, phone));
  await pressOn(nina, "Continue");
  await go(nina, "/preferences");
  check((await nina.locator("input[type=checkbox]").count()) === 4, "with two addresses there is a choice for two groups");
  await box(nina, "Signing in: E-mail").uncheck();
  await box(nina, "Signing in: SMS").uncheck();
  await pressOn(nina, "Save");
  check((await nina.locator("div[role=alert]").innerText()).includes("Leave one address on"), "not both are switched off");
  await box(nina, "Signing in: E-mail").check();
  await box(nina, "Ways to sign in: E-mail").uncheck();
  await pressOn(nina, "Save");
  check((await nina.locator(".news").innerText()).includes("are saved"), "one of them is");
  await nina.reload();
  const on = await nina.locator("input[type=checkbox]").evaluateAll((all) => all.map((one) => one.checked));
  check(String(on) === "true,false,false,true", "and stays so", on);
  for (const address of [to, phone]) {
    check(await heard(nina, address, /notices|switched off/i), `${address} hears that something was switched off`);
  }

  const elsewhere = await person(browser, { locale: "ru-RU" });
  await arrive(elsewhere, PASSWORD);
  check(await heard(nina, to, /sign-in from Chrome/), "a sign-in from a new browser is told by e-mail");
  check(!(await letters(nina, phone)).some((text) => /sign-in from Chrome/.test(text)), "and no more by SMS");
  await pace(nina);
  await go(nina, "/password");
  if (await nina.locator("#current_password").count()) await nina.fill("#current_password", PASSWORD);
  await nina.fill("#new_password", NEW_PASSWORD);
  await pressOn(nina, "Change the password");
  check(await heard(nina, phone, /was changed/), "a change of the password still reaches one address");
  check(!(await letters(nina, to)).some((text) => /Password was changed/i.test(text)), "the one that was left on");

  await go(nina, "/messages");
  const told = await main(nina);
  for (const what of ["was changed", "Sign-in from a new browser", "was added to the contacts"]) {
    check(told.includes(what), `the inbox has all of it: ${what}`, told);
  }
  check(!/https?:\/\/|\?o=/.test(told), "and nothing in it acts");
  await nina.getByRole("button", { name: "Русский" }).click();
  const russian = await main(nina);
  check(russian.includes("Вход из нового браузера") && !/[a-z]{3,} was /.test(russian), "in the language that is read", russian);
  await nina.context().close();
  await elsewhere.context().close();
  await pictures(browser);
}

/** Both pages in both languages, wide and narrow, light and dark. */
async function pictures(browser) {
  for (const locale of ["en", "ru"]) {
    const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", scripts: true, dark: locale === "ru" });
    await arrive(page, NEW_PASSWORD);
    for (const path of ["/messages", "/preferences"]) {
      await go(page, path);
      const tag = `${path.slice(1)}-${locale}`;
      for (const width of [1280, 390, 320]) {
        await page.setViewportSize({ width, height: 844 });
        // A picture leaves a style of its own behind.
        await page.reload();
        await sound(page, `${tag} at ${width}`);
        await shot(page, `${tag}-${width}`);
      }
      await accessible(page, tag);
      const faults = await faultsOf(page, locale);
      check(faults.length === 0, `${tag}: a page as it should be`, faults.join("; "));
      // It ends on paper.
      await page.emulateMedia({ media: null, colorScheme: locale === "ru" ? "dark" : "light" });
    }
    await page.context().close();
  }
}

const main = (page) => page.locator("main").innerText();
const box = (page, name) => page.getByRole("checkbox", { name, exact: true });

/** Signs in from a new browser; the code comes to one of the two addresses. */
async function arrive(page, password) {
  await pace(page);
  await go(page, "/sign-in");
  const before = [await codes(page, to), await codes(page, phone)];
  await typePassword(page, to, password);
  await page.waitForURL("**/sign-in/code");
  for (let tries = 0; tries < 100; tries += 1) {
    const now = [await codes(page, to), await codes(page, phone)];
    const came = now.find(({ count }, at) => count > before[at].count);
    if (came) {
      await page.fill("#code", came.newest);
      break;
    }
    await page.waitForTimeout(100);
  }
  await pressOn(page, /Continue|Продолжить/);
  await page.waitForURL("**/home");
}

async function follow(page, from, link) {
  await go(page, from);
  await page.locator("main").getByRole("link", { name: link, exact: true }).first().click();
  await page.waitForLoadState();
}

/** What was sent to an address, the newest first. */
async function letters(page, address) {
  const html = await (await page.context().request.get(portal + "/outbox")).text();
  const all = html.split("<article").slice(1).filter((letter) => letter.includes(`<strong>${address}</strong>`));
  return all.map((letter) => letter.slice(letter.indexOf("</strong>")).replaceAll(/<[^>]+>/g, " "));
}

/** Messages leave about once a second. */
async function heard(page, address, what) {
  for (let tries = 0; tries < 60; tries += 1) {
    if ((await letters(page, address)).some((text) => what.test(text))) return true;
    await page.waitForTimeout(100);
  }
  return false;
}

// Every page in both languages, wide and narrow, light and dark: pictures for people, and what must hold on each.
import { accessible, check, code, getCode, go, pace, person, press } from "./people.mjs";
import { appCode, makeCodes, nameIt, pressOn, prove, shot, signIn, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";

export async function galleries(browser) {
  for (const locale of ["ru", "en"]) {
    for (const width of [1280, 390]) {
      for (const dark of [false, true]) await gallery(browser, { locale, width, dark });
    }
  }
}

// All pages, with their errors: pictures for people, and what must hold on each.
async function gallery(browser, { locale, width, dark }) {
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
  // The puzzle is solved before the form goes: the page that is looked at is the next one.
  await Promise.all([page.waitForEvent("load"), press(page, /Get a code|Получить код/)]);
  await look("sign-up-error");
  await page.fill("#contact", to);
  await getCode(page, () => look("sign-up-waiting"));
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
  await prove(page, to, PASSWORD, again);
  await look("security-device");
  await page.fill("#app_code", "000000");
  await press(page, /^(Add|Добавить)$/);
  await look("security-device-error");
  const key = (await page.locator(".key").innerText()).replaceAll(" ", "");
  await page.fill("#app_code", await appCode(page, key));
  await pressOn(page, /^(Add|Добавить)$/);
  await nameIt(page, locale === "ru" ? "Телефон Константина" : "The phone in my left pocket", async () => look("security-name"));
  await look("security-prove");
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

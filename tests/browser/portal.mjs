// The pages behind a sign-in: home, profile, services and what they ask for, the history and its table, known browsers;
// and the status page. Then all of them in both languages, wide and narrow, light and dark, and on paper.
import { accessible, check, codes, go, pace, person, press, pressOn, proves, register, shot, signIn, sound } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";

export async function portalPages(browser) {
  await closedToStrangers(browser);
  await services(browser);
  await historyAndTable(browser);
  await knownBrowsers(browser);
  await languages(browser);
  for (const locale of ["ru", "en"]) {
    await look(browser, { locale, width: 1280, dark: false });
    await look(browser, { locale, width: 390, dark: true });
  }
  await look(browser, { locale: "ru", width: 320, dark: false });
}

async function closedToStrangers(browser) {
  const guest = await person(browser);
  for (const path of ["/profile", "/services", "/services/application", "/services/fine", "/services/record", "/desk", "/history.csv?result=done"]) {
    await go(guest, path);
    const url = new URL(guest.url());
    check(url.pathname === "/sign-in" && url.searchParams.get("next") === path, `${path} asks to sign in, and will be come back to`);
  }
  const status = await go(guest, "/status");
  check(status.status() === 200 && (await guest.locator("h1").innerText()) === "The portal works", "the status is for everybody");
  const health = await guest.context().request.get(process.env.PORTAL + "/health");
  check(health.status() === 200 && (await health.text()) === '{"status":"ok"}', "and for machines");
  await guest.context().close();
}

async function services(browser) {
  const olga = await person(browser);
  await register(olga, "olga@example.org", "Olga", PASSWORD);
  const home = await olga.locator("main").innerText();
  check(home.includes("Your second step is a code by message only") && home.includes("Make backup codes"), "home says what is missing");
  await olga.getByRole("link", { name: "File an application" }).click();
  check((await olga.locator("h1").innerText()) === "An application needs a standard account", "an application waits for the level");
  await olga.getByRole("link", { name: "To the service desk" }).click();
  await press(olga, "The documents are checked");
  check((await olga.locator(".news").innerText()).includes("standard account now"), "and is open once documents were seen");
  await olga.fill("#application", "no");
  await press(olga, "File the application");
  check((await olga.getAttribute("#application", "aria-invalid")) === "true" && (await olga.inputValue("#application")) === "no", "what is too short is refused at its field, and is there again");
  await olga.fill("#application", "=HYPERLINK(\"http://evil.example\") <b>please</b>");
  await press(olga, "File the application");
  const filed = await olga.locator("main").innerText();
  check(/№ \d{6}/.test(filed) && filed.includes("<b>please</b>"), "it is filed under a number, as text");
  await go(olga, "/services/fine");
  await pressOn(olga, "Pay 500 ₽");
  const approves = async () => (await olga.locator(".note").innerText()).includes("500 ₽") && (await olga.locator(".note").innerText()).includes("Traffic police");
  check(await approves(), "a fine is paid by who approves it, with amount and payee before their eyes");
  const { count } = await codes(olga, "olga@example.org");
  await proves(olga, { to: "olga@example.org", password: PASSWORD, before: count, look: async () => check(await approves(), "on each page of it") });
  check((await olga.locator(".news").innerText()) === "The fine is paid.", "and then it is paid");
  check((await olga.getByRole("button", { name: "Pay 500 ₽" }).count()) === 0, "and not a second time");
  await go(olga, "/services/record");
  await press(olga, "Order an extract");
  check((await olga.locator("main").innerText()).includes("№ 0"), "an extract is ordered");
  await go(olga, "/history");
  const history = await olga.locator(".list.lines").innerText();
  check(["Application filed", "Fine paid", "Extract ordered", "Level of the account set"].every((said) => history.includes(said)), "all of it stands in the history");
  await go(olga, "/profile");
  const profile = await olga.locator("main").innerText();
  check(profile.includes("o***a@example.org") && !profile.includes("olga@example.org") && profile.includes("Standard"), "the profile masks the address, and tells the level");
  await olga.locator("summary").first().click();
  check((await olga.locator("main").innerText()).includes("olga@example.org"), "until it is asked for");
  await olga.context().close();
}

async function historyAndTable(browser) {
  const petr = await person(browser);
  await register(petr, "petr@example.org", "Petr", PASSWORD);
  await go(petr, "/password");
  await petr.fill("#current_password", "wrong");
  await petr.fill("#new_password", "Совсем другие слова 9");
  await press(petr, "Change the password");
  await go(petr, "/history");
  await petr.selectOption("#result", "refused");
  await press(petr, "Show");
  check((await petr.locator(".list.lines > li").count()) === 1 && (await petr.locator(".list.lines").innerText()).includes("wrong answer"), "refused alone, with the reason");
  check((await petr.inputValue("#result")) === "refused", "the filter shows what was asked for");
  await petr.getByRole("button", { name: "Русский" }).click();
  check(petr.url().endsWith("/history?result=refused") && (await petr.locator("h1").innerText()) === "История", "the language changes, the filter stays");
  await petr.getByRole("button", { name: "English" }).click();
  await petr.fill("#from", "2001-01-01");
  await petr.fill("#to", "2001-01-02");
  await press(petr, "Show");
  check((await petr.locator("main").innerText()).includes("Nothing was found"), "an empty result says what to do");
  await petr.fill("#from", "2001-01-03");
  await press(petr, "Show");
  check((await petr.getAttribute("#from", "aria-invalid")) === "true", "days that cross are told at their field");
  await petr.getByRole("link", { name: "Clear" }).click();
  await petr.selectOption("#device", { index: 1 });
  await press(petr, "Show");
  check((await petr.locator(".list.lines > li").count()) > 1, "by the device that it was");
  const table = await petr.context().request.get(process.env.PORTAL + "/history.csv?result=refused");
  const bytes = await table.body();
  check(table.headers()["content-disposition"].startsWith("attachment") && table.headers()["x-content-type-options"] === "nosniff", "the table is for saving");
  check(bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) && bytes.toString().split("\r\n").length === 3, "with its mark, a head and the one line");
  await petr.context().close();
}

async function knownBrowsers(browser) {
  const rita = await person(browser);
  await register(rita, "rita@example.org", "Rita", PASSWORD);
  const other = await person(browser, { locale: "ru-RU" });
  await signIn(other, "rita@example.org", PASSWORD);
  await go(rita, "/security");
  const known = rita.locator("section", { has: rita.getByRole("heading", { name: "Known browsers" }) }).locator("li");
  check((await known.count()) === 2 && (await known.first().innerText()).includes("This browser"), "both browsers are known, this one first");
  await known.last().getByRole("button").click();
  check((await rita.locator(".news").innerText()).includes("is forgotten") && (await known.count()) === 1, "one is forgotten");
  await go(other, "/security");
  check(!(await other.locator("main").innerText()).includes("Этот браузер"), "and is not known to itself any more, though signed in");
  await rita.context().close();
  await other.context().close();
}

async function languages(browser) {
  for (const [header, lang] of [["de,ru;q=0.3", "ru"], ["run,rup;q=0.9", "en"], ["ru;q=0,en;q=0.1", "en"]]) {
    const guest = await person(browser);
    const page = await guest.context().request.get(process.env.PORTAL + "/status", { headers: { "accept-language": header } });
    check((await page.text()).includes(`<html lang="${lang}">`), `${header}: ${lang}`);
    await guest.context().close();
  }
}

async function look(browser, { locale, width, dark }) {
  const tag = `${locale}-${width}-${dark ? "dark" : "light"}`;
  const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", width, dark, scripts: true });
  const to = `portal-${tag}@example.org`;
  const seen = async (name) => {
    await sound(page, `${name} ${tag}`);
    await shot(page, `portal-${name}-${tag}`);
    await accessible(page, `${name} ${tag}`);
  };
  const paper = async (name) => {
    await page.emulateMedia({ media: "print", colorScheme: "light" });
    await shot(page, `portal-${name}-print-${tag}`);
    await page.emulateMedia({ media: "screen", colorScheme: dark ? "dark" : "light" });
  };
  await pace(page);
  await register(page, to, locale === "ru" ? "Константин Константинопольский" : "Konstantin Longname-Featherstonehaugh", PASSWORD);
  await go(page, "/home");
  await seen("home");
  await go(page, "/profile");
  await seen("profile");
  await go(page, "/services");
  await seen("services");
  await go(page, "/services/application");
  await seen("application-refused");
  await go(page, "/desk");
  await seen("desk");
  await press(page, /The documents are checked|Документы проверены/);
  await seen("application");
  await page.fill("#application", "x");
  await press(page, /File the application|Подать заявление/);
  await seen("application-error");
  await page.fill("#application", locale === "ru" ? "Прошу заменить водительское удостоверение" : "Please replace my driving licence");
  await press(page, /File the application|Подать заявление/);
  await seen("application-filed");
  await go(page, "/services/fine");
  await seen("fine");
  const { count } = await codes(page, to);
  await pressOn(page, /Pay 500 ₽|Оплатить 500 ₽/);
  let steps = 0;
  await proves(page, { to, password: PASSWORD, before: count, look: async () => seen(`fine-prove-${(steps += 1)}`) });
  await seen("fine-paid");
  await go(page, "/services/record");
  await press(page, /Order an extract|Заказать выписку/);
  await seen("record");
  await go(page, "/history");
  await seen("history");
  if (width === 1280) await paper("history");
  await go(page, "/history?result=timed_out");
  await seen("history-empty");
  await go(page, "/history?from=x&result=refused");
  await seen("history-error");
  await go(page, "/security");
  await seen("security");
  await go(page, "/sessions");
  await seen("sessions");
  await go(page, "/status");
  await seen("status");
  check(true, `the pages of the portal looked at: ${tag}`);
  await page.context().close();
}

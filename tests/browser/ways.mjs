// What one signs in with, from its first day to its last: an application added from its QR code, named, followed by
// backup codes; signing in by each; a fine that is approved; a browser that is trusted, and is not any more; removal.
import { readFile } from "node:fs/promises";
import { accessible, appCode, check, code, codes, go, nameIt, pace, person, pressOn } from "./people.mjs";
import { portal, prove, proves, register, shot, signIn, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";

export async function ways(browser) {
  await fromQrToRemoval(browser);
  await trust(browser);
  await tooLittle(browser);
  for (const locale of ["ru", "en"]) {
    for (const width of [1280, 390]) await pictures(browser, { locale, width, dark: width === 390 });
  }
  await pictures(browser, { locale: "ru", width: 320, dark: false });
}

const text = (page) => page.locator("main").innerText();
const at = (page) => new URL(page.url()).pathname;
const signOut = async (page) => {
  await page.getByRole("button", { name: /^(Sign out|Выйти)$/ }).click();
  await page.waitForURL("**/sign-in");
};

async function fromQrToRemoval(browser) {
  const to = "+79160000011";
  const nina = await person(browser, { locale: "en-GB" });
  await register(nina, to, "Nina", PASSWORD);
  check((await text(nina)).includes("Your second step is a code by message only"), "home reminds of a second step");
  await pressOn(nina, "Not now");
  check(!(await text(nina)).includes("Your second step is a code by message only"), "until it is dismissed");
  await prove(nina, to, PASSWORD, "Add an application");
  check(true, "nothing is asked for again right after a registration");
  const uri = new URL(await nina.locator("a[href^='otpauth:']").getAttribute("href"));
  const key = uri.searchParams.get("secret");
  await nina.fill("#app_code", await appCode(nina, key));
  await pressOn(nina, "Add");
  check((await nina.locator(".news").innerText()).includes("can sign in with it"), "an application is added from the text of its QR code");
  check((await nina.inputValue("#name")) === "My phone", "a name is suggested");
  await nameIt(nina, "Nina's phone");
  check(at(nina) === "/security/new", "a password and a code by SMS are enough to go on to backup codes");
  const file = await nina.context().request.get(portal + "/security/new/codes.txt");
  const list = await nina.locator(".codes code").allInnerTexts();
  const saved = await file.text();
  check(list.length === 10 && list.every((one) => saved.includes(one)) && file.headers()["content-disposition"].startsWith("attachment"), "the codes can be downloaded");
  check((await nina.locator("[data-print]").isVisible()) === false, "no button that does nothing without scripts");
  await pressOn(nina, "I have saved them");
  check(at(nina) === "/security/done" && (await text(nina)).includes("Nina's phone") && (await text(nina)).includes("Codes left: 10"), "the last page says what there is now");
  await nina.getByRole("link", { name: "Continue" }).click();
  check(at(nina) === "/home" && (await text(nina)).includes("All set"), "and home has nothing left to do");
  await go(nina, "/security");
  check((await text(nina)).includes("Nina's phone") && (await text(nina)).includes("not used yet"), "it is listed by its name, not used yet");

  await signOut(nina);
  await typePassword(nina, to, PASSWORD);
  await nina.fill("#app_code", await appCode(nina, key));
  await pressOn(nina, "Continue");
  check(at(nina) === "/home", "signed in by the application");
  await go(nina, "/security");
  const phone = nina.locator(".list > li", { hasText: "Nina's phone" });
  check((await phone.innerText()).includes("last used"), "which was used, and when");
  await phone.getByRole("link", { name: /^Rename/ }).click();
  await nina.fill("#name", "x".repeat(41));
  await pressOn(nina, "Save");
  check((await nina.getAttribute("#name", "aria-invalid")) === "true" && (await nina.inputValue("#name")).length === 41, "a name that is too long is refused at its field");
  await nina.fill("#name", "Old <b>phone</b>");
  await pressOn(nina, "Save");
  check((await nina.locator(".news").innerText()) === "The name is changed." && (await text(nina)).includes("Old <b>phone</b>"), "another name, as text");

  const other = await person(browser, { locale: "ru-RU" });
  await go(other, "/sign-in");
  await typePassword(other, to, PASSWORD);
  await pressOn(other, "Резервным кодом");
  await other.fill("#backup_code", list[2]);
  await pressOn(other, "Продолжить");
  check(at(other) === "/home", "signed in elsewhere by a backup code");
  await signOut(other);
  await typePassword(other, to, PASSWORD);
  const sent = await codes(other, to);
  await pressOn(other, /^Кодом, который придёт на/);
  await other.fill("#code", await code(other, to, sent.count));
  await pressOn(other, "Продолжить");
  check(at(other) === "/home", "and by SMS");

  await go(other, "/services/fine");
  await pressOn(other, "Оплатить 500 ₽");
  const approves = async () => /500 ₽[^]*Госавтоинспекция/.test(await other.locator(".note").innerText());
  check(at(other) === "/services/fine/prove" && (await approves()), "a payment is approved with amount and payee in sight");
  await other.fill("#password", PASSWORD);
  await pressOn(other, "Продолжить");
  const before = await codes(other, to);
  await pressOn(other, /^Кодом, который придёт на/);
  const approval = await code(other, to, before.count);
  const outbox = await (await other.context().request.get(portal + "/outbox")).text();
  check(outbox.includes("500 ₽; Получатель: Госавтоинспекция"), "the SMS says what its code approves");
  await other.fill("#code", approval);
  await pressOn(other, "Продолжить");
  check(at(other) === "/services/fine" && (await other.locator(".news").innerText()) === "Штраф оплачен.", "and it is paid");
  await go(other, "/history");
  const history = await other.locator(".list.lines").innerText();
  check(["Подтверждена операция", "Сумма: 500 ₽", "Оплачен штраф"].every((said) => history.includes(said)), "all of it stands in the history", history);

  await go(nina, "/security");
  await nina.locator(".list > li", { hasText: "Old <b>phone</b>" }).getByRole("link", { name: /^Remove/ }).click();
  check((await text(nina)).includes("All your other sessions end"), "before one is removed, it is said what happens");
  await pressOn(nina, "Remove");
  await proves(nina, { to, password: PASSWORD, key });
  check((await nina.locator(".news").innerText()).includes("is removed") && !(await text(nina)).includes("Old <b>phone</b>"), "it is removed");
  await go(other, "/home");
  check(at(other) === "/sign-in", "and the other session has ended");
  await go(nina, "/security");
  await nina.locator(".list > li", { hasText: "Password" }).getByRole("link", { name: /^Remove/ }).click();
  await pressOn(nina, "Remove");
  check((await nina.locator(".alert").innerText()).includes("Without it you could no longer sign in"), "what the sign-in needs is not removed, and why is said");
  await go(nina, "/outbox");
  check((await text(nina)).includes("was removed from your account"), "a message told of the removal");
  await nina.context().close();
  await other.context().close();
}

async function trust(browser) {
  const to = "trust@example.org";
  const page = await person(browser, { locale: "en-GB" });
  await register(page, to, "Tamara", PASSWORD);
  await signOut(page);
  await page.check("#public_device");
  await typePassword(page, to, PASSWORD);
  check(at(page) === "/sign-in/code" && (await page.locator("#trust").count()) === 0, "no trust is offered on somebody else's device");
  await code(page, to, 1);
  await go(page, "/sign-in");
  await page.uncheck("#public_device");
  await typePassword(page, to, PASSWORD);
  await page.check("#trust");
  await page.fill("#code", "000000");
  await pressOn(page, "Continue");
  check(await page.isChecked("#trust"), "the wish is there again after a wrong code");
  await page.fill("#code", await code(page, to, 2));
  await pressOn(page, "Continue");
  check(at(page) === "/home", "signed in, and the browser is trusted");
  await signOut(page);
  await typePassword(page, to, PASSWORD);
  await page.waitForURL("**/home");
  check(true, "the next sign-in takes the password alone");
  await go(page, "/history");
  const history = await page.locator(".list.lines").innerText();
  check(history.includes("The browser is trusted from now on") && history.includes("no second step asked"), "and the history says why");
  await go(page, "/services/record");
  const sent = await codes(page, to);
  await pressOn(page, "Order an extract");
  check(at(page) === "/services/record/prove", "an extract takes the step that was skipped");
  await proves(page, { to, password: PASSWORD, before: sent.count });
  check((await page.locator(".news").innerText()).includes("Now the extract can be ordered"), "which is then proven");
  await pressOn(page, "Order an extract");
  check((await text(page)).includes("№ 0"), "and it is ordered");
  await paysByLink(page, to);
  await go(page, "/password");
  await page.fill("#current_password", PASSWORD);
  await page.fill("#new_password", NEW_PASSWORD);
  await pressOn(page, "Change the password");
  await signOut(page);
  await typePassword(page, to, NEW_PASSWORD);
  await page.waitForURL("**/sign-in/code");
  check(true, "with the password the trust is gone");
  await page.context().close();
}

// The letter leads to a page that shows the payment as well; its button pays, once.
async function paysByLink(page, to) {
  await go(page, "/services/fine");
  await pressOn(page, "Pay 500 ₽");
  await page.fill("#password", PASSWORD);
  await pressOn(page, "Continue");
  await pressOn(page, /^By a link sent to/);
  check((await page.locator(".note").innerText()).includes("Traffic police") && (await page.locator("#trust").count()) === 0, "a payment is approved by a link, too, and trusts nothing");
  let link;
  for (let tries = 0; tries < 100 && !link; tries += 1) {
    const html = await (await page.context().request.get(portal + "/outbox")).text();
    const letters = html.split("<article").slice(1).filter((letter) => letter.includes(`<strong>${to}</strong>`));
    link = /href="([^"]+\/link\?m=[^"]+)"/.exec(letters[0])?.[1];
    await page.waitForTimeout(100);
  }
  await page.goto(link);
  check(/500 ₽[^]*Traffic police/.test(await page.locator(".note").innerText()), "the page behind the link shows amount and payee");
  await shot(page, "ways-link-approves-en");
  await pressOn(page, "Confirm");
  check(at(page) === "/services/fine" && (await page.locator(".news").innerText()) === "The fine is paid.", "and its button pays");
  await page.goto(link);
  await go(page, "/history");
  check((await page.locator(".list.lines").innerText()).match(/Fine paid/g).length === 1, "once");
}

// From an old system, with a password alone.
async function tooLittle(browser) {
  const [name, password] = JSON.parse(await readFile(process.env.DEMO, "utf8")).bare;
  const page = await person(browser, { locale: "ru-RU" });
  await go(page, "/sign-in?next=/profile");
  await typePassword(page, name, password);
  check(at(page) === "/sign-in/add" && (await text(page)).includes("одного пароля для входа сюда мало"), "a password alone leads to the choice of a second step");
  await shot(page, "duty-add-ru");
  await go(page, "/home");
  check(at(page) === "/sign-in", "and opens nothing");
  await go(page, "/sign-in/add");
  await pressOn(page, "Добавить приложение");
  const key = (await page.locator(".key").innerText()).replaceAll(" ", "");
  await page.fill("#app_code", await appCode(page, key));
  await pressOn(page, "Добавить");
  await nameIt(page, "Телефон");
  check(at(page) === "/security/new", "signed in with it, named, and on to backup codes");
  await page.getByRole("link", { name: "Сделаю позже" }).click();
  check((await text(page)).includes("Резервных кодов пока нет"), "which can wait");
  await page.getByRole("link", { name: "Продолжить" }).click();
  check(at(page) === "/profile", "and then where one was going");
  await page.context().close();
}

async function pictures(browser, { locale, width, dark }) {
  const tag = `${locale}-${width}-${dark ? "dark" : "light"}`;
  const to = `ways-${tag}@example.org`;
  const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", width, dark, scripts: true });
  const seen = async (name) => {
    await sound(page, `${name} ${tag}`);
    await shot(page, `ways-${name}-${tag}`);
    await accessible(page, `${name} ${tag}`);
  };
  await pace(page);
  await register(page, to, locale === "ru" ? "Константин Константинопольский" : "Konstantin Longname-Featherstonehaugh", PASSWORD);
  await seen("reminder");
  await prove(page, to, PASSWORD, /Add an application|Добавить приложение/);
  const key = (await page.locator(".key").innerText()).replaceAll(" ", "");
  await page.fill("#app_code", await appCode(page, key));
  await pressOn(page, /^(Add|Добавить)$/);
  await nameIt(page, locale === "ru" ? "Телефон с очень длинным названием, сорок" : "A phone with a name of forty characters.", async () => seen("name"));
  await seen("codes-prove");
  await page.fill("#app_code", await appCode(page, key));
  await pressOn(page, /Continue|Продолжить/);
  await seen("codes");
  const list = await page.locator(".codes code").allInnerTexts();
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  if (width === 1280) await shot(page, `ways-codes-print-${tag}`);
  await page.emulateMedia({ media: "screen", colorScheme: dark ? "dark" : "light" });
  await pressOn(page, /I have saved them|Коды сохранены/);
  await seen("done");
  await go(page, "/security");
  await seen("security");
  const phone = page.locator(".list > li", { hasText: /Телефон с|A phone with/ });
  await phone.getByRole("link", { name: /^(Rename|Переименовать)/ }).click();
  await seen("rename");
  await page.fill("#name", "x".repeat(41));
  await pressOn(page, /^(Save|Сохранить)$/);
  await seen("rename-error");
  await go(page, "/services/fine");
  await seen("fine");
  await pressOn(page, /Pay 500 ₽|Оплатить 500 ₽/);
  await seen("fine-password");
  await page.fill("#password", PASSWORD);
  await pressOn(page, /Continue|Продолжить/);
  await seen("fine-app");
  await pressOn(page, /By a backup code|Резервным кодом/);
  await page.fill("#backup_code", list[0]);
  await pressOn(page, /Continue|Продолжить/);
  await seen("fine-paid");
  await go(page, "/security");
  await phone.getByRole("link", { name: /^(Remove|Удалить)/ }).click();
  await seen("remove");
  await pressOn(page, /^(Remove|Удалить)$/);
  await seen("removed");
  await signOut(page);
  await typePassword(page, to, PASSWORD);
  await page.waitForURL("**/sign-in/code");
  await seen("trust");
  check(true, `the pages of ways to sign in looked at: ${tag}`);
  await page.context().close();
}

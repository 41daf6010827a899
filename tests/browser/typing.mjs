// Help with typing: what the page says while somebody types, and that it changes nothing of it.
import { check, go, person, portal, press, register, registerUntilPassword, shot } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";

export async function typing(browser) {
  await puzzle(browser);
  await fields(browser);
  await newPassword(browser);
  await changeOfPassword(browser);
  await suggestionWithoutScripts(browser);
  await doorsOfHelp(browser);
}

const said = (page, field) => page.locator(`#${field}-typing`).innerText();
const key = (page, field, modifierCapsLock) =>
  page.locator(`#${field}`).dispatchEvent("keydown", { key: "A", modifierCapsLock });

/** A worker solves the puzzle of the registration while the page is filled in; who is faster waits. */
async function puzzle(browser) {
  const first = await person(browser, { locale: "en-GB", scripts: true });
  const start = Date.now();
  await go(first, "/sign-up");
  await first.waitForFunction(() => document.querySelector("[name=human]").value, null, { timeout: 60_000 });
  console.log(`counted: milliseconds until the puzzle of a page is solved, seed -, count ${Date.now() - start}`);
  await first.context().close();
  const page = await person(browser, { locale: "ru-RU", scripts: true, width: 390 });
  // Held back until the button is pressed: a person who is faster than their device.
  let go_on;
  const held = new Promise((resolve) => { go_on = resolve; });
  await page.route("**/solver.js*", async (route) => { await held; await route.continue(); });
  await go(page, "/sign-up");
  await page.fill("#name", "Мирослава");
  await page.fill("#contact", "puzzle@example.org");
  await page.check("#terms");
  await press(page, "Получить код");
  check((await page.locator(".human").innerText()).includes("короткую проверку"), "who is faster is told to wait");
  check(page.url().endsWith("/sign-up"), "nothing is sent before the puzzle is solved");
  await shot(page, "sign-up-working-ru");
  go_on();
  await page.waitForURL("**/sign-up/code", { timeout: 60_000 });
  check(true, "and it is sent by itself");
  await go(page, "/forgot");
  await page.fill("#contact", "puzzle@example.org");
  await press(page, "Продолжить");
  await page.waitForURL("**/forgot/code", { timeout: 60_000 });
  check(true, "the same before access is restored");
  await page.context().close();
  // The script does not come: as without scripts, but nobody is stuck.
  const broken = await person(browser, { locale: "ru-RU", scripts: true });
  await broken.route("**/human.js*", async (route) => route.fulfill({ response: await route.fetch(), body: "" }));
  await go(broken, "/sign-up");
  await broken.fill("#name", "Мирослава");
  await broken.fill("#contact", "puzzle2@example.org");
  await broken.check("#terms");
  await press(broken, "Получить код");
  await broken.locator("[role=alert]").waitFor();
  check((await broken.locator("[role=alert]").innerText()).includes("ещё не закончена"), "without the script one is told to wait");
  await broken.waitForTimeout(10_000);
  await press(broken, "Получить код");
  await broken.waitForURL("**/sign-up/code");
  check(true, "and gets on after that");
  await go(broken, "/forgot");
  await broken.fill("#contact", "puzzle2@example.org");
  await press(broken, "Продолжить");
  await broken.locator("[role=alert]").waitFor();
  check((await broken.locator("[role=alert]").innerText()).includes("ещё не закончена"), "nor before access is restored");
  await broken.waitForTimeout(10_000);
  await press(broken, "Продолжить");
  await broken.waitForURL("**/forgot/code");
  check(true, "and then gets on, too");
  await broken.context().close();
}

async function fields(browser) {
  const page = await person(browser, { locale: "ru-RU", scripts: true, width: 390 });
  await go(page, "/sign-in");
  await page.locator("#identifier").pressSequentially("Штащ");
  check((await said(page, "identifier")).includes("было бы: Info"), "the other layout is seen, and what the keys would have written", await said(page, "identifier"));
  check((await page.inputValue("#identifier")) === "Штащ", "what was typed stays");
  await shot(page, "typing-layout-ru");
  await page.fill("#identifier", "почта@пример.рф");
  check((await said(page, "identifier")) === "", "a Russian address is no mistake");
  await page.fill("#identifier", "8 (916) 000-00-01");
  check((await said(page, "identifier")) === "", "nor is a phone");

  await key(page, "password", true);
  check((await said(page, "password")).includes("Caps Lock"), "Caps Lock is told");
  await page.fill("#password", "зфыыцщкв");
  check(/Caps Lock.*русские буквы/s.test(await said(page, "password")), "and so are Russian letters in a password, both at once");
  check(!(await said(page, "password")).includes("password"), "a password is not repeated");
  await shot(page, "typing-caps-ru");
  await key(page, "password", false);
  check(!(await said(page, "password")).includes("Caps Lock"), "Caps Lock off is told by silence");
  const show = page.getByRole("button", { name: "Показать Пароль" });
  await show.click();
  check((await page.getAttribute("#password", "type")) === "text", "the password is shown");
  await page.getByRole("button", { name: "Скрыть Пароль" }).click();
  check((await page.getAttribute("#password", "type")) === "password", "and hidden");
  await show.click();
  await page.evaluate(() => document.querySelector("#password").form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.title = document.querySelector("#password").type;
  }));
  await press(page, "Войти");
  check((await page.title()) === "password", "it is hidden when it is sent: no browser keeps it among texts");

  await go(page, "/sign-up");
  await page.locator("#name").pressSequentially("Bdfy");
  check((await said(page, "name")).includes("было бы: Иван"), "a Russian name on Latin keys is seen", await said(page, "name"));
  for (const name of ["John", "Anna Maria", "Иван", "Ng"]) {
    await page.fill("#name", name);
    check((await said(page, "name")) === "", `no word about the name ${name}`);
  }
  await page.context().close();
}

async function newPassword(browser) {
  const page = await person(browser, { locale: "ru-RU", scripts: true });
  await registerUntilPassword(page, "hints@example.org", "Мирослава");
  const states = async (state) => page.locator(`.rules [data-state=${state}]`).evaluateAll((all) => all.map((line) => line.dataset.rule));
  const type = async (text) => {
    const judged = page.waitForResponse("**/password/check");
    await page.fill("#new_password", text);
    await (await judged).finished();
    await page.waitForFunction(() => document.querySelector(".verdict").textContent);
  };
  check((await states("kept")).length === 0, "before anything is typed nothing is marked");
  for (const [text, missing] of [
    ["йцукен", ["too_short", "no_upper", "no_digit", "no_special", "keyboard"]],
    ["Miroslava-1", ["context"]],
    ["Hints2026!", ["context"]],
    ["Пропуск-77", ["context"]],
    ["Password1!", ["common"]],
  ]) {
    await type(text);
    const found = await states("missing");
    check(missing.every((rule) => found.includes(rule)), `${text} misses ${missing.join(", ")}`, found.join(", "));
    const verdict = await page.locator(".verdict").innerText();
    check(/не выполнено: .*Надёжность: /.test(verdict), "the same in words, with its strength", verdict);
  }
  await shot(page, "typing-rules-ru");
  await type("Password1!");
  const weak = Number(await page.getAttribute(".strength", "data-score"));
  await type(PASSWORD);
  const strong = Number(await page.getAttribute(".strength", "data-score"));
  check((await states("missing")).length === 0 && strong > weak, `a good one keeps all rules and is stronger: ${weak}, ${strong}`);
  check((await page.locator(".verdict").innerText()).startsWith("Пароль подходит."), "and is said to do");
  await page.fill("#new_password", "");
  await page.waitForFunction(() => !document.querySelector(".verdict").textContent);
  check((await states("kept")).length === 0, "an empty field is marked by nothing");

  const suggested = page.waitForResponse("**/password/check");
  await page.getByRole("button", { name: "Предложить пароль" }).click();
  await suggested;
  await page.waitForFunction(() => /подходит/.test(document.querySelector(".verdict").textContent));
  const made = await page.inputValue("#new_password");
  check(/^([А-ЯЁ][а-яё]+-){5}\d\d$/.test(made), `five words and two digits are suggested: ${made}`);
  check((await page.getAttribute("#new_password", "type")) === "text", "and shown");
  check((await page.locator(".suggested").innerText()) === made, "in full, though it is longer than the field");
  await shot(page, "typing-suggested-ru");
  await page.getByRole("button", { name: "Скрыть Новый пароль" }).click();
  check(!(await page.locator(".suggested").isVisible()), "until the field is hidden");
  await press(page, "Завершить регистрацию");
  await page.waitForURL("**/home");
  check(true, "the suggestion is taken");
  await page.context().close();
}

async function changeOfPassword(browser) {
  const page = await person(browser, { locale: "en-GB", scripts: true });
  await register(page, "+79160000021", "Evgenia", PASSWORD);
  await go(page, "/password");
  check((await page.locator("[data-rule=reused]").innerText()).includes("when you save it"), "what is looked at later is said to be");
  const judged = page.waitForResponse("**/password/check");
  await page.fill("#new_password", "Evgenia-1990");
  await judged;
  await page.locator("[data-rule=context][data-state=missing]").waitFor();
  check(true, "the name of the account is known to the hints");
  check((await page.getAttribute("[data-rule=reused]", "data-state")) === "", "and earlier passwords are not judged");
  await page.context().close();
}

async function suggestionWithoutScripts(browser) {
  const page = await person(browser, { locale: "en-GB", width: 390 });
  await registerUntilPassword(page, "+79160000022", "Ludmila");
  check((await page.locator("#rules li").count()) > 8, "without scripts the rules stand beside the field");
  check((await page.getByRole("button", { name: "Show" }).count()) === 0, "and no button that does nothing");
  await page.getByRole("link", { name: "Suggest a password" }).click();
  const first = await page.locator(".key").innerText();
  await page.getByRole("link", { name: "Suggest another" }).click();
  const made = await page.locator(".key").innerText();
  check(first !== made && /^([A-Z][a-z]+-){5}\d\d$/.test(made), `a link leads to a suggestion: ${made}`);
  await shot(page, "typing-suggestion-page-en");
  await page.getByRole("link", { name: "Back" }).click();
  await page.fill("#new_password", made);
  await press(page, "Finish registration");
  await page.waitForURL("**/home");
  check(true, "which is taken");
  await page.context().close();
}

// The help is for those who are choosing a password, from the page itself, and not without end.
async function doorsOfHelp(browser) {
  const page = await person(browser, { locale: "en-GB" });
  const ask = (form, origin = portal) =>
    page.context().request.post(`${portal}/password/check`, { form, headers: { origin }, maxRedirects: 0 });
  await go(page, "/sign-in");
  check((await ask({ new_password: "x" })).status() === 403, "no help without the page's token");
  await go(page, "/password/suggestion");
  check(new URL(page.url()).pathname === "/", "no suggestion for who chooses nothing");
  await register(page, "+79160000023", "Zinaida", PASSWORD);
  await go(page, "/password");
  const form_token = await page.getAttribute(".new-password", "data-token");
  const reply = await ask({ form_token, new_password: "Zinaida-1" });
  check(reply.status() === 200 && reply.headers()["cache-control"] === "no-store", "an answer is kept by nobody");
  check(!(await reply.text()).includes("Zinaida"), "and does not repeat what was typed");
  check((await ask({ form_token, new_password: "x" }, "https://evil.example")).status() === 403, "no help from another site");
  check((await ask({ form_token, new_password: "" })).status() === 200, "nothing at all is judged as well");
  const long = await ask({ form_token, new_password: "я".repeat(2_000) });
  check((await long.text()).includes("too_long"), "what is too long costs nothing", String(long.status()));
  let last = 0;
  for (let asked = 0; asked < 200 && last !== 429; asked += 1) last = (await ask({ form_token, new_password: "y" })).status();
  check(last === 429, "who asks without end is stopped", String(last));
  check((await go(page, "/password")).status() === 200, "and can go on by the page itself");
  await page.context().close();
}

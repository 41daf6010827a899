// What one tab begins while another is in the middle of something; and what becomes of accounts that are being closed.
import { byLink } from "./links.mjs";
import { check, checked, code, codes, go, pace, person, pressOn, register, shot, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";
const NEW_PASSWORD = "Совсем другие слова 9";
const at = (page) => new URL(page.url()).pathname;
const news = (page) => page.locator(".news").innerText();

export async function tabs(browser) {
  await twoAtOnce(browser);
  await closed(browser);
}

/** What is typed under one name is not taken for what another tab has begun. */
async function twoAtOnce(browser) {
  const people = ["anna.tabs@example.org", "boris.tabs@example.org"];
  for (const to of people) {
    const one = await person(browser);
    await register(one, to, "Tab", PASSWORD);
    await one.context().close();
  }
  const first = await person(browser);
  const sent = [];
  const ask = async (page, to) => {
    await pace(page);
    const { count } = await codes(page, to);
    await go(page, "/sign-in");
    await typePassword(page, to, PASSWORD);
    await page.waitForURL("**/sign-in/code");
    return code(page, to, count);
  };
  sent.push(await ask(first, people[0]));
  const second = await first.context().newPage();
  sent.push(await ask(second, people[1]));
  await first.fill("#code", sent[0]);
  await pressOn(first, "Continue");
  check(at(first) === "/sign-in" && (await news(first)).includes("out of date"), "a page that another tab has overtaken is sent nowhere, and says so");
  await sound(first, "tabs-old");
  await shot(first, "tabs-old-en");
  await second.fill("#code", sent[1]);
  await pressOn(second, "Continue");
  check(at(second) === "/home", "and the other tab is not disturbed");
  await go(second, "/profile");
  check((await second.locator("main").innerText()).includes("b***s@example.org"), "it is signed in as who was named there");
  // Another way in one tab: the other one's code is not taken for it.
  await second.getByRole("button", { name: "Sign out" }).click();
  await second.waitForURL("**/sign-in");
  await ask(second, people[0]);
  await first.goto(second.url());
  await byLink(first, people[0]);
  await second.fill("#code", "123456");
  await pressOn(second, "Continue");
  check((await second.locator(".number").count()) === 1 && (await news(second)).includes("out of date"), "a step that another tab has left is led to where it is now");
  await first.context().close();
}

async function closed(browser) {
  const to = "klara@example.org";
  const owner = await person(browser);
  await register(owner, to, "Klara", PASSWORD);
  await go(owner, "/close");
  await pressOn(owner, "Close it");
  await owner.fill("#password", PASSWORD);
  await pressOn(owner, "Continue");
  const link = await byLink(owner, to);
  const tab = await owner.context().newPage();
  await tab.goto(link);
  check((await tab.locator("main").innerText()).includes("closing the account"), "a link says what it approves");
  await shot(tab, "tabs-link-close-en");
  await tab.locator("main .main-button").click();
  await tab.waitForURL("**/closed");
  check(true, "an account is closed by a link as the second step");
  await pressOn(owner, "I have opened it, continue");
  check(at(owner) === "/sign-in", "and the tab that waited has nothing left to ask");

  await pace(owner);
  const { count } = await codes(owner, to);
  await go(owner, "/forgot");
  await owner.fill("#contact", to);
  await checked(owner, "Continue");
  await owner.fill("#code", await code(owner, to, count));
  await pressOn(owner, "Continue");
  await owner.fill("#new_password", NEW_PASSWORD);
  await pressOn(owner, "Change and sign in");
  check(at(owner) === "/sign-in/reopen", "who restores access to a closed account is asked whether it shall be open again");
  await pressOn(owner, "Open it again and sign in");
  check(at(owner) === "/home", "and is in");
  await owner.context().close();
}

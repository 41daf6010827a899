// The account itself: locked by its owner, closed and opened again, taken along.
import { check, code, codes, go, pace, person, press, pressOn, proves, register, shot, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";
const told = (page) => page.locator("div[role=alert]").innerText();

async function both(page, name) {
  await sound(page, name);
  await shot(page, `${name}-en`);
  await page.getByRole("button", { name: "Русский" }).click();
  await sound(page, `${name}-ru`);
  await shot(page, `${name}-ru`);
  await page.getByRole("button", { name: "English" }).click();
}

export async function ending(browser) {
  const to = "vera@example.org";
  const vera = await person(browser, { locale: "en-GB" });
  await register(vera, to, "Vera", PASSWORD);

  await go(vera, "/security");
  const download = vera.waitForEvent("download");
  await vera.getByRole("link", { name: "Download my data" }).click();
  check((await download).suggestedFilename() === "cabinet.json", "one's data can be taken along");
  await vera.getByRole("link", { name: "Close the account" }).click();
  await both(vera, "close");
  const { count: sent } = await codes(vera, to);
  await pressOn(vera, "Close it");
  await proves(vera, { to, password: PASSWORD, before: sent });
  await vera.waitForURL("**/closed");
  check(true, "an account is closed by who proves both steps");
  await both(vera, "closed");
  await go(vera, "/home");
  check(vera.url().includes("/sign-in"), "and its session is over");

  await pace(vera);
  const { count: before } = await codes(vera, to);
  await typeIn(vera, to);
  await vera.waitForURL("**/sign-in/code");
  await vera.fill("#code", await code(vera, to, before));
  await press(vera, "Continue");
  await vera.waitForURL("**/sign-in/reopen");
  await both(vera, "reopen");
  await vera.getByRole("button", { name: "Open it again and sign in" }).click();
  await vera.waitForURL("**/home");
  check((await vera.locator("main").innerText()).length > 0, "who comes back in time is asked once more, and is in");

  await go(vera, "/history");
  await shot(vera, "history-not-me-en");
  await vera.getByRole("link", { name: /^This was not me/ }).first().click();
  await both(vera, "not-me");
  await vera.getByRole("button", { name: "Lock it", exact: true }).click();
  await vera.waitForURL("**/locked");
  await both(vera, "locked");
  await typeIn(vera, to);
  const mine = await told(vera);
  await typeIn(vera, "nobody.here@example.org");
  check(mine.length > 0 && mine === (await told(vera)), "a locked account is refused in the words for a name that nobody has");
}

async function typeIn(page, to) {
  await go(page, "/sign-in");
  return typePassword(page, to, PASSWORD);
}

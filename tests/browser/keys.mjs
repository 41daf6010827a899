// Passkeys: made, used, copied, and their pages as they look.
import { accessible, check, go, person, press, register } from "./people.mjs";
import { keyDevice, nameIt, pressOn, prove, shot, signIn, sound, typePassword } from "./people.mjs";

const PASSWORD = "Тихая гавань 42";

// A device of Chromium's own: a key is added, signs in without a name, and is found out when it was copied.
export async function passkeys(browser) {
  const to = "kira@example.org";
  const kira = await person(browser, { locale: "en-GB", scripts: true });
  await register(kira, to, "Kira", PASSWORD);
  const device = await keyDevice(kira);
  await prove(kira, to, PASSWORD, "Add a passkey");
  await press(kira, "Create the passkey");
  await kira.waitForURL("**/security/name?*");
  check((await kira.locator(".news").innerText()).includes("can sign in with it"), "a passkey is added");
  check((await kira.inputValue("#name")) === "Chrome, Linux", "and its name suggested by the browser that made it");
  await nameIt(kira, "Work computer");
  check(kira.url().endsWith("/security/prove"), "backup codes come next, and take the new key");
  const [made] = await device.keys();
  const handle = Buffer.from(made.userHandle, "base64");
  check(made.isResidentCredential && made.rpId === "localhost" && handle.length === 64, "it is found without a name, under a handle of 64 bytes");
  check(made.userName === to, "the device lists it under the name that its owner knows");
  await go(kira, "/security");
  check((await kira.locator("main").innerText()).includes("Work computer"), "the key is listed by its name");
  await pressOn(kira, "Add another passkey");
  await pressOn(kira, "Use the passkey");
  await kira.waitForURL("**/security/new");
  check(true, "a passkey proves its owner before another is added");
  await press(kira, "Create the passkey");
  await kira.locator("form > [role=alert]:not([hidden])").waitFor();
  check((await kira.locator("form > [role=alert]").innerText()).includes("already holds"), "a device is not enrolled twice, and says so");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const posted = kira.waitForRequest((request) => request.url().endsWith("/sign-in/key"));
  await pressKey(kira, device);
  const answer = new URLSearchParams((await posted).postData()).get("key");
  await kira.waitForURL("**/home");
  check((await kira.locator("main").innerText()).includes("passkey"), "signed in by the passkey, without a name typed");
  check(JSON.parse(answer).response.userHandle === handle.toString("base64url"), "the answer carried the handle");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const asked = [];
  kira.on("request", (request) => request.url().endsWith("/sign-in/key/options") && asked.push(request));
  await pressKey(kira, device, 2);
  await kira.waitForURL("**/home");
  check(asked.length === 1, "a double click is one press: it begins one flow, whose challenge the device signs");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const form = async (key) => ({ form: { form_token: await kira.inputValue("form[data-begin] [name=form_token]"), key, next: "" } });
  const post = async (path, key) => kira.context().request.post(process.env.PORTAL + path, { ...(await form(key)), headers: { origin: process.env.PORTAL } });
  check((await (await post("/sign-in/key/options", "")).json()).allowCredentials.length === 0, "a new challenge names nobody");
  const replayed = await (await post("/sign-in/key", answer)).text();
  check(replayed.includes("passkey was not accepted"), "the answer that was accepted before is refused to a new challenge");
  await go(kira, "/home");
  check(kira.url().includes("/sign-in"), "and nobody is signed in by it");

  await untilOffered(kira, () => go(kira, "/sign-in"));
  await device.verifies(false);
  await pressKey(kira, device);
  await kira.locator("form > [role=alert]:not([hidden])").waitFor();
  check((await kira.locator("form > [role=alert]").innerText()).includes("Nothing was sent"), "without a finger, a face or a PIN the browser sends nothing, and the page says so");
  await device.verifies(true);
  await device.touches(true);

  // The browser itself offers the key at the field for names: this device takes it at once.
  await go(kira, "/sign-in");
  await kira.waitForURL("**/home");
  check(true, "signed in by the key that the browser offers beside the names");

  await device.touches(false);
  await untilOffered(kira, () => signOut(kira));
  const [worn] = await device.keys();
  check(worn.signCount > 3, `the device counts: ${worn.signCount}`);
  await device.putBack(worn, 0);
  await pressKey(kira, device);
  await kira.locator("[role=alert] h2").waitFor();
  check((await kira.locator(".alert").innerText()).includes("passkey was not accepted"), "a copy of the key is refused");
  await device.touches(false);
  await device.putBack(worn, 1000);
  await untilOffered(kira, () => go(kira, "/sign-in"));
  await pressKey(kira, device);
  await kira.locator(".alert").waitFor();
  check((await kira.locator(".alert").innerText()).includes("passkey was not accepted"), "and so is the key itself from then on");
  await device.touches(false);
  await signIn(kira, to, PASSWORD);
  check(kira.url().endsWith("/home"), "a password and a message still sign in: the key is not asked for");
  await go(kira, "/security");
  check((await kira.locator("main").innerText()).includes("switched off, somebody used a copy"), "the list of keys says why it is off");
  await shot(kira, "key-disabled");
  await go(kira, "/outbox");
  check((await kira.locator("main").innerText()).includes("a copy of your passkey"), "and a message told the owner");
  await device.clear();
  await device.touches(true);
  await prove(kira, to, PASSWORD, "Add another passkey");
  await press(kira, "Create the passkey");
  await kira.waitForURL("**/security/name?*");
  check((await kira.inputValue("#name")) === "Chrome, Linux", "no other has that name");
  check((await device.keys()).length === 1, "a new key takes its place");
  await kira.getByRole("button", { name: "Sign out" }).click();
  await kira.waitForURL("**/home");
  check((await kira.locator("main").innerText()).includes("passkey"), "and signs in");
  await kira.context().close();

  const without = await person(browser, { locale: "ru-RU" });
  await go(without, "/sign-in");
  check((await without.locator("form.or").innerText()).includes("нужен JavaScript"), "without scripts the page says what the button needs");
  await press(without, "Войти с ключом доступа");
  check(without.url().endsWith("/sign-in"), "and pressing it does no harm");
  await without.context().close();
  for (const locale of ["ru", "en"]) {
    await keyPages(browser, { locale, width: 1280, dark: false });
    await keyPages(browser, { locale, width: 390, dark: true });
  }
}

// The browser waits behind the field for names, for a person who does not touch the device. A touch does not end a wait
// that has begun.
async function untilOffered(page, step) {
  const offered = page.waitForResponse("**/sign-in/key/options");
  await step();
  await offered;
  await page.waitForTimeout(200);
}

// Asks for a key by the button, and touches the device once that wait makes room.
async function pressKey(page, device, clickCount = 1) {
  const touch = async (route) => {
    await device.touches(true);
    await route.continue();
  };
  await page.route("**/sign-in/key/options", touch, { times: 1 });
  await page.getByRole("button", { name: "Sign in with a passkey" }).click({ clickCount });
}

// The pages of keys, as they look and read.
async function keyPages(browser, { locale, width, dark }) {
  const tag = `${locale}-${width}-${dark ? "dark" : "light"}`;
  const to = `keys-${tag}@example.org`;
  const page = await person(browser, { locale: locale === "ru" ? "ru-RU" : "en-GB", width, dark, scripts: true });
  const look = async (name) => {
    await sound(page, `${name} ${tag}`);
    await shot(page, `${name}-${tag}`);
    await accessible(page, `${name} ${tag}`);
  };
  await register(page, to, "Kira", PASSWORD);
  const device = await keyDevice(page);
  await prove(page, to, PASSWORD, /Add a passkey|Добавить ключ доступа/);
  await look("key-new");
  await device.verifies(false);
  await press(page, /Create the passkey|Создать ключ доступа/);
  await page.locator("form > [role=alert]:not([hidden])").waitFor();
  // The same document, in which axe has left something of its own.
  await shot(page, `key-new-stopped-${tag}`);
  await device.verifies(true);
  await press(page, /Create the passkey|Создать ключ доступа/);
  await page.waitForURL("**/security/name?*");
  await look("key-name");
  await go(page, "/security");
  await look("key-security");
  await device.touches(false);
  await signOut(page);
  await look("key-sign-in");
  await typePassword(page, to, PASSWORD);
  await page.waitForURL("**/sign-in/code");
  await look("key-prove");
  const [worn] = await device.keys();
  await device.putBack(worn, 0);
  await device.touches(true);
  await press(page, /Use the passkey|Использовать ключ доступа/);
  await page.locator(".alert").waitFor();
  await look("key-prove-refused");
  await page.context().close();
}

async function signOut(page) {
  await page.getByRole("button", { name: /Sign out|Выйти/ }).click();
  await page.waitForURL("**/sign-in");
}

// A whole client of the JSON routes. It knows no secret: its cookies are out of a script's reach, and a flow's token is of
// no use in another browser.
const russian = navigator.language.startsWith("ru");
document.documentElement.lang = russian ? "ru" : "en";
document.title = document.querySelector("h1").innerText;
const $ = (id) => document.getElementById(id);
const word = (english, translated) => (russian ? translated : english);
const asks = {
  password: word("New password", "Новый пароль"),
  "email-code": word("Code from the message", "Код из письма"),
  totp: word("Code from the authenticator", "Код из приложения"),
  "backup-code": word("Backup code", "Резервный код"),
};
// Events have names for programs, the application's own among them.
const events = {
  "sign-up": word("Registration", "Регистрация"),
  "sign-in": word("Sign-in", "Вход"),
  "factor-proven": word("A step was confirmed", "Шаг подтверждён"),
  "credential-added": word("A way to sign in was added", "Добавлен способ входа"),
  "sign-out": word("Sign-out", "Выход"),
  "shop:ordered": word("Order", "Заказ"),
};
const outcomes = { done: "", refused: word(", refused", ", отказано"), timed_out: word(", timed out", ", время вышло") };
let now; // what is asked for: { flow, factor }

// One call. A refusal is a problem document: `detail` says in the browser's language what to do, `code` is for programs.
async function call(method, path, body) {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (reply.status === 204) return null;
  const json = await reply.json();
  if (!reply.ok) throw Object.assign(new Error(json.detail), json);
  return json;
}

// Where each step of each flow leads: to a session, or to the next question.
async function go(next) {
  if (next.status === "done") return show();
  const first = next.offers[0];
  if (next.begun) return ask(next, next.offers.find((offer) => offer.factor === next.begun.factor));
  return choose(next, first);
}

// Messages and new keys are begun; a word or a code that the person has is asked for at once.
async function choose(next, offer) {
  const begins = offer.factor === "email-code" || (offer.factor === "totp" && offer.enrols);
  if (begins) return go(await call("POST", "/auth/flow/begin", { flow: next.flow, factor: offer.factor }));
  return ask(next, offer);
}

function ask(next, { factor, enrols, hint }) {
  now = { flow: next.flow, factor };
  const answer = $("typed");
  answer.value = "";
  answer.type = factor === "password" ? "password" : "text";
  answer.autocomplete = factor !== "password" ? "one-time-code" : enrols ? "new-password" : "current-password";
  $("asked").textContent = factor === "password" && !enrols ? word("Password", "Пароль") : asks[factor];
  if (hint) $("asked").textContent += ` (${hint})`;
  // A key to scan, or to type where there is no camera.
  const { qr, key } = next.begun?.prompt ?? {};
  $("picture").replaceChildren(...(qr ? [new DOMParser().parseFromString(qr, "image/svg+xml").documentElement] : []));
  $("key").textContent = key ?? "";
  const ways = next.offers.filter((offer) => offer.factor !== factor).map((offer) => {
    const button = document.createElement("button");
    button.textContent = asks[offer.factor];
    button.onclick = () => attempt(() => choose(next, offer));
    return button;
  });
  $("ways").replaceChildren(...ways);
  only("step");
  answer.focus();
}

async function show() {
  const session = await call("GET", "/auth/session").catch((no) => {
    if (no.code !== "no_session") throw no;
  });
  if (!session) return only("guest");
  const page = await call("GET", "/auth/history?limit=10");
  $("account").textContent = session.account;
  $("amr").textContent = session.amr.join(" ");
  $("history").replaceChildren(...page.events.map(({ at, name, outcome, from: { device } }) => {
    const line = document.createElement("li");
    line.textContent = `${new Date(at).toLocaleString()}: ${events[name] ?? name}${outcomes[outcome]}; ${device.browser}, ${device.system}`;
    return line;
  }));
  only("person");
}

const only = (id) => ["guest", "step", "person"].forEach((other) => ($(other).hidden = other !== id));

async function attempt(act) {
  $("said").textContent = "";
  try {
    await act();
  } catch (no) {
    // Which rules a new password breaks, in words.
    $("said").textContent = [no.message, ...(no.rules ?? []).map((rule) => rule.text)].join(" ");
    // A flow that has ended goes on nowhere.
    if (no.code === "no_flow") await show();
  }
}

const on = (id, event, act) =>
  $(id).addEventListener(event, (event) => {
    event.preventDefault();
    attempt(act);
  });

on("sign-in", "submit", async () => {
  const answer = { password: $("password").value };
  $("password").value = "";
  await go(await call("POST", "/auth/sign-in", { identifier: $("identifier").value, factor: "password", answer }));
});
on("sign-up", "submit", async () => {
  const asked = { contact: $("contact").value, name: $("name").value, terms: "2026-11" };
  await go(await call("POST", "/auth/sign-up", asked));
});
on("answer", "submit", async () => {
  const answer = { [now.factor === "password" ? "password" : "code"]: $("typed").value };
  await go(await call("POST", "/auth/flow/answer", { ...now, answer }));
});
on("add", "click", async () => go(await call("POST", "/auth/enrol", { factor: "totp" })));
on("order", "click", async () => {
  await call("POST", "/order");
  await show();
});
on("sign-out", "click", async () => {
  await call("DELETE", "/auth/session");
  await show();
});
attempt(show);

// All that a page needs for passkeys: the JSON routes of the library, and the two calls of the browser.
const russian = navigator.language.startsWith("ru");
const stopped = russian ? "Браузер не дал ключа. Попробуйте ещё раз." : "The browser gave no passkey. Please try again.";
document.documentElement.lang = russian ? "ru" : "en";
document.title = document.querySelector("h1").innerText;
const $ = (id) => document.getElementById(id);
let next; // where a registration stands

async function call(method, path, body) {
  const reply = await fetch(`/auth/${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (reply.status === 204) return null;
  const json = await reply.json();
  // A refusal says in `detail`, in the language of the browser, what to do; `code` is for programs.
  if (!reply.ok) throw Object.assign(new Error(json.detail), { code: json.code });
  return json;
}

// A new key: what the server proposes, made by the device.
async function create(flow) {
  const { begun } = await call("POST", "flow/begin", { flow, factor: "passkey" });
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(begun.prompt);
  const key = await navigator.credentials.create({ publicKey: options });
  return call("POST", "flow/answer", { flow, factor: "passkey", answer: key.toJSON() });
}

// A proof: what the server asks, signed by the device.
async function sign({ flow, begun }) {
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(begun.prompt);
  const key = await navigator.credentials.get({ publicKey: options });
  return call("POST", "flow/answer", { flow, factor: "passkey", answer: key.toJSON() });
}

on("register", "submit", async () => {
  const asked = { contact: $("email").value, name: $("name").value, terms: "2026-11" };
  next = await call("POST", "sign-up", asked);
});

on("confirm", "submit", async () => {
  const answer = { code: $("code").value };
  // A code is good once. Whoever closed the browser's window then is asked for a key alone.
  if (!next.duty) next = await call("POST", "flow/answer", { flow: next.flow, factor: "email-code", answer });
  await create(next.flow);
  next = undefined;
});

// Nobody is named: the key says who it is.
on("sign-in", "click", async () => sign(await call("POST", "sign-in", { factor: "passkey" })));

// The old key allows the new one.
on("add", "click", async () => {
  const begun = await call("POST", "enrol", { factor: "passkey" });
  const proven = await sign(await call("POST", "flow/begin", { flow: begun.flow, factor: "passkey" }));
  await create(proven.flow);
});

on("sign-out", "click", () => call("DELETE", "session"));

async function show() {
  const session = await call("GET", "session").catch((no) => {
    if (no.code !== "no_session") throw no;
  });
  $("guest").hidden = Boolean(session);
  $("person").hidden = !session;
  $("register").hidden = Boolean(next);
  $("confirm").hidden = !next;
  if (!session) return;
  const { factors } = await call("GET", "factors");
  $("account").textContent = session.account;
  $("keys").textContent = factors.length;
}

function on(id, event, act) {
  $(id).addEventListener(event, async (event) => {
    event.preventDefault();
    $("said").textContent = "";
    try {
      await act();
      await show();
    } catch (error) {
      $("said").textContent = error instanceof DOMException ? stopped : error.message;
    }
  });
}

show();

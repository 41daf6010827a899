// Passkeys: the one thing that a form alone cannot do. Forms with `data-passkey` are sent with the browser's answer in
// their field `key`; everything else in the portal works without this file.
const able = typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;
let waiting;
// A press until its page goes, or its dialog is closed. A second one would begin another flow under that dialog, and what
// the dialog signs would be wrong there, and counted against its owner.
let pressed = false;
// One after the other: the server keeps the flow that it was asked for last.
let asked = Promise.resolve();

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (pressed) return;
    pressed = true;
    // One request at a time: the one behind the field for names makes room.
    waiting?.abort();
    ask(form, {});
  });
  // Not beside what was just refused: a device that answers by itself would go round and round.
  if (form.dataset.begin && !document.querySelector(".alert")) offer(form);
}

// Back at a page that the browser kept as it was left.
addEventListener("pageshow", (event) => {
  if (event.persisted) pressed = false;
});

// Keys beside the names that the browser fills in. Nothing is shown until somebody chooses one.
async function offer(form) {
  if (!able || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const box = document.querySelector("#public_device");
  const wait = () => {
    if (pressed) return;
    waiting?.abort();
    waiting = new AbortController();
    ask(form, { mediation: "conditional", signal: waiting.signal });
  };
  box?.addEventListener("change", wait);
  wait();
}

async function ask(form, request) {
  const quiet = request.mediation === "conditional";
  say(form, "");
  try {
    const mine = asked.then(() => optionsOf(form));
    asked = mine.catch(() => {});
    const options = await mine;
    if (request.signal?.aborted) return;
    const credential =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options), ...request });
    if (request.signal?.aborted) return;
    form.elements.key.value = JSON.stringify(credential.toJSON());
    pressed = true;
    // Whoever stops the page from loading can press again.
    setTimeout(() => (pressed = false), 10000);
    form.submit();
  } catch (error) {
    if (quiet) return;
    pressed = false;
    const known = error.name === "InvalidStateError" && form.dataset.known;
    say(form, known || (error.name === "NotAllowedError" ? form.dataset.stopped : form.dataset.failed));
  }
}

// What the page came with, or what the server gives for this press.
async function optionsOf(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const device = form.elements.public_device;
  if (device) device.value = document.querySelector("#public_device")?.checked ? "yes" : "";
  const reply = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(10000) });
  if (!reply.ok) throw new Error(`options: ${reply.status}`);
  return reply.json();
}

function say(form, text) {
  const line = form.querySelector("[role=alert]");
  line.textContent = text;
  line.hidden = !text;
}

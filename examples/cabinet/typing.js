// Help with typing. Every page works without this file. It says what a person cannot see (Caps Lock, the keyboard's
// layout, which rules a new password misses) and changes nothing that was typed.

const LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
const RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбюё";

for (const field of document.querySelectorAll(".field")) {
  const input = field.querySelector("input");
  const status = field.querySelector(".typing");
  const notes = { caps: "", layout: "" };
  const say = (kind, text) => {
    notes[kind] = text;
    const said = [notes.caps, notes.layout].filter(Boolean).join(" ");
    // Said once: a live region repeats what is written into it anew.
    if (status.textContent !== said) status.textContent = said;
  };
  showing(field, input, (text) => say("caps", text));
  const { expects, unexpected } = field.dataset;
  if (expects) {
    input.addEventListener("input", () => say("layout", layoutOf(input.value, expects, unexpected)));
  }
}
for (const box of document.querySelectorAll(".new-password")) newPassword(box, box.querySelector("input"));

// The button that shows a password, and the note that Caps Lock is on.
function showing(field, input, say) {
  const button = field.querySelector("[data-show]");
  if (!button) return;
  const { show, hide, caps } = button.dataset;
  const set = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? hide : show;
  };
  button.hidden = false;
  button.addEventListener("click", () => set(input.type === "password"));
  // Sent as a password: a browser keeps what stands in fields of text.
  input.form?.addEventListener("submit", () => set(false));
  input.addEventListener("shown", () => set(true));
  for (const kind of ["keydown", "keyup", "mousedown"]) {
    input.addEventListener(kind, (event) => {
      const on = event.getModifierState?.("CapsLock");
      // The key itself tells its state of before; its release tells that of after.
      if (event.key === "CapsLock" && kind === "keydown") return;
      if (on !== undefined) say(on ? caps : "");
    });
  }
  input.addEventListener("blur", () => say(""));
}

// What to say of the letters; nothing, when they are what the field wants.
function layoutOf(text, expects, unexpected) {
  if (expects === "secret") return /\p{Script=Cyrillic}/u.test(text) ? unexpected : "";
  // An address in Russian letters is one too: nobody types its @ by mistake.
  if (expects === "latin" && (!/\p{Script=Cyrillic}/u.test(text) || text.includes("@"))) return "";
  if (expects === "russian" && !looksMistyped(text)) return "";
  const [from, to] = expects === "latin" ? [RUSSIAN, LATIN] : [LATIN, RUSSIAN];
  return unexpected.replace("{typed}", () => [...text].map((sign) => onKey(sign, from, to)).join(""));
}

// A name in Latin letters is welcome; one of hardly any vowels is a Russian one on the wrong keys.
function looksMistyped(text) {
  const letters = text.match(/[a-z]/gi) ?? [];
  const vowels = text.match(/[aeiou]/gi) ?? [];
  return letters.length >= 3 && vowels.length * 5 <= letters.length && !/\p{Script=Cyrillic}/u.test(text);
}

function onKey(sign, from, to) {
  const at = from.indexOf(sign.toLowerCase());
  if (at < 0) return sign;
  return sign === sign.toLowerCase() ? to[at] : to[at].toUpperCase();
}

// The rules of a new password, marked while it is typed. The server judges: it has the lists and knows the person.
function newPassword(box, input) {
  const { check, token, suggestion, suggested, kept, missing } = box.dataset;
  const verdict = box.querySelector(".verdict");
  const bar = box.querySelector(".strength");
  let waiting;
  let asked;

  const clear = () => {
    bar.hidden = true;
    verdict.textContent = "";
    for (const line of box.querySelectorAll("[data-rule]")) mark(line, undefined);
  };
  const mark = (line, holds) => {
    line.dataset.state = holds === undefined ? "" : holds ? "kept" : "missing";
    line.querySelector(".unseen")?.remove();
    if (holds === undefined) return;
    const said = document.createElement("span");
    said.className = "unseen";
    said.textContent = ` (${holds ? kept : missing})`;
    line.append(said);
  };
  const look = async () => {
    asked?.abort();
    if (!input.value) return clear();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const body = new URLSearchParams({ form_token: token, new_password: input.value });
      const reply = await fetch(check, { method: "POST", body, signal });
      if (!reply.ok) return clear();
      const judged = await reply.json();
      const states = new Map(judged.rules.map((one) => [one.rule, one.kept]));
      for (const line of box.querySelectorAll("[data-rule]")) mark(line, states.get(line.dataset.rule));
      bar.hidden = judged.score === null;
      bar.dataset.score = judged.score;
      if (verdict.textContent !== judged.said) verdict.textContent = judged.said;
    } catch (error) {
      // Without an answer the page is what it was: a list of rules.
      if (error.name !== "AbortError") clear();
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 300);
  });

  // In full, since it may be longer than the field; gone with the next key, or when the field is hidden.
  const whole = box.querySelector(".suggested");
  const write = (text) => {
    whole.textContent = text;
    whole.hidden = !text;
  };
  input.addEventListener("input", () => write(""));
  box.querySelector("[data-show]").addEventListener("click", () => write(""));
  const button = box.querySelector("[data-suggest]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const reply = await fetch(suggestion, { headers: { accept: "application/json" } });
    if (!reply.ok) return;
    input.value = (await reply.json()).password;
    input.dispatchEvent(new Event("shown"));
    write(input.value);
    input.focus();
    await look();
    verdict.textContent = `${suggested} ${verdict.textContent}`;
  });
}

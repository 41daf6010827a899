// Asks now and then whether a link was followed, so that nobody has to press the button. The page works without this file.
const form = document.querySelector("form[data-waits]");

const ask = async () => {
  if (document.hidden) return setTimeout(ask, PAUSE);
  const said = new URLSearchParams(new FormData(form));
  said.set("link", "quiet");
  const reply = await fetch(form.action, { method: "POST", body: said }).catch(() => undefined);
  // Another tab of this browser has gone on.
  if (reply?.redirected) return location.reload();
  // Where it goes on; nothing, while it waits.
  if (reply?.status === 200) return location.assign(await reply.text());
  if (!reply || reply.status === 204) setTimeout(ask, PAUSE);
};

const PAUSE = 3000;
if (form) setTimeout(ask, PAUSE);

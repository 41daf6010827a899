// A person without a mouse: Tab, Enter, Space and letters. Each stop of the focus must be seen.
import { check } from "./people.mjs";

/** What has the focus: its name as a screen reader says it, and what is wrong with how it shows. */
export function focused(page) {
  return page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return { name: "", where: "the page", hidden: "" };
    const ids = (at.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean);
    const texts = ids.map((id) => document.getElementById(id)?.textContent);
    const name = at.getAttribute("aria-label") ?? (texts.join(" ") || at.labels?.[0]?.textContent || at.textContent);
    const style = getComputedStyle(at);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    // The first line of it: the middle of a link that goes over two lines may lie beside both.
    const box = at.getClientRects()[0] ?? at.getBoundingClientRect();
    const [x, y] = [box.x + Math.min(box.width / 2, 200), box.y + Math.min(box.height / 2, 200)];
    const top = document.elementFromPoint(x, y);
    const covered = !(top && (at.contains(top) || at === top));
    const hidden = [!at.matches(":focus-visible, [type=date]:focus-within") && "not shown as focused", !ring && "no ring", covered && "covered or out of sight"];
    const where = `${at.tagName.toLowerCase()}${at.id ? `#${at.id}` : ""}${at.className ? `.${at.className}` : ""}`;
    return { name: name.trim().replace(/\s+/g, " "), where, id: at.id, hidden: hidden.filter(Boolean).join(", ") };
  });
}

/** Tab until the focus is on what has this name (or this id); every stop on the way is seen. */
export async function tabTo(page, wanted, most = 60) {
  const fits = (at) => (typeof wanted === "string" ? at.id === wanted : wanted.test(at.name));
  const passed = [];
  for (let tabs = 0; tabs < most; tabs += 1) {
    const at = await focused(page);
    if (at.hidden) check(false, `focus at ${at.where} on ${page.url()}: ${at.hidden}`);
    if (fits(at)) return at;
    passed.push(at.name || at.where);
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${wanted} on ${page.url()}: ${passed.join(" | ")}`);
}

/** Goes to it and presses it: the next page. */
export async function follow(page, wanted, key = "Enter") {
  await tabTo(page, wanted);
  await submit(page, key);
}

/** Presses where the focus is: the next page. */
export async function submit(page, key = "Enter") {
  const next = page.waitForEvent("framenavigated");
  await page.keyboard.press(key);
  await next;
  await page.waitForLoadState();
}

/** Types into the field of this id, whatever stood there. */
export async function type(page, id, text) {
  await tabTo(page, id);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(text);
}

// Every page: the header's buttons, the keys, the wall clock, running clocks in server-made pages.
import("/console-static/console-shared.js").then(({ clock, setServerNow, serverNow, wallTime, isMuted, isTyping, setMuted }) => {
  const cookie = (name, value) => { document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`; };
  const root = document.documentElement;
  const acts = {
    sound(b) { setMuted(!isMuted()); b.setAttribute("aria-pressed", !isMuted()); },
    theme() {
      cookie("fenliu_theme", root.dataset.theme === "dark" ? "light" : "dark");
      location.reload();
    },
    language() { cookie("fenliu_lang", root.lang === "en" ? "zh" : "en"); location.reload(); },
    help() { const d = document.querySelector(".f-keys"); d.open ? d.close() : d.showModal(); },
  };
  document.addEventListener("click", (e) => {
    const button = e.target.closest("[data-do]");
    if (button) acts[button.dataset.do](button);
    if (e.target.matches("dialog.f-keys")) e.target.close();
    if (e.target.closest("[data-print]")) print();
  });
  const press = (what) => document.querySelector(`[data-do=${what}]`)?.click();
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || isTyping(e.target)) return;
    if (document.querySelector(".q-dialog")) return;
    const key = e.key.toLowerCase();
    if (key === "b") location.assign("/");
    else if (key === "r" && document.querySelector("nav a[href='/review']")) location.assign("/review");
    else if (key === "m") press("sound");
    else if (key === "t") press("theme");
    else if (e.key === "?") press("help");
  });
  let ready = false;
  const begin = (time) => {
    setServerNow(Number(time.dataset.now));
    document.querySelector("[data-do=sound]")?.setAttribute("aria-pressed", !isMuted());
    ready = true;
  };
  const tick = () => {
    const time = document.querySelector(".f-clock");
    if (!time) return;
    if (!ready) begin(time);
    time.textContent = wallTime(serverNow(), time.dataset.tz);
    const words = window.fenliuWords;
    if (words) document.querySelectorAll("[data-due]").forEach((e) => {
      const c = clock(Number(e.dataset.due) - serverNow(), words, false, Number(e.dataset.length) || 0);
      e.textContent = c.time;
      e.dataset.tone = c.tone;
    });
    if (words) document.querySelectorAll("[data-since]").forEach((e) => {
      e.textContent = clock(serverNow() - Number(e.dataset.since), words, false, 0).time;
    });
  };
  setInterval(tick, 1000);
  const soon = setInterval(() => { tick(); if (ready) clearInterval(soon); }, 60);
});

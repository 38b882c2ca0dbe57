// Shared by the pages' scripts: clocks as people read them, the server's time, the bell for red.
let ahead = 0;
export const setServerNow = (now) => { ahead = now - Date.now(); };
export const serverNow = () => Date.now() + ahead;

const two = (n) => String(n).padStart(2, "0");

// What is left (ms) as {time, tone, used}: tone is ok | soon | late | still, used is the share of the time gone in percent.
export function clock(left, t, stopped, length) {
  if (left == null) return { time: t.no_clock, tone: "still", used: 0 };
  const used = length ? Math.min(100, Math.max(0, Math.round(100 - (100 * left) / length))) : 0;
  const s = Math.floor(Math.abs(left) / 1000), h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60);
  const text = s >= 86400 ? Math.floor(s / 86400) + t.day + Math.floor((s % 86400) / 3600) + t.hour
    : h ? h + ":" + two(m) + ":" + two(s % 60) : two(m) + ":" + two(s % 60);
  if (stopped) return { time: t.paused, tone: "still", used };
  if (left < 0) return { time: t.late + text, tone: "late", used: 100 };
  return { time: text, tone: used >= 70 ? "soon" : "ok", used };
}

const formats = new Map();
function format(tz, options) {
  const key = tz + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("zh-CN", { timeZone: tz, hourCycle: "h23", ...options }));
  return formats.get(key);
}

// hh:mm:ss today, else month-day hh:mm, on the city's wall clock.
export function dayTime(at, tz) {
  const day = { year: "numeric", month: "2-digit", day: "2-digit" };
  const today = format(tz, day).format(at) === format(tz, day).format(serverNow());
  return today ? format(tz, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at)
    : format(tz, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).format(at).replace("/", "-");
}
export const wallTime = (at, tz) => format(tz, { month: "2-digit", day: "2-digit", weekday: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);

let sound = null, unseen = 0, flash = 0, plain = "";
export const isMuted = () => localStorage.getItem("fenliu_muted") === "1";
export const setMuted = (on) => localStorage.setItem("fenliu_muted", on ? "1" : "0");

function beep() {
  if (isMuted()) return;
  sound ||= new AudioContext();
  sound.resume();
  [880, 660, 880].forEach((pitch, i) => {
    const tone = sound.createOscillator(), volume = sound.createGain(), at = sound.currentTime + i * 0.22;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
    tone.connect(volume).connect(sound.destination);
    tone.start(at);
    tone.stop(at + 0.21);
  });
}

// Something red came: three tones, and the title flashes until somebody touches the page.
export function ring(n, words) {
  beep();
  unseen += n;
  if (flash) return;
  plain = document.title;
  let on = false;
  flash = setInterval(() => { on = !on; document.title = on ? `🔴 ${words} (${unseen})` : plain; }, 700);
}
function seen() {
  if (!flash) return;
  clearInterval(flash);
  flash = unseen = 0;
  document.title = plain;
}
["pointerdown", "keydown"].forEach((e) => addEventListener(e, seen, { passive: true }));

// Whether keys go into a field or an editor, and so are no short-cuts.
export const isTyping = (target) => target.isContentEditable || /INPUT|SELECT|TEXTAREA/.test(target.tagName);

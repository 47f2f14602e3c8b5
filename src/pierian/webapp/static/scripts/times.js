// Times in the reader's own language and zone.

import { texts } from "./texts.js";

const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const language = document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

function words(moment, kind) {
  const passed = (Date.now() - moment) / 1000;
  if (kind === "day" || passed > 14 * 86400) return date.format(moment);
  const [unit, length] = STEPS.find(([, seconds]) => passed >= seconds) ?? [];
  return unit ? relative.format(-Math.floor(passed / length), unit) : texts.now;
}

function localise() {
  for (const element of document.querySelectorAll("time[data-time]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.textContent = words(moment, element.dataset.time);
    element.title = whole.format(moment);
  }
}

localise();
setInterval(localise, 60_000);

// Places that are held for somebody: the time left to take one, painted each second from its end.
import { now, onTick } from './clock.js';
import { clockText, t } from './i18n.js';

/** Paint every element with `data-held` under `root`; it begins with the time and ends with a word. */
export function paintHeld(root = document, time = now()) {
  for (const timer of root.querySelectorAll('[data-held]')) {
    timer.firstElementChild.textContent = clockText(Math.max(0, Date.parse(timer.dataset.held) - time));
    timer.lastElementChild.textContent = t('left to take it');
  }
}
onTick(time => paintHeld(document, time));

// Toasts, and the two regions that screen readers hear.
import { byId, h } from './dom.js';
import { t } from './i18n.js';

const SHOWN_MS = 8_000;
const UNDO_MS = 10_000;

/** Say something to screen readers; urgent interrupts. */
export function say(text, urgent = false) {
  const region = byId(urgent ? 'alert' : 'live');
  region.textContent = '';
  setTimeout(() => {
    region.textContent = text;
  }, 60);
}

/** A message at the edge of the screen; it stays while it is pointed at. */
export function toast(text) {
  const box = show(text);
  leaveAfter(box, SHOWN_MS);
}

const undecided = new Set();

/**
 * Announce `run`, which happens after ten seconds, or when the page is left, unless the person takes it back.
 * `settled()` is called either way. Returns the way to take it back.
 */
export function undoable(text, run, settled) {
  const undo = () => decide(() => {});
  const carryOut = () => decide(run);
  const box = show(text, h('button', { type: 'button', onclick: undo }, t('Undo')));
  box.querySelector('.dismiss').remove();
  function decide(then) {
    if (!undecided.delete(carryOut)) return;
    box.remove();
    settled();
    then();
  }
  const patience = () => (box.matches(':hover, :focus-within') ? setTimeout(patience, 1_000) : carryOut());
  undecided.add(carryOut);
  setTimeout(patience, UNDO_MS);
  return undo;
}
addEventListener('pagehide', () => undecided.forEach(carryOut => carryOut()));

function show(text, ...actions) {
  const dismiss = h(
    'button',
    { type: 'button', className: 'dismiss', 'aria-label': t('Dismiss'), onclick: () => box.remove() },
    '✕',
  );
  const box = h('div', { className: 'toast' }, h('p', { dir: 'auto' }, text), ...actions, dismiss);
  byId('toasts').append(box);
  say(text);
  return box;
}

function leaveAfter(box, wait) {
  setTimeout(() => (box.matches(':hover, :focus-within') ? leaveAfter(box, 1_000) : box.remove()), wait);
}

for (const box of document.querySelectorAll('#toasts .toast')) leaveAfter(box, SHOWN_MS);

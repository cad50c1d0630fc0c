// Toasts, and the two regions that screen readers hear.
import { byId, h } from './dom.js';
import { t } from './i18n.js';

const SHOWN_MS = 8_000;

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

/** Announce `run`, which happens after ten seconds unless the person takes it back. */
export function undoable(text, run, takenBack) {
  const box = show(
    text,
    h(
      'button',
      {
        type: 'button',
        onclick: () => {
          box.dataset.undone = 'true';
          box.remove();
          takenBack?.();
        },
      },
      t('Undo'),
    ),
  );
  const finish = () => {
    if (box.matches(':hover, :focus-within')) return setTimeout(finish, 1_000);
    if (!box.dataset.undone) {
      box.remove();
      run();
    }
    return undefined;
  };
  box.querySelector('.dismiss').remove();
  setTimeout(finish, 10_000);
}

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

// The inbox as a list, grouped by day, newest first.
import { byId, h, icon, ltr } from './dom.js';
import { at, longDay, t, tn } from './i18n.js';
import { button, empty, group, remembering } from './rows.js';
import { later, markRead, state } from './scheduling.js';
import { settings } from './settings.js';

const ICONS = {
  appointment_accepted: 'check',
  appointment_rejected: 'x',
  appointment_auto_cancelled: 'timer',
  appointment_cancelled: 'ban',
  deadline_approaching: 'hourglass',
  therapist_disabled: 'alarm',
  appointment_missed: 'absent',
  appointment_rescheduled: 'moved',
  appointment_completed: 'checks',
  appointment_started: 'play',
};

const ALL = 'notes';
const keyOf = one => `note-${one.seq}`;
const undoOf = one => state.undecided.get(keyOf(one)) ?? (one.read_at ? null : state.undecided.get(ALL));

function readButton(one) {
  const undo = undoOf(one);
  if (one.read_at && !undo) return null;
  const text = undo ? t('Undo') : t('Mark read');
  const run = undo ?? (() => later(keyOf(one), t('Marked read: {title}', { title: one.title }), () => markRead(one.seq)));
  const made = button(text, run);
  made.setAttribute('aria-label', `${text}: ${one.title} ${one.seq}`);
  made.dataset.action = 'read'; // what takes it back takes over its focus
  return made;
}

function entry(one) {
  const link = one.appointment && h('a', { href: `#A-${one.appointment}` }, ltr(`A-${one.appointment}`));
  return h(
    'li',
    { className: 'row note', 'data-unread': !one.read_at && !undoOf(one), 'data-seq': one.seq },
    icon(ICONS[one.type] ?? 'info'),
    h(
      'div',
      { className: 'body' },
      h('h3', { dir: 'auto' }, one.title),
      h('p', { dir: 'auto' }, one.message),
      h('p', { className: 'meta' }, ltr(at(one.created_at, settings.timezone)), link),
    ),
    h('div', { className: 'acts' }, readButton(one)),
  );
}

const remembered = remembering();
const entryOf = one =>
  remembered(one.seq, [one.read_at, Boolean(undoOf(one)), one.message].join('|'), () => entry(one));

function readAll() {
  const undo = state.undecided.get(ALL);
  return remembered(ALL, [Boolean(undo), Boolean(state.unread)].join('|'), () => {
    const made = undo
      ? button(t('Undo'), undo)
      : button(t('Mark all read'), () => later(ALL, t('All are marked read.'), () => markRead()));
    made.disabled = !state.unread;
    return h('div', { className: 'acts' }, made);
  });
}

/** The nodes of the tab. */
export function notifications() {
  const rows = [...state.notifications].sort(
    (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.seq - a.seq,
  );
  if (!rows.length) return [empty(t('No notifications yet.'), t('What concerns you appears here.'))];
  const days = new Map();
  for (const one of rows) {
    const name = longDay(one.created_at, settings.timezone);
    days.set(name, [...(days.get(name) ?? []), one]);
  }
  return [readAll(), ...[...days].flatMap(([name, ones]) => group(name, ones.map(entryOf)))];
}

/** The number at the bell. */
export function paintBell() {
  const bell = byId('bell');
  const dot = bell.querySelector('.dot');
  dot.hidden = !state.unread;
  dot.textContent = state.unread > 99 ? '99+' : state.unread;
  bell.querySelector('.sr').textContent = tn('Notifications, {n} unread', 'Notifications, {n} unread', state.unread);
}

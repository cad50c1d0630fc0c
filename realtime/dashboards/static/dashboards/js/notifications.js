// The inbox as a list, grouped by day, newest first.
import { now } from './clock.js';
import { byId, h, icon, ltr } from './dom.js';
import { at, longDay, t, tn } from './i18n.js';
import { empty } from './rows.js';
import { markRead, state } from './scheduling.js';
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

function entry(one) {
  const link = one.appointment && h('a', { href: `#A-${one.appointment}` }, ltr(`A-${one.appointment}`));
  return h(
    'li',
    { className: 'row note', 'data-unread': !one.read_at, 'data-seq': one.seq },
    icon(ICONS[one.type] ?? 'info'),
    h(
      'div',
      { className: 'body' },
      h('h3', { dir: 'auto' }, one.title),
      h('p', { dir: 'auto' }, one.message),
      h('p', { className: 'meta' }, ltr(at(one.created_at, settings.timezone)), link),
    ),
    h(
      'div',
      { className: 'acts' },
      one.read_at
        ? null
        : h(
            'button',
            {
              type: 'button',
              className: 'btn',
              'aria-label': `${t('Mark read')}: ${one.title} ${one.seq}`,
              onclick: () => markRead(one.seq),
            },
            t('Mark read'),
          ),
    ),
  );
}

/** The nodes of the tab. */
export function notifications() {
  const rows = [...state.notifications].sort(
    (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || b.seq - a.seq,
  );
  if (!rows.length) return [empty(t('No notifications yet.'), t('What concerns you appears here.'))];
  const days = new Map();
  for (const one of rows) {
    const name = longDay(one.created_at ?? now(), settings.timezone);
    days.set(name, [...(days.get(name) ?? []), one]);
  }
  const all = h(
    'div',
    { className: 'acts' },
    h(
      'button',
      { type: 'button', className: 'btn', disabled: !state.unread, onclick: () => markRead() },
      t('Mark all read'),
    ),
  );
  return [
    all,
    ...[...days].flatMap(([name, ones]) => [
      h('div', { className: 'group' }, h('h2', {}, name)),
      h('ul', { role: 'list', 'aria-label': name }, ones.map(entry)),
    ]),
  ];
}

/** The number at the bell. */
export function paintBell() {
  const bell = byId('bell');
  const dot = bell.querySelector('.dot');
  dot.hidden = !state.unread;
  dot.textContent = state.unread > 99 ? '99+' : state.unread;
  bell.querySelector('.sr').textContent = tn('Notifications, {n} unread', 'Notifications, {n} unread', state.unread);
}

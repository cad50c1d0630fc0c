// What the two live dashboards share: the selected row and its details, the connection, phases that pass by themselves.
import { onTick } from './clock.js';
import { showConnection } from './connection.js';
import { ask } from './dialogs.js';
import { byId, h } from './dom.js';
import { t, tn } from './i18n.js';
import { Live } from './live.js';
import { say, toast } from './messages.js';
import { paintBell } from './notifications.js';
import { apply, changed, fetchNotifications, state } from './scheduling.js';
import { settings } from './settings.js';
import { number, phase, TIMED } from './statuses.js';
import { showDetails } from './details.js';

const WIDE = matchMedia('(min-width: 1081px)');

/** The appointment that the address names: `#A-7`. */
export const selected = () => Number(location.hash.match(/^#A-(\d+)$/)?.[1]) || null;

/** Open an appointment's details beside the list, or as a sheet where there is no room. */
export async function openDetails(appointment, actionsOf) {
  history.replaceState(null, '', `${location.pathname}${location.search}#${number(appointment)}`);
  state.conflicts.delete(appointment.id);
  changed();
  if (WIDE.matches && byId('details')) return;
  const box = h('div', { className: 'details' });
  const sheet = ask({ title: number(appointment), body: box });
  showDetails(
    box,
    appointment,
    actionsOf(appointment, () => sheet.close()),
  );
}

let marked = null;

/** Keep the panel in step. Where nothing is selected, the first row is shown, and stays for as long as it is listed. */
export function paintDetails(actionsOf) {
  const panel = byId('details');
  if (!panel) return;
  const listed = byId(`row-${panel.dataset.id}`) ?? document.querySelector('#panel .row[data-id]');
  const shown = state.appointments.get(selected()) ?? state.appointments.get(Number(listed?.dataset.id));
  panel.hidden = !shown;
  const row = WIDE.matches && shown ? byId(`row-${shown.id}`) : null;
  if (marked !== row) marked?.removeAttribute('aria-current');
  row?.setAttribute('aria-current', 'true');
  marked = row;
  if (shown && WIDE.matches) showDetails(panel, shown, actionsOf(shown));
}

/** Whether rows may change places: not while somebody points at one or has it in focus. */
export function mayReorder(panel) {
  const pointedAt = panel.matches(':hover') && panel.querySelector('.row:hover');
  const inFocus = panel.contains(document.activeElement) && document.activeElement.closest('.row');
  return !pointedAt && !inFocus && ![...panel.getElementsByTagName('details')].some(menu => menu.open);
}

const seen = new Map();
const SPOKEN_MINUTES = [10, 5, 1];
const PATIENCE_MS = 8_000;

/** Watch phases and minutes pass; `onPass` is called when a row belongs elsewhere. */
export function watchTime(onPass) {
  onTick(time => {
    const passed = { due: [], overdue: [] };
    const soon = new Map();
    for (const one of state.appointments.values()) {
      const current = phase(one, time);
      const before = seen.get(one.id);
      seen.set(one.id, current);
      if (before && before !== current && passed[current]) passed[current].push(one);
      if (!TIMED.includes(current) || current === 'overdue') continue;
      const left = (Date.parse(one.response_deadline) - time) / 60_000;
      for (const minute of SPOKEN_MINUTES)
        if (left <= minute && left > minute - 1 / 60) soon.set(minute, (soon.get(minute) ?? 0) + 1);
    }
    if (passed.overdue.length) say(t('{numbers} is overdue', { numbers: passed.overdue.map(number).join(', ') }), true);
    for (const [minutes, n] of soon)
      say(tn('{n} due within {minutes} minutes', '{n} due within {minutes} minutes', n, { minutes }));
    if (passed.due.length || passed.overdue.length) onPass();
  });
}

/** A list that takes long is said to, with a way to ask again; the list itself takes its place. */
function stillLoading(load) {
  const reload = () => load().catch(() => {});
  const again = h('button', { type: 'button', className: 'btn', onclick: reload }, t('Try again'));
  byId('panel').prepend(h('p', { className: 'notice', role: 'status' }, t('Still loading.'), ' ', again));
}

/** Begin: fetch the view, then listen. `onEvent` hears each event after the store has taken it in. */
export function goLive({ load, onEvent }) {
  const live = new Live({
    resync: async () => {
      await Promise.all([load(), fetchNotifications()]);
    },
    onEvent: event => {
      apply(event);
      onEvent(event);
    },
    onState: (name, contact) => {
      showConnection(name, contact);
      changed();
    },
  });
  live.seq = settings.last_seq;
  byId('connection').hidden = false; // pages without a connection show none
  byId('connection').querySelector('span').textContent = t('Reconnecting');
  Promise.all([load(), fetchNotifications()])
    .catch(() => {})
    .finally(() => {
      paintBell();
    });
  setTimeout(() => state.loading && stillLoading(load), PATIENCE_MS);
  live.start();
  goLive.live = live;
  return live;
}

/** Run what a button does; what goes wrong is said, and nothing is lost. */
export const attempt = run => async () => {
  if (!goLive.live?.usable) return toast(t('Not connected. Nothing was sent.'));
  try {
    return await run();
  } catch (error) {
    return toast(error.message);
  }
};

/** The row that `j` and `k` move through. */
export function moveRow(step) {
  const rows = [...document.querySelectorAll('#panel .row h3 a')];
  const here = rows.indexOf(document.activeElement);
  rows[Math.max(0, Math.min(rows.length - 1, here + step))]?.focus();
}

export const rowInFocus = () =>
  state.appointments.get(Number(document.activeElement?.closest?.('.row')?.dataset.id)) ?? null;
// Focus leaves a closed dialog only with the next frame.
export const isTyping = event =>
  event.target.closest?.('input, textarea, select, dialog[open]') || event.ctrlKey || event.metaKey || event.altKey;

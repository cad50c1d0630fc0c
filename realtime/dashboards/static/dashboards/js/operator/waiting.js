// The waiting list: who is served next, places that are held, and what can be done by hand.
import { all, patch, post } from '../api.js';
import { attempt } from '../board.js';
import { ask, field } from '../dialogs.js';
import { h, ltr, said } from '../dom.js';
import { paintHeld } from '../held.js';
import { at, bothZones, day, t } from '../i18n.js';
import { toast } from '../messages.js';
import { button, empty, group, remembering } from '../rows.js';
import { settings } from '../settings.js';
import { TYPES } from '../statuses.js';

const LIST = '/api/appointments/waiting-list/';
const view = { rows: null, error: null };
const remembered = remembering();
let redraw = () => {};

/** Fetch who waits, in the order in which they are served. */
export async function loadWaiting() {
  view.error = null;
  try {
    view.rows = await all(`${LIST}?is_active=true`, 1_000);
  } catch (error) {
    view.error = error;
  }
  redraw();
}

async function notify(one) {
  await post(`${LIST}${one.id}/notify/`);
  toast(t('{name} has been told.', { name: one.patient_name }));
  await loadWaiting();
}

function changePriority(one) {
  const control = h('input', { type: 'number', min: 1, max: 10, value: String(one.priority), inputMode: 'numeric' });
  const box = field(t('Priority'), control, t('From 1, served first, to 10.'));
  ask({
    title: t('Priority of {name}', { name: one.patient_name }),
    ok: t('Save'),
    body: box,
    submit: async () => {
      try {
        await patch(`${LIST}${one.id}/`, { priority: Number(control.value) });
      } catch (error) {
        return box.fail(error.message);
      }
      await loadWaiting();
      return true;
    },
  });
}

function takeOff(one) {
  ask({
    title: t('Take {name} off the waiting list?', { name: one.patient_name }),
    ok: t('Take off the list'),
    danger: true,
    body: h('p', {}, one.offer ? t('The place that is held goes to the next.') : t('Nothing more is offered to them.')),
    submit: async () => {
      await post(`${LIST}${one.id}/deactivate/`);
      await loadWaiting();
    },
  });
}

function held({ therapist_name, start, expires_at }) {
  return h(
    'p',
    { className: 'sm' },
    said(therapist_name),
    ' · ',
    day(start, settings.timezone),
    ' ',
    bothZones(start, settings.timezone),
    ' · ',
    t('held until {time}', { time: at(expires_at, settings.timezone) }),
  );
}

function entry(one) {
  const named = (text, run, kind = '') => {
    const made = button(text, run, kind);
    made.setAttribute('aria-label', `${text} ${one.patient_name}`);
    return made;
  };
  const window =
    one.preferred_time_start &&
    ltr(`${one.preferred_time_start.slice(0, 5)}–${(one.preferred_time_end ?? '24:00').slice(0, 5)}`);
  return h(
    'li',
    { className: 'row', 'data-testid': `waiting-${one.id}`, 'data-phase': one.offer ? 'due' : 'waiting' },
    h(
      'div',
      { className: 'time' },
      h(
        'span',
        { className: 'countdown', role: one.offer && 'timer', 'data-held': one.offer_expires_at },
        ltr(one.offer ? '' : (one.position ?? '–')),
        h('small', {}, one.offer ? t('left to take it') : t('place in the queue')),
      ),
    ),
    h(
      'div',
      { className: 'body' },
      h('h3', {}, said(one.patient_name)),
      h(
        'p',
        { className: 'meta' },
        h('span', {}, day(Date.parse(one.preferred_date), 'UTC')),
        window && h('span', {}, window),
        h('span', {}, TYPES[one.appointment_type] ?? one.appointment_type),
        h('span', {}, one.therapist_name ? said(one.therapist_name) : t('No preference')),
        h('span', {}, t('Priority {n}', { n: one.priority })),
        one.notified && !one.offer && h('span', {}, t('Told once')),
      ),
      one.offer && held(one.offer),
      one.reason && h('p', { className: 'quote', dir: 'auto' }, `“${one.reason}”`),
    ),
    h(
      'div',
      { className: 'acts' },
      one.offer
        ? null
        : named(
            t('Offer a place'),
            attempt(() => notify(one)),
            'primary',
          ),
      named(
        t('Priority…'),
        attempt(() => changePriority(one)),
      ),
      named(
        t('Take off the list…'),
        attempt(() => takeOff(one)),
      ),
    ),
  );
}

/** The nodes of the tab. */
export function waitingList(onChange) {
  redraw = () => {
    onChange();
    paintHeld();
  };
  if (!view.rows && !view.error && !view.asked) {
    view.asked = true;
    loadWaiting();
  }
  const again = h('button', { type: 'button', className: 'btn', onclick: loadWaiting }, t('Try again'));
  if (view.error) return [h('p', { className: 'alert', role: 'alert' }, view.error.message, ' ', again)];
  if (!view.rows) return [1, 2, 3].map(() => h('div', { className: 'skeleton' }));
  if (!view.rows.length) return [empty(t('Nobody waits.'), t('Patients join where no time is free.'))];
  const rows = view.rows.map(one => remembered(one.id, JSON.stringify(one), () => entry(one)));
  return group(t('Waiting list'), rows);
}

// The therapist's published time: a week at a time, single slots and whole series.
import { all, post, remove } from './api.js';
import { attempt } from './board.js';
import { now } from './clock.js';
import { ask, field } from './dialogs.js';
import { h, ltr } from './dom.js';
import { at, day, t, tn } from './i18n.js';
import { toast } from './messages.js';
import { settings } from './settings.js';

const SLOTS = '/api/appointments/time-slots/';
const DAY_MS = 86_400_000;
const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6].map(index => [
  index,
  at(Date.UTC(2024, 0, 1 + index), 'UTC', { weekday: 'short' }),
]);
const iso = time => new Intl.DateTimeFormat('en-CA', { timeZone: 'UTC' }).format(new Date(time));
const view = { monday: mondayOf(now()), rows: null, error: null };
let redraw = () => {};

function mondayOf(time) {
  const local = Date.parse(new Intl.DateTimeFormat('en-CA', { timeZone: settings.timezone }).format(new Date(time)));
  return local - ((new Date(local).getUTCDay() + 6) % 7) * DAY_MS;
}

async function load() {
  view.error = null;
  try {
    view.rows = await all(
      `${SLOTS}?therapist=${settings.user.id}&date_from=${iso(view.monday)}&date_to=${iso(view.monday + 6 * DAY_MS)}`,
      1_000,
    );
  } catch (error) {
    view.error = error;
  }
  redraw();
}

function move(weeks) {
  view.monday += weeks * 7 * DAY_MS;
  view.rows = null;
  load();
}

const input = (type, value, more = {}) => h('input', { type, value, required: true, ...more });

/** Send a form's body; the server's refusal is shown at its field. */
function submitTo(path, boxes, body, done) {
  return async () => {
    try {
      done(await post(path, body()));
    } catch (error) {
      return (boxes[error.field] ?? Object.values(boxes)[0]).fail(error.message);
    }
    await load();
    return true;
  };
}

function addSlot() {
  const boxes = {
    date: field(t('Date'), input('date', iso(Math.max(view.monday, mondayOf(now()))))),
    start_time: field(t('From'), input('time', '09:00')),
    end_time: field(t('To'), input('time', '09:30')),
    max_appointments: field(t('Places'), input('number', '1', { min: 1, max: 100 })),
  };
  const weekly = h('input', { type: 'checkbox' });
  boxes.recurring_end_date = field(t('Until'), input('date', iso(view.monday + 84 * DAY_MS)));
  const value = name => boxes[name].querySelector('input').value;
  ask({
    title: t('Add slot'),
    ok: t('Add'),
    busy: t('Adding…'),
    body: [
      h('div', { className: 'fields' }, boxes.date, boxes.start_time, boxes.end_time, boxes.max_appointments),
      h('label', { className: 'check' }, weekly, t('Repeat weekly')),
      boxes.recurring_end_date,
    ],
    submit: submitTo(
      SLOTS,
      boxes,
      () => ({
        therapist: settings.user.id,
        date: value('date'),
        start_time: value('start_time'),
        end_time: value('end_time'),
        max_appointments: Number(value('max_appointments')),
        ...(weekly.checked
          ? {
              is_recurring: true,
              recurring_days: String((new Date(`${value('date')}T00:00Z`).getUTCDay() + 6) % 7),
              recurring_end_date: value('recurring_end_date'),
            }
          : {}),
      }),
      () => toast(t('The slot was added.')),
    ),
  });
}

function addMany() {
  const start = Math.max(view.monday, mondayOf(now()));
  const boxes = {
    start_date: field(t('First day'), input('date', iso(start))),
    end_date: field(t('Last day'), input('date', iso(start + 27 * DAY_MS))),
    start_time: field(t('From'), input('time', '09:00')),
    end_time: field(t('To'), input('time', '17:00')),
    slot_duration_minutes: field(t('Minutes each'), input('number', '30', { min: 5, max: 720 })),
    break_duration_minutes: field(t('Break after each'), input('number', '0', { min: 0, max: 240 })),
    max_appointments_per_slot: field(t('Places each'), input('number', '1', { min: 1, max: 100 })),
  };
  const days = h(
    'fieldset',
    { className: 'field' },
    h('legend', { className: 'legend' }, t('Weekdays')),
    h(
      'div',
      { className: 'times' },
      WEEKDAYS.map(([index, name]) =>
        h(
          'label',
          { className: 'check' },
          h('input', { type: 'checkbox', value: String(index), checked: index < 5 }),
          name,
        ),
      ),
    ),
  );
  const value = name => boxes[name].querySelector('input').value;
  ask({
    title: t('Add many slots'),
    ok: t('Add'),
    busy: t('Adding…'),
    body: [h('div', { className: 'fields' }, Object.values(boxes)), days],
    submit: submitTo(
      `${SLOTS}bulk_create/`,
      boxes,
      () => ({
        doctor: settings.user.id,
        start_date: value('start_date'),
        end_date: value('end_date'),
        start_time: value('start_time'),
        end_time: value('end_time'),
        slot_duration_minutes: Number(value('slot_duration_minutes')),
        break_duration_minutes: Number(value('break_duration_minutes')),
        max_appointments_per_slot: Number(value('max_appointments_per_slot')),
        weekdays: [...days.querySelectorAll('input:checked')].map(one => Number(one.value)),
      }),
      made => toast(t('{created} slots, {skipped} clash.', made)),
    ),
  });
}

function removeFree() {
  const free = view.rows.filter(one => !one.current_appointments);
  ask({
    title: tn('Remove {n} free slot of this week?', 'Remove {n} free slots of this week?', free.length),
    ok: free.length ? t('Remove') : null,
    busy: t('Removing…'),
    danger: true,
    body: h('p', {}, t('Booked ones stay.')),
    submit: async () => {
      for (const one of free) await remove(`${SLOTS}${one.id}/`);
      await load();
    },
  });
}

function slot(one) {
  const text = `${one.start_time.slice(0, 5)}–${one.end_time.slice(0, 5)}`;
  const taken = one.current_appointments > 0;
  const places = one.max_appointments > 1 || taken ? ` ${one.current_appointments}/${one.max_appointments}` : '';
  return h(
    'li',
    { className: 'slot', 'data-booked': taken },
    h('span', {}, ltr(text), places),
    taken
      ? null
      : h(
          'button',
          {
            type: 'button',
            className: 'btn link',
            'aria-label': t('Remove {slot}', { slot: `${one.date} ${text}` }),
            onclick: attempt(async () => {
              await remove(`${SLOTS}${one.id}/`);
              await load();
            }),
          },
          '✕',
        ),
  );
}

/** The nodes of the tab. */
export function slots(onChange) {
  redraw = onChange;
  if (!view.rows && !view.error && !slots.asked) {
    slots.asked = true;
    load().finally(() => {
      slots.asked = false;
    });
  }
  const button = (text, run) => h('button', { type: 'button', className: 'btn', onclick: run }, text);
  const bar = h(
    'div',
    { className: 'acts' },
    button(t('Previous week'), () => move(-1)),
    button(t('Next week'), () => move(1)),
    button(t('Add slot'), attempt(addSlot)),
    button(t('Add many slots…'), attempt(addMany)),
    view.rows?.length ? button(t('Remove free slots'), attempt(removeFree)) : null,
  );
  if (view.error)
    return [bar, h('p', { className: 'alert', role: 'alert' }, view.error.message, ' ', button(t('Try again'), load))];
  if (!view.rows) return [bar, h('div', { className: 'skeleton' })];
  const days = WEEKDAYS.map(([index]) => {
    const date = iso(view.monday + index * DAY_MS);
    const rows = view.rows.filter(one => one.date === date).sort((a, b) => a.start_time.localeCompare(b.start_time));
    return h(
      'li',
      {},
      h('h2', {}, day(view.monday + index * DAY_MS, 'UTC')),
      rows.length
        ? h('ul', { className: 'stack' }, rows.map(slot))
        : h('p', { className: 'muted sm' }, t('Nothing published')),
    );
  });
  return [bar, h('ul', { className: 'week', role: 'list', 'aria-label': t('Slots') }, days)];
}

// The therapist's published time: a week as a grid, or four as a list; single slots, series, time off.
import { all, remove } from '../api.js';
import { attempt } from '../board.js';
import { now } from '../clock.js';
import { ask } from '../dialogs.js';
import { h, ltr } from '../dom.js';
import { day, isRtl, t, tn } from '../i18n.js';
import { preference, prefer } from '../preferences.js';
import { remembering } from '../rows.js';
import { settings } from '../settings.js';
import { addMany, addSlot } from './slotDialogs.js';
import { fetchTimeOff, takeTimeOff, timeOff } from './timeOff.js';
import { DAY_MS, iso, mondayOf, SLOTS } from './weeks.js';

const LISTED_WEEKS = 4;
const view = { monday: mondayOf(now()), rows: null, away: [], error: null, asked: 0 };
const remembered = remembering();
let redraw = () => {};

const asList = () => preference('slots_list', matchMedia('(max-width: 720px)').matches);
const days = () => Array.from({ length: 7 * (asList() ? LISTED_WEEKS : 1) }, (_, n) => view.monday + n * DAY_MS);

/** Fetch what is published on the days that are shown; an answer that a newer question overtook is left aside. */
export async function loadSlots() {
  view.asked += 1;
  const asked = view.asked;
  const shown = days();
  const fresh = { error: null };
  try {
    const wanted = `therapist=${settings.user.id}&date_from=${iso(shown[0])}&date_to=${iso(shown.at(-1))}`;
    [fresh.rows, fresh.away] = await Promise.all([all(`${SLOTS}?${wanted}`, 5_000), fetchTimeOff()]);
  } catch (error) {
    fresh.error = error;
  }
  if (asked !== view.asked) return;
  Object.assign(view, fresh);
  redraw();
}

function begin() {
  view.rows = null;
  redraw();
  loadSlots();
}

function move(weeks) {
  view.monday += weeks * 7 * DAY_MS;
  begin();
}

function changeView() {
  prefer('slots_list', !asList()).catch(() => {});
  begin();
}

const hours = one => `${one.start_time.slice(0, 5)}–${one.end_time.slice(0, 5)}`;

/** Only what is shown: of a series, the occurrences of these days. */
function removeFree() {
  const free = view.rows.filter(one => !one.current_appointments);
  ask({
    title: tn('Remove {n} free slot?', 'Remove {n} free slots?', free.length),
    ok: free.length ? t('Remove') : null,
    busy: t('Removing…'),
    danger: true,
    body: h(
      'p',
      {},
      t('From {first} to {last}. Booked ones stay.', { first: day(days()[0], 'UTC'), last: day(days().at(-1), 'UTC') }),
    ),
    submit: async () => {
      for (const one of free) await remove(`${SLOTS}${one.id}/?only_this=true`);
      await loadSlots();
    },
  });
}

/** A single slot goes at once, of a series one chooses how much. */
function removeOne(one) {
  if (!one.is_recurring) return remove(`${SLOTS}${one.id}/`).then(loadSlots);
  const choice = (value, text, checked) =>
    h('label', { className: 'option' }, h('input', { type: 'radio', name: 'scope', value, checked }), text);
  return ask({
    title: t('Remove {slot}?', { slot: `${day(Date.parse(one.date), 'UTC')} ${hours(one)}` }),
    ok: t('Remove'),
    busy: t('Removing…'),
    danger: true,
    body: h(
      'div',
      { className: 'options' },
      choice('?only_this=true', t('Only this one'), true),
      choice('', t('This and all free ones of the series to come'), false),
    ),
    submit: async dialog => {
      await remove(`${SLOTS}${one.id}/${dialog.querySelector('input:checked').value}`);
      await loadSlots();
    },
  });
}

function slot(one) {
  const taken = one.current_appointments > 0;
  const places = one.max_appointments > 1 || taken ? ` ${one.current_appointments}/${one.max_appointments}` : '';
  return h(
    'li',
    { className: 'slot', 'data-booked': taken },
    h('span', {}, ltr(hours(one)), places),
    taken
      ? null
      : h(
          'button',
          {
            type: 'button',
            className: 'btn link',
            'aria-label': t('Remove {slot}', { slot: `${one.date} ${hours(one)}` }),
            onclick: attempt(() => removeOne(one)),
          },
          '✕',
        ),
  );
}

function dayOf(date) {
  const rows = view.rows.filter(one => one.date === iso(date));
  if (asList() && !rows.length) return null;
  return h(
    'li',
    {},
    h('h2', {}, day(date, 'UTC')),
    rows.length
      ? h('ul', { className: 'stack' }, rows.sort((a, b) => a.start_time.localeCompare(b.start_time)).map(slot))
      : h('p', { className: 'muted sm' }, t('Nothing published')),
  );
}

/** The week before or after; the arrow points where the reader's language goes. */
const turn = (step, label) =>
  h(
    'button',
    { type: 'button', className: 'btn more', 'aria-label': label, title: label, onclick: () => move(step) },
    step > 0 === isRtl() ? '‹' : '›',
  );

function bar() {
  const button = (text, run) => h('button', { type: 'button', className: 'btn', onclick: run }, text);
  return h(
    'div',
    { className: 'acts' },
    turn(-1, t('Previous week')),
    h('strong', { className: 'sm' }, `${day(days()[0], 'UTC')} – ${day(days().at(-1), 'UTC')}`),
    turn(1, t('Next week')),
    button(asList() ? t('Show as a week') : t('Show as a list'), changeView),
    button(
      t('Add slot'),
      attempt(() => addSlot(view.monday, loadSlots)),
    ),
    button(
      t('Add many slots…'),
      attempt(() => addMany(view.monday, loadSlots)),
    ),
    button(
      t('Time off…'),
      attempt(() => takeTimeOff(loadSlots)),
    ),
    button(t('Remove free slots'), attempt(removeFree)),
  );
}

function week() {
  const shown = days().map(dayOf).filter(Boolean);
  if (!shown.length) return h('p', { className: 'empty' }, t('Nothing published'));
  return h('ul', { className: asList() ? 'week as-list' : 'week', role: 'list', 'aria-label': t('Slots') }, shown);
}

/** The nodes of the tab: the same ones for as long as they show the same, so that no click or focus is lost. */
export function slots(onChange) {
  redraw = onChange;
  const { monday, rows, away, error } = view;
  const key = [monday, asList()].join();
  const head = remembered('bar', key, bar);
  head.lastChild.hidden = !rows?.length; // nothing to remove
  const again = () => h('button', { type: 'button', className: 'btn', onclick: loadSlots }, t('Try again'));
  if (error) return [head, h('p', { className: 'alert', role: 'alert' }, error.message, ' ', again())];
  if (!rows) return [head, h('div', { className: 'skeleton' })];
  return [
    head,
    away.length && remembered('away', JSON.stringify(away), () => timeOff(away, loadSlots)),
    remembered('week', key + JSON.stringify(rows), week),
  ].filter(Boolean);
}

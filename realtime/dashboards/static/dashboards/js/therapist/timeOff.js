// Time off: what it would hit, then take it; what is taken can be given back.
import { all, post, remove } from '../api.js';
import { attempt } from '../board.js';
import { now } from '../clock.js';
import { ask, field } from '../dialogs.js';
import { h, ltr, said } from '../dom.js';
import { at, bothZones, day, instantOf, place, t, tn, wallOf } from '../i18n.js';
import { toast } from '../messages.js';
import { settings } from '../settings.js';
import { number } from '../statuses.js';
import { DAY_MS } from './weeks.js';

const TIME_OFF = '/api/appointments/time-off/';

/** What lies ahead. */
export async function fetchTimeOff() {
  const rows = await all(`${TIME_OFF}?therapist=${settings.user.id}`);
  return rows.filter(one => Date.parse(one.end) > now());
}

const moment = instant => `${day(instant, settings.timezone)} ${at(instant, settings.timezone)}`;
const span = one => ltr(`${moment(one.start)} – ${moment(one.end)}`);

/** The list of what is taken. */
export function timeOff(taken, changed) {
  const giveBack = one =>
    attempt(async () => {
      await remove(`${TIME_OFF}${one.id}/`);
      await changed();
    });
  return h(
    'ul',
    { className: 'away', role: 'list', 'aria-label': t('Time off') },
    taken.map(one =>
      h(
        'li',
        { className: 'notice' },
        h('span', {}, t('Time off'), ': ', span(one), one.reason && [' · ', said(one.reason)]),
        h(
          'button',
          {
            type: 'button',
            className: 'btn link',
            'aria-label': `${t('Work after all')}: ${moment(one.start)}`,
            onclick: giveBack(one),
          },
          t('Work after all'),
        ),
      ),
    ),
  );
}

function hit(appointments) {
  if (!appointments.length) return h('p', { className: 'notice', role: 'status' }, t('No appointment lies in it.'));
  return h(
    'div',
    { className: 'notice stack', role: 'status' },
    h(
      'p',
      {},
      tn(
        '{n} appointment lies in it and stays yours. Reschedule or cancel it, or ask an operator to reassign it.',
        '{n} appointments lie in it and stay yours. Reschedule or cancel them, or ask an operator to reassign them.',
        appointments.length,
      ),
    ),
    h(
      'ul',
      {},
      appointments.map(one =>
        h(
          'li',
          {},
          ltr(number(one)),
          ' · ',
          said(one.patient_name ?? t('A patient')),
          ' · ',
          day(one.start, one.timezone),
          ' ',
          bothZones(one.start, one.timezone),
        ),
      ),
    ),
  );
}

/** Ask from when to when, show what it hits, then take it. */
export function takeTimeOff(done) {
  const morning = wallOf(now() + DAY_MS, settings.timezone).slice(0, 10);
  const control = wall => h('input', { type: 'datetime-local', required: true, value: wall });
  const boxes = {
    start: field(t('From'), control(`${morning}T00:00`)),
    end: field(t('Until'), control(`${morning}T23:59`)),
    reason: field(t('Reason (optional)'), h('input', { maxLength: 300 }), t('Operators read this.')),
  };
  const preview = h('div');
  const value = name => boxes[name].querySelector('input').value;
  let seen = false;
  const dialog = ask({
    title: t('Time off'),
    ok: t('Preview'),
    busy: t('Working…'),
    body: [
      h('p', { className: 'muted' }, t('Nothing is offered to you and your slots are hidden.')),
      h('p', { className: 'muted sm' }, t('Times in {place}', { place: place(settings.timezone) })),
      h('div', { className: 'fields' }, boxes.start, boxes.end),
      boxes.reason,
      preview,
    ],
    submit: async () => {
      for (const name of ['start', 'end']) if (!value(name)) return boxes[name].fail(t('Enter a date and a time'));
      const [start, end] = [value('start'), value('end')].map(wall => instantOf(wall, settings.timezone).toISOString());
      try {
        const found = await post(TIME_OFF, { start, end, reason: value('reason'), dry_run: !seen });
        if (seen) toast(t('Time off was taken.'));
        else {
          seen = true;
          preview.replaceChildren(hit(found.appointments));
          dialog.setOk(t('Take time off'));
          return false;
        }
      } catch (error) {
        return (boxes[error.field] ?? boxes.start).fail(error.message);
      }
      await done();
      return true;
    },
  });
  dialog.addEventListener('input', event => {
    if (event.target.type !== 'datetime-local') return;
    seen = false;
    preview.replaceChildren();
    dialog.setOk(t('Preview'));
  });
}

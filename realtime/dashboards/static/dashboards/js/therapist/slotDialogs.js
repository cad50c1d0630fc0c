// Publishing time: one slot, one that repeats, or many at once after a look at what they would be.
import { post } from '../api.js';
import { now } from '../clock.js';
import { ask, field } from '../dialogs.js';
import { h } from '../dom.js';
import { day, t, tn } from '../i18n.js';
import { toast } from '../messages.js';
import { settings } from '../settings.js';
import { DAY_MS, firstFrom, iso, SLOTS, WEEKDAYS } from './weeks.js';

const input = (type, value, more = {}) => h('input', { type, value, required: true, ...more });
const valuesOf = boxes =>
  Object.fromEntries(
    Object.entries(boxes).map(([name, box]) => {
      const control = box.querySelector('input');
      return [name, control.type === 'number' ? Number(control.value) : control.value];
    }),
  );

/** A refusal is shown at its field. */
const blame = (boxes, error) => (boxes[error.field] ?? Object.values(boxes)[0]).fail(error.message);

/** One slot; with "Repeat weekly" all its occurrences. */
export function addSlot(monday, done) {
  const first = firstFrom(monday, now());
  const boxes = {
    date: field(t('Date'), input('date', iso(first))),
    start_time: field(t('From'), input('time', '09:00')),
    end_time: field(t('To'), input('time', '09:30')),
    max_appointments: field(t('Places'), input('number', '1', { min: 1, max: 100 })),
  };
  const weekly = h('input', { type: 'checkbox', onchange: () => (until.hidden = !weekly.checked) });
  const until = field(t('Until'), input('date', iso(first + 84 * DAY_MS)));
  until.hidden = true;
  const body = () => {
    const { recurring_end_date, ...values } = valuesOf({ ...boxes, recurring_end_date: until });
    const day = (new Date(`${values.date}T00:00Z`).getUTCDay() + 6) % 7;
    const series = { is_recurring: true, recurring_days: String(day), recurring_end_date };
    return { therapist: settings.user.id, ...values, ...(weekly.checked ? series : {}) };
  };
  ask({
    title: t('Add slot'),
    ok: t('Add'),
    busy: t('Adding…'),
    body: [
      h('div', { className: 'fields' }, Object.values(boxes)),
      h('label', { className: 'check' }, weekly, t('Repeat weekly')),
      until,
    ],
    submit: async () => {
      try {
        await post(SLOTS, body());
      } catch (error) {
        return blame({ ...boxes, recurring_end_date: until }, error);
      }
      toast(t('The slot was added.'));
      await done();
      return true;
    },
  });
}

function weekdays() {
  const box = (index, name) =>
    h(
      'label',
      { className: 'check' },
      h('input', { type: 'checkbox', value: String(index), checked: index < 5 }),
      name,
    );
  return h(
    'fieldset',
    { className: 'field' },
    h('legend', { className: 'legend' }, t('Weekdays')),
    h(
      'div',
      { className: 'times' },
      WEEKDAYS.map(([index, name]) => box(index, name)),
    ),
  );
}

/** How many there would be, and on which days. */
function previewed({ slots, skipped }) {
  const dates = [...new Set(slots.map(one => one.date))].sort();
  const range =
    dates.length > 0 &&
    t('From {first} to {last}.', { first: day(Date.parse(dates[0]), 'UTC'), last: day(Date.parse(dates.at(-1)), 'UTC') });
  return h(
    'p',
    { className: 'notice', role: 'status' },
    tn('{n} slot', '{n} slots', slots.length),
    ', ',
    tn('{n} clashes and is left out', '{n} clash and are left out', skipped),
    '. ',
    range,
  );
}

/** Many: first what they would be, then, where nothing was changed meanwhile, publish them. */
export function addMany(monday, done) {
  const first = firstFrom(monday, now());
  const boxes = {
    start_date: field(t('First day'), input('date', iso(first))),
    end_date: field(t('Last day'), input('date', iso(first + 27 * DAY_MS))),
    start_time: field(t('From'), input('time', '09:00')),
    end_time: field(t('To'), input('time', '17:00')),
    slot_duration_minutes: field(t('Minutes each'), input('number', '30', { min: 5, max: 720 })),
    break_duration_minutes: field(t('Break after each'), input('number', '0', { min: 0, max: 240 })),
    max_appointments_per_slot: field(t('Places each'), input('number', '1', { min: 1, max: 100 })),
  };
  const days = weekdays();
  const preview = h('div');
  const wanted = () => ({
    doctor: settings.user.id,
    ...valuesOf(boxes),
    weekdays: [...days.querySelectorAll('input:checked')].map(one => Number(one.value)),
  });
  let seen = null;
  const dialog = ask({
    title: t('Add many slots'),
    ok: t('Preview'),
    busy: t('Working…'),
    body: [h('div', { className: 'fields' }, Object.values(boxes)), days, preview],
    submit: async () => {
      try {
        if (seen === null) return await look();
        const made = await post(`${SLOTS}bulk_create/`, wanted());
        toast(t('{created} slots, {skipped} clash.', made));
      } catch (error) {
        return blame(boxes, error);
      }
      await done();
      return true;
    },
  });
  async function look() {
    const found = await post(`${SLOTS}bulk_create/`, { ...wanted(), dry_run: true });
    seen = found.slots.length;
    preview.replaceChildren(previewed(found));
    if (seen) dialog.setOk(tn('Add {n} slot', 'Add {n} slots', seen));
    else seen = null;
    return false;
  }
  dialog.addEventListener('input', () => {
    seen = null;
    preview.replaceChildren();
    dialog.setOk(t('Preview'));
  });
}

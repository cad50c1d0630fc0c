// The operator's questions. Each names its object and says what will happen to whom before the click.
import { now } from '../clock.js';
import { ask, field } from '../dialogs.js';
import { h, ltr, said } from '../dom.js';
import { at, bothZones, day, t, tn } from '../i18n.js';
import { toast } from '../messages.js';
import {
  autoCancelOverdueAppointments,
  fetchAppointment,
  fetchAvailableTherapists,
  reviewRejection,
  state,
  updateAppointmentStatus,
} from '../scheduling.js';
import { settings } from '../settings.js';
import { number, phase } from '../statuses.js';

/** Dialogs that are open, by appointment: an event about one of them is shown inside. */
export const open = new Map();

function about(appointment, dialog) {
  open.set(appointment.id, dialog);
  dialog.addEventListener('close', () => open.delete(appointment.id));
}

export function deny(appointment) {
  const note = h('textarea', { rows: 3, maxLength: 2000, required: true });
  const box = field(t('Note to the therapist'), note, t('They see this with the decision.'));
  const start = at(appointment.start, settings.timezone);
  about(
    appointment,
    ask({
      title: t('Deny the rejection of {number}?', { number: number(appointment) }),
      ok: t('Deny rejection'),
      busy: t('Denying…'),
      body: [
        h(
          'p',
          { className: 'muted', dir: 'auto' },
          t('{therapist} stays assigned and must attend {patient} at {start}.', {
            therapist: appointment.therapist_name,
            patient: appointment.patient_name,
            start,
          }),
        ),
        box,
      ],
      submit: async () => {
        if (!note.value.trim()) return box.fail(t('Enter a note for the therapist'));
        if (await reviewRejection(appointment.id, 'deny', note.value))
          toast(t('{number}: rejection denied. The therapist has been told.', { number: number(appointment) }));
        return true;
      },
    }),
  );
}

/** Rows to choose a therapist from, best first, with the reasons of the ranking. */
async function candidates(appointment, name) {
  const found = await fetchAvailableTherapists(appointment.id);
  const options = found.map((one, index) =>
    h(
      'label',
      { className: 'option' },
      h('input', { type: 'radio', name, value: String(one.id), checked: index === 0 }),
      h(
        'span',
        {},
        h('strong', {}, said(one.name)),
        h('br'),
        h('span', { className: 'muted sm', dir: 'auto' }, one.reasons.join(' · ')),
        one.warning && [h('br'), h('span', { className: 'flag warn', dir: 'auto' }, one.warning)],
      ),
    ),
  );
  return {
    found,
    options: h('div', { className: 'options', role: 'radiogroup', 'aria-label': t('Therapists') }, options),
  };
}

const chosen = dialog => Number(dialog.querySelector('input[type=radio]:checked')?.value) || null;

function answerBy(appointment) {
  const end = Math.min(now() + settings.response_minutes * 60_000, Date.parse(appointment.start));
  return t('Must answer by {time}.', { time: at(end, settings.timezone) });
}

export async function reassign(appointment) {
  const { found, options } = await candidates(appointment, 'therapist');
  const search = h(
    'label',
    { className: 'option' },
    h('input', { type: 'radio', name: 'therapist', value: '', checked: !found.length }),
    h(
      'span',
      {},
      h('strong', {}, t('Let the search decide')),
      h('br'),
      h(
        'span',
        { className: 'muted sm' },
        t('The best free therapist is asked; if nobody is free, it is cancelled and the patient is told.'),
      ),
    ),
  );
  options.append(search);
  const none =
    !found.length && h('p', { className: 'notice' }, t('No one is free: this will cancel it and tell the patient.'));
  about(
    appointment,
    ask({
      title: t('Reassign {number}', { number: number(appointment) }),
      ok: t('Reassign'),
      busy: t('Reassigning…'),
      body: [
        h(
          'p',
          { className: 'muted', dir: 'auto' },
          t('{therapist} is told that it was taken back.', {
            therapist: appointment.therapist_name ?? t('The therapist'),
          }),
          ' ',
          answerBy(appointment),
        ),
        none,
        options,
      ],
      submit: async dialog => {
        const therapist = chosen(dialog);
        if (await updateAppointmentStatus(appointment.id, 'reassign', therapist ? { therapist } : {})) {
          toast(
            therapist
              ? t('{number} was offered anew.', { number: number(appointment) })
              : t('{number}: searching for a therapist.', { number: number(appointment) }),
          );
        }
      },
    }),
  );
}

export async function assign(appointment) {
  const { found, options } = await candidates(appointment, 'therapist');
  about(
    appointment,
    ask({
      title: t('Assign {number}', { number: number(appointment) }),
      ok: found.length ? t('Assign') : null,
      busy: t('Assigning…'),
      body: [
        h(
          'p',
          { className: 'muted' },
          h('bdi', {}, appointment.patient_name),
          ' · ',
          day(appointment.start, appointment.timezone),
          ' ',
          bothZones(appointment.start, appointment.timezone),
        ),
        found.length
          ? [h('p', {}, answerBy(appointment)), options]
          : h('p', { className: 'notice' }, t('No one is free at that time.')),
      ],
      submit: async dialog => {
        const therapist = chosen(dialog);
        if (await updateAppointmentStatus(appointment.id, 'assign', { therapist }))
          toast(t('{number} was offered.', { number: number(appointment) }));
      },
    }),
  );
}

/** First which appointment, then whom. */
export function assignAny() {
  const waiting = [...state.appointments.values()]
    .filter(one => phase(one) === 'unassigned')
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  const options = waiting.map((one, index) =>
    h(
      'label',
      { className: 'option' },
      h('input', { type: 'radio', name: 'appointment', value: String(one.id), checked: index === 0 }),
      h(
        'span',
        {},
        h('strong', {}, said(one.patient_name)),
        h('br'),
        h(
          'span',
          { className: 'muted sm' },
          ltr(number(one)),
          ' · ',
          day(one.start, one.timezone),
          ' ',
          bothZones(one.start, one.timezone),
        ),
      ),
    ),
  );
  ask({
    title: t('Assign appointment'),
    ok: waiting.length ? t('Choose a therapist') : null,
    body: waiting.length
      ? h(
          'div',
          { className: 'options', role: 'radiogroup', 'aria-label': t('Appointments without a therapist') },
          options,
        )
      : h('p', { className: 'muted' }, t('Every appointment has a therapist.')),
    submit: async dialog => {
      await assign(state.appointments.get(chosen(dialog)));
    },
  });
}

export function cancel(appointments) {
  const reason = h('textarea', { rows: 3, maxLength: 2000, required: true });
  const box = field(t('Reason'), reason, t('The patient reads this.'));
  const title =
    appointments.length === 1
      ? t('Cancel {number}?', { number: number(appointments[0]) })
      : tn('Cancel {n} appointment?', 'Cancel {n} appointments?', appointments.length);
  ask({
    title,
    danger: true,
    ok: tn('Cancel {n} appointment', 'Cancel {n} appointments', appointments.length),
    busy: t('Cancelling…'),
    body: [named(appointments), h('p', {}, t('Patients and therapists are told. This cannot be undone.')), box],
    submit: async () => {
      if (!reason.value.trim()) return box.fail(t('Enter a reason'));
      return each(appointments, 'cancel', { cancellation_reason: reason.value });
    },
  });
}

export function extend(appointment) {
  const minutes = h('input', { type: 'number', min: 1, max: 120, value: '10', inputMode: 'numeric' });
  const box = field(t('Minutes'), minutes, t('From 1 to 120, never past the start.'));
  about(
    appointment,
    ask({
      title: t('More time for {number}', { number: number(appointment) }),
      ok: t('Extend'),
      busy: t('Extending…'),
      body: box,
      submit: async () => {
        try {
          await updateAppointmentStatus(appointment.id, 'extend', { minutes: Number(minutes.value) });
        } catch (error) {
          return box.fail(error.message);
        }
        return true;
      },
    }),
  );
}

const named = appointments =>
  h(
    'ul',
    { className: 'sm' },
    appointments.map(one =>
      h('li', {}, ltr(number(one)), ' · ', said(one.patient_name), ' → ', said(one.therapist_name ?? '—')),
    ),
  );

/** The same action on several, one after the other; says how many went through. */
export async function each(appointments, action, body = {}) {
  let done = 0;
  for (const one of appointments) {
    try {
      if (await updateAppointmentStatus(one.id, action, body)) done += 1;
    } catch (error) {
      state.conflicts.set(one.id, { message: error.message });
    }
  }
  toast(tn('{done} of {n} done.', '{done} of {n} done.', appointments.length, { done }));
  return true;
}

/** What a run would do, asked of the server; shown before anybody is suspended. */
async function plan() {
  const dry = await autoCancelOverdueAppointments(true);
  const rows = await Promise.all(dry.appointments.map(id => state.appointments.get(id) ?? fetchAppointment(id)));
  const accounts = [...new Set(rows.filter(one => one.origin !== 'patient').map(one => one.therapist_name))];
  return { ids: dry.appointments.join(), rows, accounts };
}

function planned({ rows, accounts }) {
  return [
    named(rows),
    h(
      'p',
      { dir: 'auto' },
      settings.auto_disable && accounts.length
        ? [
            h('strong', {}, tn('{n} account may be suspended: ', '{n} accounts may be suspended: ', accounts.length)),
            accounts.join(', '),
            '. ',
          ]
        : '',
      t('Patients are told. You can reinstate an account later and bring its appointments back within 72 hours.'),
    ),
  ];
}

export async function autoCancel() {
  let first = await plan();
  if (!first.rows.length) return toast(t('Nothing is overdue.'));
  const body = h('div', { className: 'stack' }, planned(first));
  const count = first.rows.length;
  return ask({
    title: tn('Auto-cancel {n} overdue appointment?', 'Auto-cancel {n} overdue appointments?', count),
    ok: t('Auto-cancel {n}', { n: count }),
    busy: t('Auto-cancelling…'),
    danger: true,
    body,
    submit: async dialog => {
      const fresh = await plan();
      if (fresh.ids !== first.ids) {
        first = fresh;
        body.replaceChildren(...planned(fresh));
        dialog.setProblem(t('The list has changed meanwhile. Look again before you go on.'));
        return false;
      }
      const done = await autoCancelOverdueAppointments(false);
      toast(tn('{n} appointment auto-cancelled.', '{n} appointments auto-cancelled.', done.processed));
      return true;
    },
  });
}

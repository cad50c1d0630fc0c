// The details of one appointment: facts, what happens next, and why things are as they are.
import { now } from './clock.js';
import { field } from './dialogs.js';
import { h, ltr, said } from './dom.js';
import { at, bothZones, day, sameDay, t } from './i18n.js';
import { toast } from './messages.js';
import { doing, fetchAvailableTherapists, fetchTimeline, state, updateAppointmentStatus } from './scheduling.js';
import { settings } from './settings.js';
import { badge, may, number, phase, TIMED, type } from './statuses.js';

const WHAT = {
  created: t('Booked'),
  updated: t('Changed'),
  assigned: t('Offered to the therapist'),
  unassigned: t('Taken back from the therapist'),
  confirmed: t('Accepted'),
  rejected: t('Rejected'),
  rejection_accepted: t('Rejection accepted'),
  rejection_denied: t('Rejection denied'),
  auto_cancelled: t('Auto-cancelled: no answer in time'),
  cancelled: t('Cancelled'),
  rescheduled: t('Rescheduled'),
  started: t('Started'),
  completed: t('Completed'),
  no_show: t('The patient did not come'),
  missed: t('Nobody came'),
  extended: t('More time to answer'),
  reminder_sent: t('Reminder sent'),
  noted: t('Note'),
  claimed: t('Somebody is on it'),
  released: t('No longer looked after'),
  reminded: t('Offer sent again'),
  deleted: t('Removed'),
  paid: t('Paid'),
  warned: t('Warned that time is running out'),
  delivered: t('Delivered'),
  seen: t('Seen'),
};

/** The sentence that says what the system will do by itself, and when. */
export function whatHappensNext(appointment) {
  const current = phase(appointment);
  const therapist = appointment.therapist_name ?? t('the therapist');
  const time = appointment.response_deadline && at(appointment.response_deadline, settings.timezone);
  if (current === 'overdue')
    return t('Auto-cancels within seconds. {therapist} may be suspended and the patient is told.', { therapist });
  if (current === 'due' || current === 'awaiting') {
    if (appointment.origin === 'patient')
      return t('At {time}, with no answer: the request opens to every therapist who is free. Nobody is suspended.', {
        time,
      });
    return settings.auto_disable
      ? t('At {time}, with no answer: auto-cancelled, {therapist} suspended, the patient told.', { time, therapist })
      : t('At {time}, with no answer: auto-cancelled and the patient told.', { time });
  }
  const start = at(appointment.start, settings.timezone);
  if (current === 'unassigned')
    return t('If nobody takes it by {start}, it is cancelled and the patient is told.', { start });
  if (current === 'rejected')
    return t(
      'Accept: somebody else is searched. Deny: {therapist} must attend. Undecided at {start}, it is cancelled.',
      { therapist, start },
    );
  if (current === 'confirmed')
    return t('The patient and {therapist} meet at {start}. If nobody starts it, it counts as missed.', {
      therapist,
      start,
    });
  return t('Nothing is due.');
}

/** How many could come instead, for whoever decides about it. */
function othersFree(appointment) {
  const matters = ['rejected', 'unassigned', ...TIMED].includes(phase(appointment));
  if (!matters || !['operator', 'admin'].includes(settings.user.role)) return null;
  const box = h('span', {}, '…');
  fetchAvailableTherapists(appointment.id)
    .then(found => box.replaceChildren(String(found.length || t('None: it would be cancelled'))))
    .catch(() => box.replaceChildren('—'));
  return box;
}

function facts(appointment) {
  const rows = [
    [t('Therapist'), said(appointment.therapist_name ?? '—')],
    [t('Type'), `${type(appointment)}, ${t('{n} min', { n: appointment.duration_minutes })}`],
    [
      t('When'),
      [
        at(appointment.start, appointment.timezone, { weekday: 'short', day: 'numeric', month: 'short' }),
        ' ',
        bothZones(appointment.start, appointment.timezone),
      ],
    ],
    [t('Others free'), othersFree(appointment)],
    [t('Service'), appointment.service_name && said(appointment.service_name)],
    [t('Reason'), appointment.reason_for_visit && said(appointment.reason_for_visit)],
    [t('Notes'), appointment.notes && said(appointment.notes)],
    [t('Phone'), appointment.patient_phone && ltr(appointment.patient_phone)],
    [t('Rejection'), appointment.rejection_reason && said(appointment.rejection_reason)],
    [t('Cancelled because'), appointment.cancellation_reason && said(appointment.cancellation_reason)],
    [
      t('Delivered'),
      appointment.response_deadline &&
        appointment.offer_delivered_at &&
        at(appointment.offer_delivered_at, settings.timezone),
    ],
    [
      t('Seen'),
      appointment.response_deadline &&
        (appointment.offer_read_at ? at(appointment.offer_read_at, settings.timezone) : t('Not seen yet')),
    ],
    [t('Paid'), appointment.consultation_fee > 0 && (appointment.is_paid ? t('yes') : t('no'))],
  ];
  return h(
    'dl',
    { className: 'facts' },
    rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );
}

/** The patient's name; for those who have the archive, with the way to everything of theirs. */
function patient(appointment) {
  const name = said(appointment.patient_name ?? t('A patient'));
  if (!['operator', 'admin'].includes(settings.user.role)) return name;
  const href = `?tab=all&patient=${appointment.patient}#${number(appointment)}`;
  return h('a', { href, title: t('All appointments of this patient') }, name);
}

function timelineEntry(entry) {
  const zone = settings.timezone;
  const date = sameDay(entry.timestamp, now(), zone) ? '' : `${day(entry.timestamp, zone)} `;
  return h(
    'li',
    {},
    h('strong', {}, date, ltr(at(entry.timestamp, zone))),
    ' ',
    WHAT[entry.action] ?? entry.action,
    entry.notes && [': ', said(entry.notes)],
    h('br'),
    h('span', { className: 'muted', dir: 'auto' }, entry.performed_by_name),
  );
}

function noteForm(appointment) {
  const text = h('textarea', { rows: 2, maxLength: 2000 });
  const box = field(t('Handover note'), text);
  const send = h('button', { className: 'btn' }, t('Add handover note'));
  return h(
    'form',
    {
      className: 'stack',
      onsubmit: async event => {
        event.preventDefault();
        if (!text.value.trim()) return box.fail(t('Enter a note'));
        try {
          await updateAppointmentStatus(appointment.id, 'handover_notes', { text: text.value });
          text.value = '';
          toast(t('Note added to {number}.', { number: number(appointment) }));
          loadTimeline(appointment, document.getElementById('timeline'));
        } catch (error) {
          box.fail(error.message);
        }
        return undefined;
      },
    },
    box,
    send,
  );
}

/** What the log does not hold: that the offer which waits for an answer has reached its therapist. */
function received(appointment) {
  const moments = { delivered: appointment.offer_delivered_at, seen: appointment.offer_read_at };
  return Object.entries(moments)
    .filter(([, timestamp]) => timestamp)
    .map(([action, timestamp]) => ({ action, timestamp, performed_by_name: appointment.therapist_name }));
}

async function loadTimeline(appointment, box) {
  try {
    const entries = [...received(appointment), ...(await fetchTimeline(appointment.id))];
    entries.sort((one, other) => Date.parse(other.timestamp) - Date.parse(one.timestamp));
    if (box?.dataset.id === String(appointment.id)) box.replaceChildren(...entries.map(timelineEntry));
  } catch {
    box?.replaceChildren(h('li', {}, t('The timeline could not be loaded.')));
  }
}

let shown = '';

/** Fill the panel (or a dialog's body) with an appointment; `actions` are its buttons. */
export function showDetails(box, appointment, actions = []) {
  const { id, version, offer_delivered_at: delivered, offer_read_at: seen } = appointment;
  const key = [id, version, phase(appointment), delivered, seen, ...doing(appointment)].join('|');
  if (box.dataset.key === key && shown === key) return;
  const typing = box.querySelector('textarea');
  if (typing?.value && box.dataset.id === String(appointment.id)) return; // what is being written stays
  shown = key;
  box.dataset.key = key;
  box.dataset.id = appointment.id;
  box.hidden = false;
  const timeline = h('ol', { className: 'timeline', id: 'timeline', 'data-id': appointment.id, 'aria-busy': 'true' });
  const link = `${location.origin}${location.pathname}#${number(appointment)}`;
  box.replaceChildren(
    h('div', { className: 'title' }, h('h2', {}, ltr(number(appointment))), badge(appointment)),
    h('h3', {}, patient(appointment)),
    facts(appointment),
    h(
      'div',
      { className: 'next' },
      h('strong', {}, t('What happens next')),
      h('p', { dir: 'auto' }, whatHappensNext(appointment)),
    ),
    h(
      'div',
      { className: 'acts' },
      actions,
      h(
        'button',
        {
          type: 'button',
          className: 'btn',
          onclick: () => navigator.clipboard?.writeText(link).then(() => toast(t('Link copied.'))),
        },
        t('Copy link'),
      ),
    ),
    h('h2', {}, t('Timeline')),
    timeline,
    may(appointment, 'handover_notes') || ['operator', 'admin'].includes(settings.user.role)
      ? noteForm(appointment)
      : '',
  );
  loadTimeline(appointment, timeline);
}

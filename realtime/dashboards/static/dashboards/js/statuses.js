// One function turns (status, therapist, deadline, viewer) into what is shown.
import { now } from './clock.js';
import { h, icon } from './dom.js';
import { t } from './i18n.js';
import { settings } from './settings.js';

const SHOWN = {
  unassigned: ['inbox', t('Needs a therapist'), 'unassigned'],
  awaiting: ['clock', t('Awaiting response'), 'pending'],
  due: ['hourglass', t('Due soon'), 'due'],
  overdue: ['alarm', t('Overdue'), 'overdue'],
  confirmed: [
    'check',
    settings.user?.role === 'operator' || settings.user?.role === 'admin' ? t('Confirmed') : t('Accepted'),
    'confirmed',
  ],
  rejected: ['x', t('Rejected'), 'rejected'],
  in_progress: ['play', t('In progress'), 'progress'],
  completed: ['checks', t('Completed'), 'completed'],
  missed: ['absent', t('Missed'), 'missed'],
  rescheduled: ['moved', t('Rescheduled'), 'moved'],
  cancelled: ['ban', t('Cancelled'), 'cancelled'],
  auto_cancelled: ['timer', t('Auto-cancelled'), 'auto'],
};
const SAME = { assigned: 'confirmed', no_show: 'missed' };

export const TYPES = {
  therapy: t('Therapy'),
  consultation: t('Consultation'),
  follow_up: t('Follow-up'),
  crisis_intervention: t('Crisis intervention'),
};

/** The phase an appointment is in, at a moment of the server. */
export function phase(appointment, time = now()) {
  if (appointment.status !== 'pending') return SAME[appointment.status] ?? appointment.status;
  if (!appointment.therapist || !appointment.response_deadline) return 'unassigned';
  if (time >= Date.parse(appointment.response_deadline)) return 'overdue';
  return time >= Date.parse(appointment.warn_at ?? appointment.response_deadline) ? 'due' : 'awaiting';
}

export const TIMED = ['overdue', 'due', 'awaiting'];
/** The icon of a phase on its colour. */
export const glyph = name => h('span', { className: 'glyph', 'data-tone': SHOWN[name][2] }, icon(SHOWN[name][0]));
export const label = name => SHOWN[name][1];

export function badge(appointment) {
  const [name, words, tone] = SHOWN[phase(appointment)];
  return h('span', { className: 'badge', 'data-tone': tone }, icon(name), words);
}

/** The number that people say to each other. */
export const number = appointment => `A-${appointment.id}`;
export const type = appointment => TYPES[appointment.appointment_type] ?? appointment.appointment_type;
export const may = (appointment, action) => (appointment.allowed_actions ?? []).includes(action);

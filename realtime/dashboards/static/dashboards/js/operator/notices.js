// Banners over the operator's lists: suspended therapists, the breaker, parts of the system that stand still.
import { get, post } from '../api.js';
import { now } from '../clock.js';
import { ask, field } from '../dialogs.js';
import { byId, h, said } from '../dom.js';
import { at, bothZones, day, t, tn } from '../i18n.js';
import { toast } from '../messages.js';
import { settings } from '../settings.js';
import { number } from '../statuses.js';

const HEALTH_MS = 30_000;
const PARTS = { database: t('database'), broker: t('queue'), relay: t('relay'), beat: t('schedule') };
const shown = { outage: null, breaker: null, suspended: [] };

function draw() {
  byId('notices').replaceChildren(...[shown.outage, shown.breaker, ...shown.suspended].filter(Boolean));
}

const notice = (role, text, ...actions) =>
  h(
    'div',
    { className: 'alert', role },
    h('p', { dir: 'auto' }, text),
    actions.length ? h('div', { className: 'acts' }, actions) : null,
  );

/** Who is suspended, with the way back. */
export async function refreshSuspended() {
  const page = await get('/api/scheduling/therapists/?is_active=false&page_size=20');
  shown.suspended = page.results.map(one =>
    notice(
      'status',
      [
        h(
          'strong',
          {},
          t('{name} was suspended at {time}', {
            name: one.name,
            time: one.suspended_at
              ? `${day(one.suspended_at, settings.timezone)} ${at(one.suspended_at, settings.timezone)}`
              : '—',
          }),
        ),
        one.suspension_reason ? [': ', said(one.suspension_reason)] : '.',
      ],
      h(
        'button',
        {
          type: 'button',
          className: 'btn',
          'aria-label': `${t('Reinstate')} ${one.name}`,
          onclick: () => reinstate(one),
        },
        t('Reinstate'),
      ),
      h(
        'button',
        {
          type: 'button',
          className: 'btn',
          'aria-label': `${t('Reassign the rest of the day…')} ${one.name}`,
          onclick: () => redistribute(one),
        },
        t('Reassign the rest of the day…'),
      ),
    ),
  );
  draw();
}

async function reinstate(therapist) {
  const lost = await get(
    `/api/scheduling/appointments/?status=auto_cancelled&therapist=${therapist.id}&ordering=start&page_size=50&date_from=${today()}`,
  );
  const ticks = lost.results.map(one =>
    h(
      'label',
      { className: 'option' },
      h('input', { type: 'checkbox', value: String(one.id), checked: true }),
      h(
        'span',
        {},
        number(one),
        ' · ',
        said(one.patient_name),
        h('br'),
        h('span', { className: 'muted sm' }, day(one.start, one.timezone), ' ', bothZones(one.start, one.timezone)),
      ),
    ),
  );
  ask({
    title: t('Reinstate {name}?', { name: therapist.name }),
    ok: t('Reinstate'),
    busy: t('Reinstating…'),
    body: [
      h('p', {}, t('They can sign in again and are offered appointments again.')),
      ticks.length
        ? [
            h('p', {}, t('Bring back with a fresh clock, where the time is still free:')),
            h('div', { className: 'options' }, ticks),
          ]
        : null,
    ],
    submit: async dialog => {
      const restore = [...dialog.querySelectorAll('input:checked')].map(one => Number(one.value));
      const done = await post(`/api/scheduling/therapists/${therapist.id}/enable/`, { restore_appointments: restore });
      const refused = done.refused_appointments.length;
      toast(
        t('{name} was reinstated.', { name: therapist.name }) +
          (refused
            ? ` ${tn('{n} appointment could not be brought back.', '{n} appointments could not be brought back.', refused)}`
            : ''),
      );
      await refreshSuspended();
    },
  });
}

const today = () => new Intl.DateTimeFormat('en-CA', { timeZone: settings.timezone }).format(now());

/** A sick day: what would go to whom, then do it. */
async function redistribute(therapist) {
  const path = `/api/scheduling/therapists/${therapist.id}/redistribute/`;
  let preview;
  try {
    preview = await post(path, { date: today(), dry_run: true });
  } catch (error) {
    toast(error.message);
    return;
  }
  const moves = preview.appointments;
  const line = move =>
    h(
      'li',
      { dir: 'auto' },
      `${number(move.appointment)} · ${move.appointment.patient_name} → `,
      move.candidate ? move.candidate.name : t('no one is free: it is cancelled and the patient told'),
      move.refused ? ` (${move.refused})` : '',
    );
  ask({
    title: t('Reassign the rest of the day of {name}?', { name: therapist.name }),
    ok: moves.length ? t('Reassign') : null,
    busy: t('Reassigning…'),
    body: moves.length ? h('ul', { className: 'stack sm' }, moves.map(line)) : h('p', {}, t('Nothing is left today.')),
    submit: async () => {
      await post(path, { date: today(), dry_run: false });
      toast(t('The rest of the day is being reassigned.'));
    },
  });
}

/** Whether automatic suspensions are halted. */
export async function refreshBreaker() {
  if (!settings.institution) return; // an admin belongs to none
  const breaker = await get('/api/scheduling/breaker/');
  shown.breaker = breaker.open
    ? notice(
        'alert',
        h(
          'strong',
          {},
          t('Automatic suspensions are halted: {n} in a short time. Offers still end at their deadline.', {
            n: breaker.recent_suspensions,
          }),
        ),
        h('button', { type: 'button', className: 'btn', onclick: closeBreaker }, t('Resume suspensions…')),
      )
    : null;
  draw();
}

function closeBreaker() {
  const reason = h('textarea', { rows: 2, required: true, maxLength: 2000 });
  const box = field(t('Reason'), reason);
  ask({
    title: t('Resume automatic suspensions?'),
    ok: t('Resume'),
    body: box,
    submit: async () => {
      if (!reason.value.trim()) return box.fail(t('Enter a reason'));
      await post('/api/scheduling/breaker/close/', { reason: reason.value });
      await refreshBreaker();
      return true;
    },
  });
}

async function checkHealth() {
  const answer = await fetch('/readyz', { headers: { Accept: 'application/json' } })
    .then(found => found.json())
    .catch(() => null);
  const broken = Object.entries(answer?.parts ?? {})
    .filter(([, part]) => !part.ok)
    .map(([name]) => PARTS[name] ?? name);
  shown.outage = broken.length
    ? notice(
        'status',
        t('Part of the system stands still: {parts}. Running clocks are extended for an outage of the relay.', {
          parts: broken.join(', '),
        }),
      )
    : null;
  draw();
}

/** Look now, and at the system's health from time to time. */
export function startNotices() {
  refreshSuspended().catch(() => {});
  refreshBreaker().catch(() => {});
  checkHealth();
  setInterval(() => document.hidden || checkHealth(), HEALTH_MS);
}

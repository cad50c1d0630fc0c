// Whether offers may come: at once, not at all, or not before a moment.
import { patch } from '../api.js';
import { attempt } from '../board.js';
import { now } from '../clock.js';
import { ask, field } from '../dialogs.js';
import { byId, h } from '../dom.js';
import { at, day, instantOf, place, t } from '../i18n.js';
import { settings } from '../settings.js';

/** Draw the switch as things are. */
export function availability(taking, until) {
  const away = until && Date.parse(until) > now();
  const words = away
    ? t('Away until {time}', { time: `${day(until, settings.timezone)} ${at(until, settings.timezone)}` })
    : taking
      ? t('Taking appointments')
      : t('Not taking appointments');
  const set = changes =>
    attempt(async () => {
      const me = await patch('/api/auth/me/', changes);
      availability(me.taking_appointments, me.away_until);
    });
  const on = taking && !away;
  byId('availability').replaceChildren(
    h(
      'button',
      {
        type: 'button',
        className: 'btn',
        role: 'switch',
        'aria-checked': String(on),
        onclick: set(on ? { taking_appointments: false } : { taking_appointments: true, away_until: null }),
      },
      words,
    ),
    h('button', { type: 'button', className: 'btn', onclick: awayUntil }, t('Away until…')),
  );
}

function awayUntil() {
  const until = h('input', { type: 'datetime-local', required: true });
  const hint = t('Time in {place}. Nothing is offered to you before.', { place: place(settings.timezone) });
  const box = field(t('Until'), until, hint);
  ask({
    title: t('Away until…'),
    ok: t('Set'),
    body: box,
    submit: async () => {
      if (!until.value) return box.fail(t('Enter a date and a time'));
      const me = await patch('/api/auth/me/', { away_until: instantOf(until.value, settings.timezone).toISOString() });
      availability(me.taking_appointments, me.away_until);
      return true;
    },
  });
}

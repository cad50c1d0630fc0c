// One appointment in a list. A node is kept for as long as what it shows is the same, so that focus and open menus stay.
import { now, onTick } from './clock.js';
import { h, icon, ltr, said, sync } from './dom.js';
import { at, bothZones, clockText, isRtl, t } from './i18n.js';
import { settings } from './settings.js';
import { badge, number, phase, TIMED, type } from './statuses.js';
import { state } from './scheduling.js';

/** A button that names its object to screen readers: "Reassign… A-1042". */
export function button(text, run, kind = '', about = null) {
  const name = about ? `${text} ${number(about)}` : null;
  return h('button', { type: 'button', className: `btn ${kind}`, 'aria-label': name, onclick: run }, text);
}

/** "⋯" with further actions: `entries` are [text, run]. */
export function moreActions(about, entries) {
  const items = entries.filter(Boolean).map(([text, run]) =>
    button(
      text,
      event => {
        event.target.closest('details').open = false;
        run();
      },
      '',
      about,
    ),
  );
  if (!items.length) return null;
  const summary = h('summary', { className: 'btn more', 'aria-label': `${t('More actions')} ${number(about)}` }, '⋯');
  return h('details', { className: 'menu actions' }, summary, h('div', { className: 'menu-body' }, items));
}

/** Time left, painted each second from the deadline itself. */
export function countdown(appointment) {
  const total =
    Date.parse(appointment.response_deadline) - Date.parse(appointment.assigned_at ?? appointment.created_at);
  return [
    h(
      'span',
      {
        className: 'countdown',
        role: 'timer',
        'aria-label': t('Response time for {number}', { number: number(appointment) }),
        'data-deadline': appointment.response_deadline,
        'data-total': String(total),
      },
      ltr(''),
      h('small'),
    ),
    h('span', { className: 'bar', 'aria-hidden': 'true' }, h('i')),
  ];
}

const startTime = appointment =>
  h(
    'span',
    { className: 'countdown' },
    ltr(at(appointment.start, appointment.timezone)),
    h('small', {}, at(appointment.start, appointment.timezone, { day: 'numeric', month: 'short' })),
  );

export function people(appointment) {
  const arrow = h('span', { className: 'muted' }, isRtl() ? ' ← ' : ' → ');
  const patient = said(appointment.patient_name ?? t('A patient'));
  return settings.user.role === 'therapist' ? [patient] : [patient, arrow, said(appointment.therapist_name ?? '—')];
}

function conflictLine(appointment, onDetails) {
  const words = state.conflicts.get(appointment.id);
  if (!words) return null;
  return h(
    'p',
    { className: 'conflict', role: 'alert' },
    icon('user'),
    h(
      'span',
      { dir: 'auto' },
      `${t('Already handled: now “{status}”.', { status: badge(appointment).textContent })} ${t('Your change was not saved.')}`,
    ),
    h(
      'button',
      { type: 'button', className: 'btn link', onclick: () => onDetails(appointment, true) },
      t('Show details'),
    ),
  );
}

const kept = new Map();

/**
 * The row of an appointment. `parts` has `facts`, `actions`, `quote`, `onDetails`, and `extra`, which says what else
 * its look depends on.
 */
export function row(appointment, parts) {
  const key = [
    appointment.version,
    appointment.status,
    phase(appointment),
    appointment.offer_read_at,
    appointment.claimed_by,
    state.busy.get(appointment.id),
    state.conflicts.get(appointment.id),
    appointment.allowed_actions?.join(),
    parts.extra,
  ].join('|');
  const known = kept.get(appointment.id);
  if (known?.key === key) return known.node;
  const node = build(appointment, parts);
  const focused = known?.node.contains(document.activeElement) && document.activeElement;
  kept.set(appointment.id, { key, node });
  if (focused) queueMicrotask(() => refocus(node, focused));
  return node;
}

/** The same button of the new row, else its title: focus never falls out of the list. */
function refocus(node, was) {
  const name = was.getAttribute('aria-label') ?? was.textContent;
  const same = [...node.querySelectorAll('button, a, summary')].find(
    one => (one.getAttribute('aria-label') ?? one.textContent) === name,
  );
  (same ?? node.querySelector('h3 a'))?.focus();
}

function build(appointment, { facts = [], actions = [], quote, onDetails, tick }) {
  const current = phase(appointment);
  const timed = TIMED.includes(current);
  const title = h(
    'a',
    {
      href: `#${number(appointment)}`,
      onclick: event => {
        event.preventDefault();
        onDetails(appointment);
      },
    },
    people(appointment),
  );
  const node = h(
    'li',
    {
      className: tick ? 'row compact' : 'row',
      id: `row-${appointment.id}`,
      'data-testid': `appointment-${appointment.id}`,
      'data-id': appointment.id,
      'data-phase': current,
      'data-version': appointment.version,
      'data-claimed': Boolean(appointment.claimed_by),
    },
    tick && h('div', { className: 'tick' }, tick),
    h('div', { className: 'time' }, timed ? countdown(appointment) : startTime(appointment)),
    h(
      'div',
      { className: 'body' },
      h('div', { className: 'who' }, h('h3', {}, title), badge(appointment)),
      h(
        'p',
        { className: 'meta' },
        h('span', {}, ltr(number(appointment))),
        h('span', {}, type(appointment)),
        timed || tick
          ? h(
              'span',
              {},
              at(appointment.start, appointment.timezone, { weekday: 'short', day: 'numeric', month: 'short' }),
            )
          : null,
        bothZones(appointment.start, appointment.timezone),
        facts,
      ),
      quote && h('p', { className: 'quote', dir: 'auto' }, `“${quote}”`),
    ),
    h('div', { className: 'acts' }, actions),
    conflictLine(appointment, onDetails),
  );
  paint(node, now());
  return node;
}

/** Mark the button of a running action. */
export function busyWords(appointment, action, text, working) {
  return state.busy.get(appointment.id) === action ? working : text;
}

function paint(root, time) {
  for (const timer of root.querySelectorAll('[data-deadline]')) {
    const left = Date.parse(timer.dataset.deadline) - time;
    timer.firstChild.textContent = left <= 0 ? `−${clockText(left)}` : clockText(left + 999);
    timer.lastChild.textContent = left <= 0 ? t('overdue') : t('left');
    const bar = timer.parentElement.querySelector('.bar i');
    bar?.style.setProperty('--left', String(Math.max(0, Math.min(1, left / Number(timer.dataset.total)))));
  }
}
onTick(time => paint(document, time));

/** A heading with its number, and the list under it; nothing for an empty group. */
export function group(name, rows) {
  if (!rows.length) return [];
  const heading =
    headings.get(name) ?? h('div', { className: 'group' }, h('h2', {}, name), h('span', { className: 'count' }));
  headings.set(name, heading);
  heading.lastChild.textContent = rows.length;
  return [heading, list(name, rows)];
}
const headings = new Map();
const lists = new Map();

export function list(name, rows) {
  const box = lists.get(name) ?? h('ul', { role: 'list', 'aria-label': name });
  lists.set(name, box);
  sync(box, rows);
  return box;
}

export const empty = (title, text) => h('p', { className: 'empty' }, h('strong', {}, title), ' ', text);
